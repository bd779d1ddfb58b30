#include <algorithm>

#include "text/template/builtins.h"
#include "text/template/characters.h"
#include "text/template/format.h"
#include "text/template/interpreter.h"
#include "text/template/operators.h"
#include "text/template/strings.h"
#include "text/unicode.h"

namespace bantam::jinja {
namespace {

using CallRef = const BuiltinCall&;

const Text& self_text(CallRef call) { return *call.self.as_text(); }
const Mapping& self_mapping(CallRef call) { return *call.self.as_mapping(); }
const Text* optional_text(CallRef call, size_t parameter) {
  return call.has(parameter) ? &call.text(parameter) : nullptr;
}

Value capitalize(CallRef call) { return with_case(call.budget, self_text(call), LetterCase::capital); }
Value lower(CallRef call) { return with_case(call.budget, self_text(call), LetterCase::lower); }
Value upper(CallRef call) { return with_case(call.budget, self_text(call), LetterCase::upper); }
Value title(CallRef call) { return with_case(call.budget, self_text(call), LetterCase::title); }
Value swapcase(CallRef call) { return with_case(call.budget, self_text(call), LetterCase::swapped); }

Value strip(CallRef call) { return stripped(call.budget, self_text(call), optional_text(call, 0)); }
Value lstrip(CallRef call) { return stripped(call.budget, self_text(call), optional_text(call, 0), {true, false}); }
Value rstrip(CallRef call) { return stripped(call.budget, self_text(call), optional_text(call, 0), {false, true}); }

Value split_left(CallRef call) {
  return Value::sequence(split(call.budget, self_text(call), optional_text(call, 0), call.integer(1, -1)));
}
Value split_right(CallRef call) {
  return Value::sequence(split_from_right(call.budget, self_text(call), optional_text(call, 0), call.integer(1, -1)));
}
Value splitlines(CallRef call) { return Value::sequence(split_lines(call.budget, self_text(call), call.flag(0))); }

// Text before, the separator, text after; all before when it does not occur.
Value partition(CallRef call) {
  const Text& separator = call.text(0);
  if (separator.empty()) throw Fault("empty separator");
  call.budget.bytes(separator.size());
  std::vector<Value> parts = split(call.budget, self_text(call), &separator, 1);
  const bool found = parts.size() == 2;
  const Value after = found ? parts[1] : Value(Text());
  return Value::sequence({parts[0], found ? Value(separator) : Value(Text()), after}, SequenceKind::tuple);
}

Value rpartition(CallRef call) {
  const Text& separator = call.text(0);
  if (separator.empty()) throw Fault("empty separator");
  call.budget.bytes(separator.size());
  std::vector<Value> parts = split_from_right(call.budget, self_text(call), &separator, 1);
  if (parts.size() == 1) return Value::sequence({Text(), Text(), parts[0]}, SequenceKind::tuple);
  return Value::sequence({parts[0], separator, parts[1]}, SequenceKind::tuple);
}

// Of two texts whose ends are compared, nothing where one is too long to be there.
size_t compared_bytes(CallRef call, const std::string& text) {
  return text.size() <= self_text(call).size() ? text.size() : 0;
}

// startswith() and endswith() take one text or a tuple of them.
template <class Holds>
Value holds_for_any(CallRef call, const Holds& holds) {
  const Sequence* tuple = call.arguments[0]->as_sequence();
  if (!tuple || tuple->kind != SequenceKind::tuple) return holds(call.text(0).bytes());
  return std::ranges::any_of(tuple->items, [&](const Value& item) {
    call.budget.step();
    if (!item.as_text()) throw Fault("expected a tuple of strings, found {} in it", item.type_name());
    return holds(item.as_text()->bytes());
  });
}
Value startswith(CallRef call) {
  return holds_for_any(call, [&](const std::string& text) {
    call.budget.bytes(compared_bytes(call, text));
    return self_text(call).bytes().starts_with(text);
  });
}
Value endswith(CallRef call) {
  return holds_for_any(call, [&](const std::string& text) {
    call.budget.bytes(compared_bytes(call, text));
    return self_text(call).bytes().ends_with(text);
  });
}

Value removeprefix(CallRef call) {
  const std::string& prefix = call.text(0).bytes();
  call.budget.bytes(self_text(call).size());
  return self_text(call).bytes().starts_with(prefix) ? Value(self_text(call).slice(prefix.size())) : call.self;
}
Value removesuffix(CallRef call) {
  const std::string& suffix = call.text(0).bytes();
  call.budget.bytes(self_text(call).size());
  if (!self_text(call).bytes().ends_with(suffix)) return call.self;
  return self_text(call).slice(0, self_text(call).size() - suffix.size());
}

Value replace(CallRef call) {
  return replaced(call.budget, self_text(call), call.text(0), call.text(1), call.integer(2, -1));
}

Value position(CallRef call, size_t offset) {
  if (offset == std::string::npos) return int64_t{-1};
  call.budget.bytes(offset);
  return count_characters(std::string_view(self_text(call).bytes()).substr(0, offset));
}
Value find(CallRef call) {
  return position(call, find_bytes(call.budget, self_text(call).bytes(), call.text(0).bytes()));
}
Value rfind(CallRef call) {
  call.budget.bytes(self_text(call).size() / 64 * call.text(0).size());
  return position(call, self_text(call).bytes().rfind(call.text(0).bytes()));
}
Value index(CallRef call) {
  Value found = find(call);
  if (*found.as_integer() < 0) throw Fault("substring not found");
  return found;
}

Value count_text(CallRef call) {
  const std::string &text = self_text(call).bytes(), &part = call.text(0).bytes();
  if (part.empty()) return length(call.budget, call.self) + 1;
  int64_t count = 0;
  for (size_t at = 0; (at = find_bytes(call.budget, text, part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

Value join(CallRef call) {
  const auto items = elements(call.budget, *call.arguments[0]);
  for (size_t i = 0; i < items->items.size(); ++i) {
    if (!items->items[i].as_text()) {
      throw Fault("sequence item {}: expected str instance, {} found", i, items->items[i].type_name());
    }
  }
  return joined(call.budget, items->items, self_text(call));
}

Value format(CallRef call) { return format_braces(call.budget, self_text(call), call.all); }

template <class Holds>
Value all_characters(CallRef call, const Holds& holds) {
  const std::string& text = self_text(call).bytes();
  call.budget.bytes(text.size());
  for (size_t at = 0; at < text.size(); at += character_bytes(text, at)) {
    if (!holds(character_at(text, at).value)) return false;
  }
  return !text.empty();
}
bool is_letter(char32_t c) { return char_class(c) == CharClass::letter; }
bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
Value isalpha(CallRef call) { return all_characters(call, is_letter); }
Value isdigit(CallRef call) { return all_characters(call, is_digit); }
Value isalnum(CallRef call) {
  return all_characters(call, [](char32_t c) { return is_letter(c) || is_digit(c); });
}
Value isspace(CallRef call) { return all_characters(call, is_python_space); }
Value islower(CallRef call) { return call.interpreter.test("lower", call.self, {}); }
Value isupper(CallRef call) { return call.interpreter.test("upper", call.self, {}); }

Value get(CallRef call) {
  call.budget.step(1 + self_mapping(call).entries.size() / 8);
  require_hashable(call.budget, *call.arguments[0]);
  if (const Value* found = self_mapping(call).find(*call.arguments[0])) return *found;
  return call.arguments[1] ? *call.arguments[1] : Value(None{});
}

Value view(CallRef call, SequenceKind kind) {
  std::vector<Value> items;
  for (const auto& [key, value] : self_mapping(call).entries) {
    call.budget.bytes(4 * sizeof(Value));
    items.push_back(kind == SequenceKind::dict_keys     ? key
                    : kind == SequenceKind::dict_values ? value
                                                        : Value::sequence({key, value}, SequenceKind::tuple));
  }
  return Value::sequence(std::move(items), kind);
}
Value keys(CallRef call) { return view(call, SequenceKind::dict_keys); }
Value values(CallRef call) { return view(call, SequenceKind::dict_values); }
Value items(CallRef call) { return view(call, SequenceKind::dict_items); }
Value copy(CallRef call) { return call.self; }

Value count_item(CallRef call) {
  return std::ranges::count_if(call.self.as_sequence()->items,
                               [&](const Value& item) { return equals(call.budget, item, *call.arguments[0]); });
}
Value index_of_item(CallRef call) {
  const std::vector<Value>& all = call.self.as_sequence()->items;
  const auto found =
      std::ranges::find_if(all, [&](const Value& item) { return equals(call.budget, item, *call.arguments[0]); });
  if (found == all.end()) throw Fault("the value is not in the list");
  return int64_t{found - all.begin()};
}

// loop.cycle(a, b, ...): one of them in turn.
Value cycle(CallRef call) {
  const std::vector<Value>& all = call.all.positional;
  if (all.empty()) throw Fault("no items for cycling given");
  const auto turn = static_cast<size_t>(*call.self.as_object()->attribute("index0")->as_integer());
  return all[turn % all.size()];
}

constexpr Builtin kTextMethods[] = {
    {"capitalize", capitalize},
    {"count", count_text, {"sub"}, 1},
    {"endswith", endswith, {"suffix"}, 1},
    {"find", find, {"sub"}, 1},
    {"format", format, {}, 0, true},
    {"index", index, {"sub"}, 1},
    {"isalnum", isalnum},
    {"isalpha", isalpha},
    {"isdigit", isdigit},
    {"islower", islower},
    {"isspace", isspace},
    {"isupper", isupper},
    {"join", join, {"iterable"}, 1},
    {"lower", lower},
    {"lstrip", lstrip, {"chars"}},
    {"partition", partition, {"sep"}, 1},
    {"removeprefix", removeprefix, {"prefix"}, 1},
    {"removesuffix", removesuffix, {"suffix"}, 1},
    {"replace", replace, {"old", "new", "count"}, 2},
    {"rfind", rfind, {"sub"}, 1},
    {"rpartition", rpartition, {"sep"}, 1},
    {"rsplit", split_right, {"sep", "maxsplit"}},
    {"rstrip", rstrip, {"chars"}},
    {"split", split_left, {"sep", "maxsplit"}},
    {"splitlines", splitlines, {"keepends"}},
    {"startswith", startswith, {"prefix"}, 1},
    {"strip", strip, {"chars"}},
    {"swapcase", swapcase},
    {"title", title},
    {"upper", upper},
};
constexpr Builtin kMappingMethods[] = {
    {"copy", copy}, {"get", get, {"key", "default"}, 1}, {"items", items}, {"keys", keys}, {"values", values},
};
constexpr Builtin kSequenceMethods[] = {
    {"count", count_item, {"value"}, 1},
    {"index", index_of_item, {"value"}, 1},
};
constexpr Builtin kLoopMethods[] = {{"cycle", cycle, {}, 0, true}};

const Builtin* find_in(std::span<const Builtin> table, std::string_view name) {
  const auto found = std::ranges::find(table, name, &Builtin::name);
  return found == table.end() ? nullptr : &*found;
}

}  // namespace

const Builtin* find_method(const Value& self, std::string_view name) {
  if (self.as_text()) return find_in(kTextMethods, name);
  if (self.as_mapping()) return find_in(kMappingMethods, name);
  if (const Sequence* sequence = self.as_sequence(); sequence && sequence->kind <= SequenceKind::tuple) {
    return find_in(kSequenceMethods, name);
  }
  if (self.type_name() == "LoopContext") return find_in(kLoopMethods, name);
  return nullptr;
}

}  // namespace bantam::jinja
