//===- WireNumbers.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Repeated number fields, packed or not, one element after another.
//
//===----------------------------------------------------------------------===//
#include "lib/Import/WireGuard.h"

#include <protozero/varint.hpp>

#include <cstring>

using namespace ingot;
using namespace ingot::wire;

/// Calls `visit` with start and end of each element; `fixedSize` 0 for varints.
template <typename Visit>
static void eachElement(const Numbers &numbers, unsigned fixedSize,
                        Visit visit) {
  for (const Numbers::Run &run : numbers.runs) {
    const char *at = run.bytes.data(), *end = at + run.bytes.size();
    for (bool first = true; at != end; first = false) {
      if (!run.packed && !first)
        ++at; // The key of this element, one byte.
      if (fixedSize) {
        if (size_t(end - at) < fixedSize)
          malformed("a packed list has " + std::to_string(end - at) +
                    " bytes too many");
        visit(at, at + fixedSize);
        at += fixedSize;
      } else {
        const char *start = at;
        protozero::skip_varint(&at, end);
        visit(start, at);
      }
    }
  }
}

Failure wire::count(const Numbers &numbers, unsigned fixedSize,
                    size_t &elements) {
  elements = 0;
  return guarded("a packed list", [&] {
    eachElement(numbers, fixedSize,
                [&](const char *, const char *) { ++elements; });
  });
}

/// Checks the limit, then calls `visit` with the bytes of each element.
template <typename Visit>
static Failure visitElements(const Numbers &numbers, unsigned fixedSize,
                             size_t limit, Visit visit) {
  size_t elements = 0;
  if (Failure failure = count(numbers, fixedSize, elements))
    return failure;
  if (elements > limit)
    return Error{Code::LimitExceeded, "a list has " + std::to_string(elements) +
                                          " elements; the limit is " +
                                          std::to_string(limit)};
  return guarded("a packed list",
                 [&] { eachElement(numbers, fixedSize, visit); });
}

Failure wire::visitInts(const Numbers &numbers, size_t limit,
                        const std::function<void(uint64_t)> &visit) {
  return visitElements(numbers, 0, limit, [&](const char *at, const char *end) {
    visit(protozero::decode_varint(&at, end));
  });
}

Failure wire::visitFloats(const Numbers &numbers, size_t limit,
                          const std::function<void(uint32_t)> &visit) {
  return visitElements(numbers, 4, limit, [&](const char *at, const char *) {
    uint32_t bits;
    memcpy(&bits, at, 4);
    visit(bits);
  });
}

Failure wire::visitDoubles(const Numbers &numbers, size_t limit,
                           const std::function<void(uint64_t)> &visit) {
  return visitElements(numbers, 8, limit, [&](const char *at, const char *) {
    uint64_t bits;
    memcpy(&bits, at, 8);
    visit(bits);
  });
}
