// Checked integer arithmetic for counts, offsets and sizes that come from outside.
#pragma once

#include <concepts>
#include <optional>

namespace bantam {

// a + b, or nothing when it does not fit.
template <std::unsigned_integral T>
std::optional<T> checked_add(T a, T b) {
  T sum;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

// a * b, or nothing when it does not fit.
template <std::unsigned_integral T>
std::optional<T> checked_mul(T a, T b) {
  T product;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

}  // namespace bantam
