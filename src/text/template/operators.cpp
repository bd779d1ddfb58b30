#include "text/template/operators.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/utf8.h"
#include "text/template/characters.h"
#include "text/template/format.h"
#include "text/template/object.h"

namespace bantam::jinja {
namespace {

constexpr std::string_view kArithmeticSigns[] = {"+", "-", "*", "/", "//", "%", "** or pow()"};
constexpr std::string_view kComparisonSigns[] = {"==", "!=", "<", "<=", ">", ">=", "in", "not in"};

[[noreturn]] void throw_unsupported(Arithmetic operation, const Value& left, const Value& right) {
  throw Fault("unsupported operand type(s) for {}: '{}' and '{}'", kArithmeticSigns[static_cast<size_t>(operation)],
              left.type_name(), right.type_name());
}

[[noreturn]] void throw_overflow() { throw Fault(Fault::Kind::limit, "an integer leaves the range of 64 bits"); }

void require_defined(const Value& value) {
  if (value.is_undefined()) throw Fault("{}", value.undefined_reason());
}

int64_t integer_power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) throw_overflow();
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) throw_overflow();
  }
  return result;
}

// Rounded down, and the remainder with the sign of the divisor.
double floor_modulo(double left, double right) {
  const double rest = std::fmod(left, right);
  if (rest == 0) return std::copysign(0.0, right);
  return (rest < 0) != (right < 0) ? rest + right : rest;
}

double floor_quotient(double left, double right) {
  const double rest = floor_modulo(left, right);
  const double quotient = (left - rest) / right;
  if (quotient == 0) return std::copysign(0.0, left / right);
  const double floor = std::floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

Value calculate_integers(Arithmetic operation, int64_t left, int64_t right) {
  int64_t result = 0;
  switch (operation) {
    case Arithmetic::add:
      if (__builtin_add_overflow(left, right, &result)) throw_overflow();
      return result;
    case Arithmetic::subtract:
      if (__builtin_sub_overflow(left, right, &result)) throw_overflow();
      return result;
    case Arithmetic::multiply:
      if (__builtin_mul_overflow(left, right, &result)) throw_overflow();
      return result;
    case Arithmetic::divide:
      if (right == 0) throw Fault("division by zero");
      return static_cast<double>(left) / static_cast<double>(right);
    case Arithmetic::floor_divide:
    case Arithmetic::modulo: {
      if (right == 0) throw Fault("integer division or modulo by zero");
      if (right == -1) {
        if (operation == Arithmetic::modulo) return int64_t{0};
        return negate(left);
      }
      const int64_t rest = left % right;
      const bool rounds_up = rest != 0 && (rest < 0) != (right < 0);
      if (operation == Arithmetic::modulo) return rounds_up ? rest + right : rest;
      return left / right - (rounds_up ? 1 : 0);
    }
    case Arithmetic::power:
      if (right >= 0) return integer_power(left, right);
      if (left == 0) throw Fault("0.0 cannot be raised to a negative power");
      return std::pow(static_cast<double>(left), static_cast<double>(right));
  }
  return result;
}

Value calculate_floats(Arithmetic operation, double left, double right) {
  switch (operation) {
    case Arithmetic::add:
      return left + right;
    case Arithmetic::subtract:
      return left - right;
    case Arithmetic::multiply:
      return left * right;
    case Arithmetic::divide:
      if (right == 0) throw Fault("float division by zero");
      return left / right;
    case Arithmetic::floor_divide:
      if (right == 0) throw Fault("float floor division by zero");
      return floor_quotient(left, right);
    case Arithmetic::modulo:
      if (right == 0) throw Fault("float modulo");
      return floor_modulo(left, right);
    case Arithmetic::power:
      if (left == 0 && right < 0) throw Fault("0.0 cannot be raised to a negative power");
      if (left < 0 && right != std::floor(right)) throw Fault("the power of a negative number is complex");
      const double result = std::pow(left, right);
      if (std::isinf(result) && std::isfinite(left) && std::isfinite(right)) throw Fault("the power is too large");
      return result;
  }
  return left;
}

std::optional<SequenceKind> common_kind(const Sequence* left, const Sequence* right) {
  if (!left || !right || left->kind != right->kind || left->kind > SequenceKind::tuple) return std::nullopt;
  return left->kind;
}

Value concatenate(Budget& budget, const Sequence& left, const Sequence& right) {
  budget.bytes((left.items.size() + right.items.size()) * sizeof(Value));
  std::vector<Value> items = left.items;
  items.insert(items.end(), right.items.begin(), right.items.end());
  return Value::sequence(std::move(items), left.kind);
}

// `value` is a string, list or tuple.
Value repeat(Budget& budget, const Value& value, int64_t count) {
  const auto times = static_cast<size_t>(std::max<int64_t>(count, 0));
  const Text* text = value.as_text();
  const size_t unit = text ? text->size() : value.as_sequence()->items.size() * sizeof(Value);
  budget.step();
  size_t total = 0;
  if (__builtin_mul_overflow(unit, times, &total)) total = std::numeric_limits<size_t>::max();
  budget.bytes(total);
  if (text) {
    if (total == 0) return Text();
    Text out = *text;
    while (out.size() < total) out.append(out, 0, total - out.size());
    return out;
  }
  std::vector<Value> items;
  const std::vector<Value>& once = value.as_sequence()->items;
  for (size_t i = 0; i < times && unit > 0; ++i) items.insert(items.end(), once.begin(), once.end());
  return Value::sequence(std::move(items), value.as_sequence()->kind);
}

bool is_repeatable(const Value& value) {
  const Sequence* sequence = value.as_sequence();
  return value.as_text() || (sequence && sequence->kind <= SequenceKind::tuple);
}

template <class T>
int three_way(const T& left, const T& right) {
  return left < right ? -1 : right < left ? 1 : 0;
}

// Exact where a double cannot hold the integer. Unordered (NaN) counts as different and not less.
std::optional<int> order_numbers(const Value& left, const Value& right) {
  const auto a = left.as_number(), b = right.as_number();
  if (!a || !b) return std::nullopt;
  const auto i = left.as_integer(), j = right.as_integer();
  if (i && j) return three_way(*i, *j);
  return three_way(static_cast<long double>(i ? static_cast<long double>(*i) : *a),
                   static_cast<long double>(j ? static_cast<long double>(*j) : *b));
}

bool is_nan(const Value& value) { return value.is_float() && std::isnan(*value.as_number()); }

bool contains(Budget& budget, const Value& container, const Value& value) {
  if (container.is_undefined()) return false;
  if (const Text* text = container.as_text()) {
    const Text* part = value.as_text();
    if (!part) throw Fault("'in <string>' requires string as left operand, not {}", value.type_name());
    return find_bytes(budget, text->bytes(), part->bytes()) != std::string::npos;
  }
  if (const Mapping* mapping = container.as_mapping()) {
    require_hashable(budget, value);
    budget.step(mapping->entries.size());
    return mapping->find(value) != nullptr;
  }
  if (const Sequence* sequence = container.as_sequence()) {
    if (sequence->kind == SequenceKind::dict_keys) require_hashable(budget, value);
    return std::ranges::any_of(sequence->items, [&](const Value& item) { return equals(budget, item, value); });
  }
  throw Fault("argument of type '{}' is not iterable", container.type_name());
}

// Python's reading of the parts of a slice of `count` elements.
struct SliceRange {
  int64_t start, stop, step;
};

SliceRange slice_range(const Value& start, const Value& stop, const Value& step, int64_t count) {
  const auto part = [](const Value& value, int64_t fallback) {
    if (value.is_none()) return fallback;
    const auto integer = value.as_integer();
    if (!integer) throw Fault("slice indices must be integers or None, not {}", value.type_name());
    return *integer;
  };
  SliceRange range{0, 0, part(step, 1)};
  if (range.step == 0) throw Fault("slice step cannot be zero");
  const bool forward = range.step > 0;
  const int64_t low = forward ? 0 : -1, high = forward ? count : count - 1;
  const auto bound = [&](const Value& value, int64_t fallback) {
    if (value.is_none()) return fallback;
    int64_t at = part(value, 0);
    if (at < 0) at = at < -count ? -1 : at + count;
    return std::clamp(at, low, high);
  };
  range.start = bound(start, forward ? 0 : count - 1);
  range.stop = bound(stop, forward ? count : -1);
  return range;
}

}  // namespace

Value negate(const Value& value) {
  require_defined(value);
  if (const auto integer = value.as_integer()) {
    int64_t result = 0;
    if (__builtin_sub_overflow(int64_t{0}, *integer, &result)) throw_overflow();
    return result;
  }
  if (const auto number = value.as_number()) return -*number;
  throw Fault("bad operand type for unary -: '{}'", value.type_name());
}

Value calculate(Budget& budget, Arithmetic operation, const Value& left, const Value& right) {
  require_defined(left);
  require_defined(right);
  if (const auto a = left.as_number(), b = right.as_number(); a && b) {
    const auto i = left.as_integer(), j = right.as_integer();
    return i && j ? calculate_integers(operation, *i, *j) : calculate_floats(operation, *a, *b);
  }
  if (operation == Arithmetic::add) {
    if (const Text* a = left.as_text(), *b = right.as_text(); a && b) {
      budget.bytes(a->size() + b->size());
      Text out = *a;
      out.append(*b);
      return out;
    }
    if (common_kind(left.as_sequence(), right.as_sequence())) {
      return concatenate(budget, *left.as_sequence(), *right.as_sequence());
    }
  }
  if (operation == Arithmetic::multiply) {
    if (const auto count = right.as_integer(); count && is_repeatable(left)) return repeat(budget, left, *count);
    if (const auto count = left.as_integer(); count && is_repeatable(right)) return repeat(budget, right, *count);
  }
  if (operation == Arithmetic::modulo && left.as_text()) {
    const Sequence* tuple = right.as_sequence();
    if (tuple && tuple->kind == SequenceKind::tuple) return format_percent(budget, *left.as_text(), tuple->items);
    return format_percent(budget, *left.as_text(), std::vector<Value>{right});
  }
  throw_unsupported(operation, left, right);
}

bool equals(Budget& budget, const Value& left, const Value& right) {
  budget.step();
  if (is_nan(left) || is_nan(right)) return false;
  if (const auto sign = order_numbers(left, right)) return *sign == 0;
  if (const Text* a = left.as_text(), *b = right.as_text(); a && b) {
    budget.bytes(std::min(a->size(), b->size()));
    return a->bytes() == b->bytes();
  }
  if (const Sequence* a = left.as_sequence(), *b = right.as_sequence(); a && b) {
    if (a == b) return true;
    return a->kind == b->kind && a->kind != SequenceKind::generator &&
           std::ranges::equal(a->items, b->items, [&](const Value& x, const Value& y) { return equals(budget, x, y); });
  }
  if (const Mapping* a = left.as_mapping(), *b = right.as_mapping(); a && b) {
    if (a == b) return true;
    if (a->entries.size() != b->entries.size()) return false;
    return std::ranges::all_of(a->entries, [&](const auto& entry) {
      budget.step(b->entries.size());
      const Value* other = b->find(entry.first);
      return other && equals(budget, entry.second, *other);
    });
  }
  if (left.as_object() || right.as_object()) return left.as_object() == right.as_object();
  return (left.is_none() && right.is_none()) || (left.is_undefined() && right.is_undefined());
}

int order(Budget& budget, const Value& left, const Value& right) {
  require_defined(left);
  require_defined(right);
  budget.step();
  if (const auto sign = order_numbers(left, right)) return *sign;
  if (const Text* a = left.as_text(), *b = right.as_text(); a && b) {
    budget.bytes(std::min(a->size(), b->size()));
    return three_way(a->bytes().compare(b->bytes()), 0);  // UTF-8 sorts as code points do
  }
  const Sequence *a = left.as_sequence(), *b = right.as_sequence();
  if (common_kind(a, b)) {
    for (size_t i = 0; i < std::min(a->items.size(), b->items.size()); ++i) {
      if (!equals(budget, a->items[i], b->items[i])) return order(budget, a->items[i], b->items[i]);
    }
    return three_way(a->items.size(), b->items.size());
  }
  throw Fault("'{}' and '{}' have no order", left.type_name(), right.type_name());
}

bool same_key(const Value& left, const Value& right) {
  if (const Text* a = left.as_text(), *b = right.as_text(); a || b) return a && b && a->bytes() == b->bytes();
  if (const auto sign = order_numbers(left, right)) return *sign == 0 && !is_nan(left) && !is_nan(right);
  return left.is_none() && right.is_none();
}

void require_hashable(Budget& budget, const Value& value) {
  budget.step();
  const Sequence* sequence = value.as_sequence();
  if (value.as_mapping() || (sequence && sequence->kind == SequenceKind::list)) {
    throw Fault("unhashable type: '{}'", value.type_name());
  }
  if (!sequence) return;
  for (const Value& item : sequence->items) require_hashable(budget, item);
}

bool compare(Budget& budget, Comparison comparison, const Value& left, const Value& right) {
  const auto ordered = [&] {
    try {
      return order(budget, left, right);
    } catch (const Fault& fault) {
      if (fault.kind() != Fault::Kind::error || left.is_undefined() || right.is_undefined()) throw;
      throw Fault("'{}' not supported between instances of '{}' and '{}'",
                  kComparisonSigns[static_cast<size_t>(comparison)], left.type_name(), right.type_name());
    }
  };
  const bool unordered = is_nan(left) || is_nan(right);
  switch (comparison) {
    case Comparison::equal:
      return equals(budget, left, right);
    case Comparison::not_equal:
      return !equals(budget, left, right);
    case Comparison::less:
      return ordered() < 0 && !unordered;
    case Comparison::less_equal:
      return ordered() <= 0 && !unordered;
    case Comparison::greater:
      return ordered() > 0 && !unordered;
    case Comparison::greater_equal:
      return ordered() >= 0 && !unordered;
    case Comparison::in:
      return contains(budget, right, left);
    case Comparison::not_in:
      return !contains(budget, right, left);
  }
  return false;
}

std::shared_ptr<const Sequence> elements(Budget& budget, const Value& value) {
  budget.step();
  if (auto sequence = value.shared_sequence()) return sequence;
  std::vector<Value> items;
  if (const Mapping* mapping = value.as_mapping()) {
    budget.step(mapping->entries.size());
    budget.bytes(mapping->entries.size() * sizeof(Value));
    for (const auto& [key, entry] : mapping->entries) items.push_back(key);
  } else if (const Text* text = value.as_text()) {
    budget.bytes(text->size() * 2 * sizeof(Value));
    for (const Character& c : characters(text->bytes())) items.push_back(text->slice(c.begin, c.bytes));
  } else if (!value.is_undefined()) {
    throw Fault("'{}' object is not iterable", value.type_name());
  }
  return Value::sequence(std::move(items)).shared_sequence();
}

int64_t length(Budget& budget, const Value& value) {
  if (value.is_undefined()) return 0;
  if (const Text* text = value.as_text()) {
    budget.bytes(text->size());
    return count_characters(text->bytes());
  }
  if (const Mapping* mapping = value.as_mapping()) return static_cast<int64_t>(mapping->entries.size());
  if (const Sequence* sequence = value.as_sequence(); sequence && sequence->kind != SequenceKind::generator) {
    return static_cast<int64_t>(sequence->items.size());
  }
  throw Fault("object of type '{}' has no len()", value.type_name());
}

Value slice(Budget& budget, const Value& value, const Value& start, const Value& stop, const Value& step) {
  require_defined(value);
  const Text* text = value.as_text();
  const Sequence* sequence = value.as_sequence();
  if (!text && (!sequence || sequence->kind > SequenceKind::tuple)) {
    throw Fault("'{}' object cannot be sliced", value.type_name());
  }
  if (sequence) {
    const auto [at, end, stride] = slice_range(start, stop, step, static_cast<int64_t>(sequence->items.size()));
    std::vector<Value> items;
    for (int64_t i = at; stride > 0 ? i < end : i > end;) {
      budget.bytes(sizeof(Value));
      items.push_back(sequence->items[static_cast<size_t>(i)]);
      if (__builtin_add_overflow(i, stride, &i)) break;
    }
    return Value::sequence(std::move(items), sequence->kind);
  }
  budget.bytes(sizeof(Character) * text->size());
  const std::vector<Character> all = characters(text->bytes());
  const auto [at, end, stride] = slice_range(start, stop, step, static_cast<int64_t>(all.size()));
  if (stride == 1) {
    if (at >= end) return Text();
    const Character &first = all[static_cast<size_t>(at)], &last = all[static_cast<size_t>(end - 1)];
    return text->slice(first.begin, last.begin + last.bytes - first.begin);
  }
  Text out;
  for (int64_t i = at; stride > 0 ? i < end : i > end;) {
    out.append(*text, all[static_cast<size_t>(i)].begin, all[static_cast<size_t>(i)].bytes);
    if (__builtin_add_overflow(i, stride, &i)) break;
  }
  return out;
}

Value element(Budget& budget, const Value& value, int64_t index) {
  const int64_t count = length(budget, value);
  if (index < 0) index += count;
  if (index < 0 || index >= count) {
    return Value::undefined(fmt::format("{} object has no element {}", value.type_name(), index));
  }
  if (const Text* text = value.as_text()) {
    size_t begin = 0;
    for (; index > 0; --index) begin += character_bytes(text->bytes(), begin);
    return text->slice(begin, character_bytes(text->bytes(), begin));
  }
  return value.as_sequence()->items[static_cast<size_t>(index)];
}

size_t find_bytes(Budget& budget, std::string_view text, std::string_view needle, size_t begin) {
  if (begin > text.size()) return std::string::npos;
  budget.step();
  if (needle.empty()) return begin;
  const void* found = memmem(text.data() + begin, text.size() - begin, needle.data(), needle.size());
  const size_t at = found ? static_cast<size_t>(static_cast<const char*>(found) - text.data()) : std::string::npos;
  // What the search can cost at worst grows with the needle, up to 256 bytes of it.
  budget.bytes((std::min(at, text.size()) - begin) * (1 + std::min<size_t>(needle.size(), 256) / 8) / 4);
  return at;
}

}  // namespace bantam::jinja
