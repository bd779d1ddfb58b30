#include <algorithm>

#include "text/template/builtins.h"
#include "text/template/format.h"
#include "text/template/interpreter.h"
#include "text/template/operators.h"
#include "text/template/strings.h"

namespace bantam::jinja {
namespace {

using CallRef = const BuiltinCall&;

Value compared(CallRef call, Comparison comparison) {
  return compare(call.budget, comparison, call.self, *call.arguments[0]);
}
Value is_equal(CallRef call) { return compared(call, Comparison::equal); }
Value is_not_equal(CallRef call) { return compared(call, Comparison::not_equal); }
Value is_less(CallRef call) { return compared(call, Comparison::less); }
Value is_less_equal(CallRef call) { return compared(call, Comparison::less_equal); }
Value is_greater(CallRef call) { return compared(call, Comparison::greater); }
Value is_greater_equal(CallRef call) { return compared(call, Comparison::greater_equal); }
Value is_in(CallRef call) { return compared(call, Comparison::in); }

Value remainder_is(CallRef call, const Value& divisor, int64_t wanted) {
  return equals(call.budget, calculate(call.budget, Arithmetic::modulo, call.self, divisor), Value(wanted));
}
Value is_divisible(CallRef call) { return remainder_is(call, *call.arguments[0], 0); }
Value is_even(CallRef call) { return remainder_is(call, Value(int64_t{2}), 0); }
Value is_odd(CallRef call) { return remainder_is(call, Value(int64_t{2}), 1); }

Value is_boolean(CallRef call) { return call.self.is_bool(); }
Value is_true(CallRef call) { return call.self.is_bool() && call.self.truthy(); }
Value is_false(CallRef call) { return call.self.is_bool() && !call.self.truthy(); }
Value is_defined(CallRef call) { return !call.self.is_undefined(); }
Value is_undefined(CallRef call) { return call.self.is_undefined(); }
Value is_none(CallRef call) { return call.self.is_none(); }
Value is_integer(CallRef call) { return call.self.is_integer(); }
Value is_float(CallRef call) { return call.self.is_float(); }
Value is_number(CallRef call) { return call.self.as_number().has_value(); }
Value is_string(CallRef call) { return call.self.as_text() != nullptr; }
Value is_mapping(CallRef call) { return call.self.as_mapping() != nullptr; }
Value is_callable(CallRef call) { return call.self.as_object() && call.self.as_object()->is_callable(); }

Value is_iterable(CallRef call) {
  return call.self.is_undefined() || call.self.as_text() || call.self.as_sequence() || call.self.as_mapping();
}

// Has a length and elements by index or key.
Value is_sequence(CallRef call) {
  const Sequence* sequence = call.self.as_sequence();
  return call.self.is_undefined() || call.self.as_text() || call.self.as_mapping() ||
         (sequence && sequence->kind <= SequenceKind::tuple);
}

// Whether the text has letters, all of this case.
Value is_of_case(CallRef call, LetterCase letter_case, LetterCase other) {
  const Text text = to_text(call.budget, call.self);
  return text.bytes() == with_case(call.budget, text, letter_case).bytes() &&
         text.bytes() != with_case(call.budget, text, other).bytes();
}
Value is_lower(CallRef call) { return is_of_case(call, LetterCase::lower, LetterCase::upper); }
Value is_upper(CallRef call) { return is_of_case(call, LetterCase::upper, LetterCase::lower); }

// The same object: for the constants None, True and False the same value.
Value is_same(CallRef call) {
  const Value& other = *call.arguments[0];
  if (call.self.is_bool() != other.is_bool() || call.self.is_integer() != other.is_integer()) return false;
  return equals(call.budget, call.self, other);
}

Value is_filter(CallRef call) { return call.self.as_text() && find_filter(call.self.as_text()->bytes()); }
Value is_test(CallRef call) { return call.self.as_text() && find_test(call.self.as_text()->bytes()); }

constexpr Builtin kTests[] = {
    {"!=", is_not_equal, {"other"}, 1},
    {"<", is_less, {"other"}, 1},
    {"<=", is_less_equal, {"other"}, 1},
    {"==", is_equal, {"other"}, 1},
    {">", is_greater, {"other"}, 1},
    {">=", is_greater_equal, {"other"}, 1},
    {"boolean", is_boolean},
    {"callable", is_callable},
    {"defined", is_defined},
    {"divisibleby", is_divisible, {"num"}, 1},
    {"eq", is_equal, {"other"}, 1},
    {"equalto", is_equal, {"other"}, 1},
    {"even", is_even},
    {"false", is_false},
    {"filter", is_filter},
    {"float", is_float},
    {"ge", is_greater_equal, {"other"}, 1},
    {"greaterthan", is_greater, {"other"}, 1},
    {"gt", is_greater, {"other"}, 1},
    {"in", is_in, {"seq"}, 1},
    {"integer", is_integer},
    {"iterable", is_iterable},
    {"le", is_less_equal, {"other"}, 1},
    {"lessthan", is_less, {"other"}, 1},
    {"lower", is_lower},
    {"lt", is_less, {"other"}, 1},
    {"mapping", is_mapping},
    {"ne", is_not_equal, {"other"}, 1},
    {"none", is_none},
    {"number", is_number},
    {"odd", is_odd},
    {"sameas", is_same, {"other"}, 1},
    {"sequence", is_sequence},
    {"string", is_string},
    {"test", is_test},
    {"true", is_true},
    {"undefined", is_undefined},
    {"upper", is_upper},
};

}  // namespace

const Builtin* find_test(std::string_view name) {
  const auto found = std::ranges::find(kTests, name, &Builtin::name);
  return found == std::end(kTests) ? nullptr : found;
}

}  // namespace bantam::jinja
