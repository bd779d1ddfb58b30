// Numbers between two bounds as parts of a grammar, digit by digit.
#pragma once

#include <optional>
#include <string>

#include "text/grammar/grammar.h"

namespace bantam {

struct NumberBound {
  std::string decimal;  // "-12.5": a sign, digits, a fraction; no exponent
  bool inclusive = true;
};

struct NumberRange {
  std::optional<NumberBound> least, most;
  bool integer = false;
  uint32_t multiple_of = 1;    // of integers
  uint32_t most_fraction = 0;  // digits after the point, where it is no integer
};

// Whatever is written has at most 15 digits, which a double keeps apart, so a reader that compares doubles agrees.
inline constexpr size_t kMostRangeDigits = 15;

// Nothing where a bound has more digits than that.
std::optional<Grammar::NodeId> compile_range(Grammar& grammar, const NumberRange& range);

}  // namespace bantam
