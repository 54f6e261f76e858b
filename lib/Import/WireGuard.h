//===- WireGuard.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For Wire*.cpp alone, which are built with exceptions, unlike the rest of the
// project: protozero's decoder throws, and so does what is built on it.
// `guarded` turns every exception into a Failure, and none leaves those files.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_IMPORT_WIREGUARD_H
#define INGOT_LIB_IMPORT_WIREGUARD_H

#include "lib/Import/Wire.h"

#include <protozero/exception.hpp>

#include <new>

namespace ingot::wire {

/// Ends reading with a message.
[[noreturn]] inline void malformed(std::string text) {
  throw Error{Code::MalformedModel, std::move(text)};
}

/// Runs `body`; `message` names what it reads.
template <typename Body> Failure guarded(const char *message, Body body) {
  try {
    body();
    return {};
  } catch (Error &error) {
    return std::move(error);
  } catch (const protozero::exception &e) {
    return Error{Code::MalformedModel,
                 std::string(message) + " is cut off or damaged"};
  } catch (const std::bad_alloc &) {
    return Error{Code::ModelUnreadable, "out of memory"};
  }
}

} // namespace ingot::wire

#endif // INGOT_LIB_IMPORT_WIREGUARD_H
