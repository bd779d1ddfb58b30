// What the operators of template expressions do, as Python does it.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "text/template/budget.h"
#include "text/template/value.h"

namespace bantam::jinja {

enum class Arithmetic : uint8_t { add, subtract, multiply, divide, floor_divide, modulo, power };
enum class Comparison : uint8_t { equal, not_equal, less, less_equal, greater, greater_equal, in, not_in };

// All throw Fault where Python raises an error, and when the budget is spent.
Value calculate(Budget& budget, Arithmetic operation, const Value& left, const Value& right);
Value negate(const Value& value);
bool compare(Budget& budget, Comparison comparison, const Value& left, const Value& right);

bool equals(Budget& budget, const Value& left, const Value& right);
// Negative, zero or positive; throws Fault for values without an order.
int order(Budget& budget, const Value& left, const Value& right);
// Whether both name the same entry of a dict. Without a budget: keys are short, and lists are no keys.
bool same_key(const Value& left, const Value& right);
// Throws Fault for lists and dicts, which cannot be keys.
void require_hashable(Budget& budget, const Value& value);

// The elements that `for` goes through: of a dict its keys, of a string its characters.
std::shared_ptr<const Sequence> elements(Budget& budget, const Value& value);
int64_t length(Budget& budget, const Value& value);

// value[start:stop:step]; none for a part left out.
Value slice(Budget& budget, const Value& value, const Value& start, const Value& stop, const Value& step);
// value[index] of a list, tuple or string; undefined when it is outside.
Value element(Budget& budget, const Value& value, int64_t index);

// The offset of the first `needle` at or after `begin`, or npos. Linear time.
size_t find_bytes(Budget& budget, std::string_view text, std::string_view needle, size_t begin = 0);

}  // namespace bantam::jinja
