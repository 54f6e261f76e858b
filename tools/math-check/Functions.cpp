//===- Functions.cpp - the functions whose accuracy is measured -----------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// References come from the C library, in double for f32 and in long double for
// f64.
//
//===----------------------------------------------------------------------===//
#include "tools/math-check/Functions.h"

#include <cmath>
#include <cstdint>

namespace mathcheck {

/// x rounded once to a format of so many significant bits, as a value.
template <typename T>
static T roundTo(T x, int bits, int minExponent, T overflow) {
  if (x == 0 || !std::isfinite(x))
    return x;
  int exponent = std::ilogb(x);
  int last = std::max(exponent, minExponent) - (bits - 1);
  T scaled = std::nearbyint(std::scalbn(x, -last));
  T result = std::copysign(std::scalbn(scaled, last), x);
  return std::fabs(result) >= overflow ? std::copysign(T(INFINITY), x) : result;
}
template <typename T> static T toBf16(T x) {
  return roundTo<T>(x, 8, -126, std::scalbn(T(1), 128));
}
template <typename T> static T toF16(T x) {
  return roundTo<T>(x, 11, -14, T(65536));
}

/// x to the n-th in i32, wrapping; 0 to a negative power is 0 here.
static int32_t intPower(int32_t x, int32_t n) {
  if (n < 0)
    return x == 1 ? 1 : x == -1 ? (n & 1 ? -1 : 1) : 0;
  uint32_t result = 1, power = uint32_t(x);
  for (uint32_t rest = uint32_t(n); rest; rest >>= 1, power *= power)
    if (rest & 1)
      result *= power;
  return int32_t(result);
}

#define REFERENCE(expression)                                                  \
  [](double x, double y) -> double { return expression; },                     \
      [](long double x, long double y) -> long double { return expression; }
#define UNARY(name) "%r = math." #name " %x : $T"
#define BINARY(name) "%r = math." #name " %x, %y : $T"

/// 1 / (1 + exp(-x)) as a model spells it.
static const char *const sigmoidBody =
    "%one = arith.constant dense<1.0> : $T\n%m = arith.negf %x : $T\n"
    "%e = math.exp %m : $T\n%s = arith.addf %e, %one : $T\n"
    "%r = arith.divf %one, %s : $T";

static const Function functions[] = {
    {"acos", 1, UNARY(acos), REFERENCE(std::acos(x)), 0.51, 4},
    {"acosh", 1, UNARY(acosh), REFERENCE(std::acosh(x)), 0.51, 4},
    {"asin", 1, UNARY(asin), REFERENCE(std::asin(x)), 0.51, 4},
    {"asinh", 1, UNARY(asinh), REFERENCE(std::asinh(x)), 0.51, 4},
    {"atan", 1, UNARY(atan), REFERENCE(std::atan(x)), 0.51, 4},
    {"atanh", 1, UNARY(atanh), REFERENCE(std::atanh(x)), 0.51, 4},
    {"cbrt", 1, UNARY(cbrt), REFERENCE(std::cbrt(x)), 0.52, 4},
    {"ceil", 1, UNARY(ceil), REFERENCE(std::ceil(x)), 0, 0},
    {"cos", 1, UNARY(cos), REFERENCE(std::cos(x)), 0.51, 4},
    {"cosh", 1, UNARY(cosh), REFERENCE(std::cosh(x)), 0.51, 4},
    {"erf", 1, UNARY(erf), REFERENCE(std::erf(x)), 1, 4},
    {"erfc", 1, UNARY(erfc), REFERENCE(std::erfc(x)), 0.51, 4},
    {"exp", 1, UNARY(exp), REFERENCE(std::exp(x)), 1, 1},
    {"exp2", 1, UNARY(exp2), REFERENCE(std::exp2(x)), 1, 1},
    {"expm1", 1, UNARY(expm1), REFERENCE(std::expm1(x)), 1, 1},
    {"floor", 1, UNARY(floor), REFERENCE(std::floor(x)), 0, 0},
    {"log", 1, UNARY(log), REFERENCE(std::log(x)), 1, 1},
    {"log10", 1, UNARY(log10), REFERENCE(std::log10(x)), 0.51, 1},
    {"log1p", 1, UNARY(log1p), REFERENCE(std::log1p(x)), 1, 1},
    {"log2", 1, UNARY(log2), REFERENCE(std::log2(x)), 0.51, 1},
    {"round", 1, UNARY(round), REFERENCE(std::round(x)), 0, 0},
    {"roundeven", 1, UNARY(roundeven), REFERENCE(std::nearbyint(x)), 0, 0},
    {"rsqrt", 1, UNARY(rsqrt), REFERENCE(1 / std::sqrt(x)), 1, 1},
    {"sigmoid", 1, sigmoidBody, REFERENCE(1 / (1 + std::exp(-x))), 1, 4},
    {"sin", 1, UNARY(sin), REFERENCE(std::sin(x)), 0.51, 4},
    {"sinh", 1, UNARY(sinh), REFERENCE(std::sinh(x)), 0.51, 4},
    {"sqrt", 1, UNARY(sqrt), REFERENCE(std::sqrt(x)), 0.5, 0.5},
    {"tan", 1, UNARY(tan), REFERENCE(std::tan(x)), 0.51, 4},
    {"tanh", 1, UNARY(tanh), REFERENCE(std::tanh(x)), 1, 4},
    {"trunc", 1, UNARY(trunc), REFERENCE(std::trunc(x)), 0, 0},
    {"atan2", 2, BINARY(atan2), REFERENCE(std::atan2(x, y)), 0.51, 4},
    {"fpowi", 2,
     "%n = arith.fptosi %y : $T to $I\n%r = math.fpowi %x, %n : $T, $I",
     REFERENCE(std::pow(x, y)), 0.51, 4, Domain::IntPower},
    {"ipowi", 2,
     "%a = arith.fptosi %x : $T to $I\n%b = arith.fptosi %y : $T to $I\n"
     "%c = math.ipowi %a, %b : $I\n%r = arith.sitofp %c : $I to $T",
     REFERENCE(intPower(int32_t(x), int32_t(y))), 0.5, 0, Domain::Integers},
    {"pow", 2, BINARY(powf), REFERENCE(std::pow(x, y)), 0.51, 4},
    {"pow_-3", 1,
     "%c = arith.constant dense<-3.0> : $T\n%r = math.powf %x, %c : $T",
     REFERENCE(1 / (x * x * x)), 0.51, 4},
    {"pow_0.5", 1,
     "%c = arith.constant dense<0.5> : $T\n%r = math.powf %x, %c : $T",
     REFERENCE(std::pow(x, 0.5)), 0.5, 0.5},
    {"pow_7", 1,
     "%c = arith.constant dense<7.0> : $T\n%r = math.powf %x, %c : $T",
     REFERENCE(std::pow(x, 7)), 0.51, 4},
    {"remf", 2, "%r = arith.remf %x, %y : $T", REFERENCE(std::fmod(x, y)), 0,
     0},
    {"to_bf16", 1,
     "%h = arith.truncf %x : $T to $B\n%r = arith.extf %h : $B to $T",
     REFERENCE(toBf16(x)), 0, 0},
    {"to_f16", 1,
     "%h = arith.truncf %x : $T to $H\n%r = arith.extf %h : $H to $T",
     REFERENCE(toF16(x)), 0, 0},
};

llvm::ArrayRef<Function> allFunctions() { return functions; }

} // namespace mathcheck
