#include <algorithm>
#include <cmath>

#include "text/template/builtins.h"
#include "text/template/characters.h"
#include "text/template/format.h"
#include "text/template/interpreter.h"
#include "text/template/operators.h"
#include "text/template/strings.h"

namespace bantam::jinja {
namespace {

using CallRef = const BuiltinCall&;

Text input_text(CallRef call) { return to_text(call.budget, call.self); }

Text argument_text(CallRef call, size_t parameter, std::string_view fallback = "") {
  return call.has(parameter) ? to_text(call.budget, *call.arguments[parameter]) : Text(std::string(fallback));
}

Value generator(std::vector<Value> items) { return Value::sequence(std::move(items), SequenceKind::generator); }

// "a.0.b" of an item; whatever is missing on the way is `fallback`, or undefined.
Value path_of(CallRef call, Value item, const Value& path, const Value* fallback = nullptr) {
  const auto step = [&](const Value& key) {
    item = item_of(call.budget, item, key);
    if (item.is_undefined() && fallback && !fallback->is_none()) item = *fallback;
  };
  const Text* text = path.as_text();
  if (!text) {
    step(path);
    return item;
  }
  const Text dot(".");
  for (const Value& part : split(call.budget, *text, &dot)) {
    const std::string& name = part.as_text()->bytes();
    const bool is_index = !name.empty() && std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
    step(is_index && name.size() < 10 ? Value(int64_t{std::stoi(name)}) : part);
  }
  return item;
}

// What items are sorted and compared by: an attribute if one is given, strings without their case.
Value sort_key(CallRef call, const Value& item, const Value* attribute, bool case_sensitive) {
  Value key = attribute && !attribute->is_none() ? path_of(call, item, *attribute) : item;
  if (const Text* text = key.as_text(); text && !case_sensitive)
    return with_case(call.budget, *text, LetterCase::lower);
  return key;
}

Value absolute(CallRef call) {
  if (!call.self.as_number()) throw Fault("bad operand type for abs(): '{}'", call.self.type_name());
  return *call.self.as_number() < 0 ? negate(call.self) : negate(negate(call.self));
}

Value batch(CallRef call) {
  const int64_t size = call.integer(0, 1);
  if (size < 1) throw Fault("batch() needs a size of at least 1");
  std::vector<Value> rows, row;
  const auto all = elements(call.budget, call.self);
  for (const Value& item : all->items) {
    call.budget.bytes(sizeof(Value));
    row.push_back(item);
    if (static_cast<int64_t>(row.size()) == size) rows.push_back(Value::sequence(std::exchange(row, {})));
  }
  if (!row.empty()) {
    if (call.has(1)) {
      call.budget.bytes(static_cast<size_t>(size) * sizeof(Value));
      row.resize(static_cast<size_t>(size), *call.arguments[1]);
    }
    rows.push_back(Value::sequence(std::move(row)));
  }
  return generator(std::move(rows));
}

Value fallback(CallRef call) {
  const bool replace = call.self.is_undefined() || (call.flag(1) && !call.self.truthy());
  if (!replace) return call.self;
  return call.arguments[0] ? *call.arguments[0] : Value::text("");
}

Value dict_sorted(CallRef call) {
  const Mapping* mapping = call.self.as_mapping();
  if (!mapping) throw Fault("dictsort needs a dict, found {}", call.self.type_name());
  const std::string by = call.has(1) ? call.text(1).bytes() : "key";
  if (by != "key" && by != "value") throw Fault("dictsort sorts by 'key' or 'value', not '{}'", by);
  std::vector<std::pair<Value, Value>> keyed;  // what to sort by, and the item
  for (const auto& [key, value] : mapping->entries) {
    call.budget.bytes(4 * sizeof(Value));
    keyed.emplace_back(sort_key(call, by == "key" ? key : value, nullptr, call.flag(0)),
                       Value::sequence({key, value}, SequenceKind::tuple));
  }
  const bool reverse = call.flag(2);
  std::ranges::stable_sort(keyed, [&](const auto& a, const auto& b) {
    return order(call.budget, reverse ? b.first : a.first, reverse ? a.first : b.first) < 0;
  });
  std::vector<Value> items;
  for (auto& [key, item] : keyed) items.push_back(std::move(item));
  return Value::sequence(std::move(items));
}

Value escape(CallRef call) {
  static constexpr std::pair<std::string_view, std::string_view> kEntities[] = {
      {"&", "&amp;"}, {">", "&gt;"}, {"<", "&lt;"}, {"'", "&#39;"}, {"\"", "&#34;"}};
  Text text = input_text(call);
  for (const auto& [character, entity] : kEntities) {
    text = replaced(call.budget, text, Text(std::string(character)), Text(std::string(entity)));
  }
  return text;
}

Value first(CallRef call) {
  const auto items = elements(call.budget, call.self);
  return items->items.empty() ? Value::undefined("no first item, sequence was empty") : items->items.front();
}

Value last(CallRef call) {
  const Sequence* sequence = call.self.as_sequence();
  if (sequence && sequence->kind == SequenceKind::generator) throw Fault("'generator' object is not reversible");
  const auto items = elements(call.budget, call.self);
  return items->items.empty() ? Value::undefined("no last item, sequence was empty") : items->items.back();
}

Value format(CallRef call) { return format_percent(call.budget, input_text(call), call.all.positional); }

Value indent(CallRef call) {
  Text indentation(std::string(static_cast<size_t>(4), ' '));
  if (call.arguments[0] && call.arguments[0]->as_text()) {
    call.budget.bytes(call.arguments[0]->as_text()->size());
    indentation = *call.arguments[0]->as_text();
  } else if (call.arguments[0]) {
    const int64_t width = std::max<int64_t>(call.integer(0, 4), 0);
    call.budget.bytes(static_cast<size_t>(width));
    indentation = Text(std::string(static_cast<size_t>(width), ' '));
  }
  if (!call.self.as_text()) throw Fault("indent needs a string, found {}", call.self.type_name());
  call.budget.bytes(call.self.as_text()->size());
  Text text = *call.self.as_text();
  text.append("\n");  // so that a last line without text counts
  const std::vector<Value> lines = split_lines(call.budget, text);
  Text out;
  for (size_t i = 0; i < lines.size(); ++i) {
    const Text& line = *lines[i].as_text();
    const bool indented = i == 0 ? call.flag(1) : call.flag(2) || !line.empty();
    call.budget.bytes(line.size() + indentation.size() + 1);
    if (i > 0) out.append("\n");
    if (indented) out.append(indentation);
    out.append(line);
  }
  return out;
}

Value items(CallRef call) {
  if (call.self.is_undefined()) return generator({});
  const Mapping* mapping = call.self.as_mapping();
  if (!mapping) throw Fault("Can only get item pairs from a mapping, not from a {}", call.self.type_name());
  std::vector<Value> pairs;
  for (const auto& [key, value] : mapping->entries) {
    call.budget.bytes(4 * sizeof(Value));
    pairs.push_back(Value::sequence({key, value}, SequenceKind::tuple));
  }
  return generator(std::move(pairs));
}

Value join(CallRef call) {
  const auto all = elements(call.budget, call.self);
  const Text separator = argument_text(call, 0);
  if (!call.has(1)) return joined(call.budget, all->items, separator);
  std::vector<Value> attributes;
  for (const Value& item : all->items) attributes.push_back(path_of(call, item, *call.arguments[1]));
  return joined(call.budget, attributes, separator);
}

Value list(CallRef call) {
  const auto all = elements(call.budget, call.self);
  call.budget.bytes(all->items.size() * sizeof(Value));
  return Value::sequence(all->items);
}

// map('filter', arguments...) or map(attribute='path', default=value).
Value map(CallRef call) {
  if (!call.self.truthy()) return generator({});
  std::vector<Value> results;
  const Value* attribute = call.all.find("attribute");
  const Value* missing = call.all.find("default");
  const bool by_filter = !call.all.positional.empty();
  if (!by_filter && !attribute) throw Fault("map needs the name of a filter or 'attribute'");
  const Text* name = by_filter ? call.all.positional[0].as_text() : nullptr;
  if (by_filter && !name) throw Fault("map needs the name of a filter, found {}", call.all.positional[0].type_name());
  Arguments rest;
  call.budget.bytes(call.all.positional.size() * sizeof(Value));
  if (by_filter) rest = {{call.all.positional.begin() + 1, call.all.positional.end()}, call.all.named};
  const auto all = elements(call.budget, call.self);
  for (const Value& item : all->items) {
    call.budget.bytes(sizeof(Value));
    if (by_filter) {
      results.push_back(call.interpreter.filter(name->bytes(), item, rest));
    } else {
      results.push_back(path_of(call, item, *attribute, missing));
    }
  }
  return generator(std::move(results));
}

// The smallest, or by `sign` -1 the largest; the first of equals.
Value extreme(CallRef call, int sign) {
  const auto all = elements(call.budget, call.self);
  if (all->items.empty()) return Value::undefined("no aggregated item, sequence was empty");
  const Value* best = nullptr;
  Value best_key;
  for (const Value& item : all->items) {
    Value key = sort_key(call, item, call.arguments[1], call.flag(0));
    if (best && sign * order(call.budget, key, best_key) >= 0) continue;
    best = &item;
    best_key = std::move(key);
  }
  return *best;
}
Value smallest(CallRef call) { return extreme(call, 1); }
Value largest(CallRef call) { return extreme(call, -1); }

// select, reject, selectattr, rejectattr: the items whose test (of an attribute) says `wanted`.
Value chosen(CallRef call, bool by_attribute, bool wanted) {
  if (!call.self.truthy()) return generator({});
  const std::vector<Value>& given = call.all.positional;
  const size_t skipped = by_attribute ? 1 : 0;
  if (given.size() < skipped) throw Fault("selectattr and rejectattr need the name of an attribute");
  const Text* test = given.size() > skipped ? given[skipped].as_text() : nullptr;
  if (given.size() > skipped && !test) throw Fault("expected the name of a test, found {}", given[skipped].type_name());
  Arguments rest;
  call.budget.bytes(given.size() * sizeof(Value));
  if (test) rest = {{given.begin() + static_cast<ptrdiff_t>(skipped) + 1, given.end()}, call.all.named};
  std::vector<Value> kept;
  const auto all = elements(call.budget, call.self);
  for (const Value& item : all->items) {
    const Value tested = by_attribute ? path_of(call, item, given[0]) : item;
    const bool holds = test ? call.interpreter.test(test->bytes(), tested, rest) : tested.truthy();
    if (holds != wanted) continue;
    call.budget.bytes(sizeof(Value));
    kept.push_back(item);
  }
  return generator(std::move(kept));
}
Value select(CallRef call) { return chosen(call, false, true); }
Value reject(CallRef call) { return chosen(call, false, false); }
Value select_by_attribute(CallRef call) { return chosen(call, true, true); }
Value reject_by_attribute(CallRef call) { return chosen(call, true, false); }

Value replace(CallRef call) {
  return replaced(call.budget, input_text(call), argument_text(call, 0), argument_text(call, 1),
                  call.has(2) ? call.integer(2, -1) : -1);
}

Value reversed(CallRef call) {
  const auto all = elements(call.budget, call.self);
  std::vector<Value> backwards(all->items.rbegin(), all->items.rend());
  call.budget.bytes(backwards.size() * sizeof(Value));
  if (call.self.as_text()) return joined(call.budget, backwards, Text());
  return generator(std::move(backwards));
}

Value rounded(CallRef call) {
  const std::string method = call.has(1) ? call.text(1).bytes() : "common";
  const auto precision = static_cast<int>(std::clamp<int64_t>(call.integer(0, 0), -400, 400));
  const auto number = call.self.as_number();
  if (!number) throw Fault("type {} doesn't define __round__ method", call.self.type_name());
  if (method == "common") {
    if (call.self.as_integer() && precision >= 0) return *call.self.as_integer();
    if (precision < 0) {
      const double scale = std::pow(10.0, std::min(-precision, 308));
      const double nearest = std::nearbyint(*number / scale) * scale;
      if (!call.self.as_integer()) return nearest;
      if (!(std::abs(nearest) < 9.2e18)) throw Fault(Fault::Kind::limit, "an integer leaves the range of 64 bits");
      return static_cast<int64_t>(nearest);
    }
    return std::strtod(fmt::format("{:.{}f}", *number, precision).c_str(), nullptr);
  }
  if (method != "ceil" && method != "floor") throw Fault("round knows 'common', 'ceil' and 'floor', not '{}'", method);
  const double scaled = *number * std::pow(10.0, precision);
  return (method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / std::pow(10.0, precision);
}

Value sorted(CallRef call) {
  std::vector<std::pair<Value, Value>> keyed;
  const auto all = elements(call.budget, call.self);
  for (const Value& item : all->items) {
    call.budget.bytes(2 * sizeof(Value));
    // In a list, which compares what is undefined as equal.
    keyed.emplace_back(Value::sequence({sort_key(call, item, call.arguments[2], call.flag(1))}), item);
  }
  const bool reverse = call.flag(0);
  std::ranges::stable_sort(keyed, [&](const auto& a, const auto& b) {
    return order(call.budget, reverse ? b.first : a.first, reverse ? a.first : b.first) < 0;
  });
  std::vector<Value> result;
  for (auto& [key, item] : keyed) result.push_back(std::move(item));
  return Value::sequence(std::move(result));
}

Value sum(CallRef call) {
  Value total = call.has(1) ? *call.arguments[1] : Value(int64_t{0});
  const auto all = elements(call.budget, call.self);
  for (const Value& item : all->items) {
    total =
        calculate(call.budget, Arithmetic::add, total, call.has(0) ? path_of(call, item, *call.arguments[0]) : item);
  }
  return total;
}

Value as_json(CallRef call) {
  JsonOptions options;
  options.ensure_ascii = call.flag(0);
  options.sort_keys = call.flag(3);
  if (call.has(1)) {
    if (const Text* text = call.arguments[1]->as_text()) {
      call.budget.bytes(text->size());
      options.indent = text->bytes();
    } else {
      const int64_t width = std::max<int64_t>(call.integer(1, 0), 0);
      call.budget.bytes(static_cast<size_t>(width));
      options.indent = std::string(static_cast<size_t>(width), ' ');
    }
    options.item_separator.assign(1, ',');  // GCC 12 warns of overlap in = ","
  }
  if (call.has(2)) {
    const auto separators = elements(call.budget, *call.arguments[2]);
    if (separators->items.size() != 2)
      throw Fault("separators are two strings, found {} values", separators->items.size());
    options.item_separator = to_text(call.budget, separators->items[0]).bytes();
    options.key_separator = to_text(call.budget, separators->items[1]).bytes();
  }
  call.budget.bytes(options.item_separator.size() + options.key_separator.size());
  return to_json(call.budget, call.self, options);
}

// The text of a number as int() and float() read it: without white space around and underscores inside.
std::string number_text(CallRef call, const Text& text) {
  const Text inside = stripped(call.budget, text, nullptr);
  std::string digits = inside.bytes();
  std::erase(digits, '_');
  return digits.starts_with('+') ? digits.substr(1) : digits;
}

std::optional<double> parsed_float(const std::string& digits) {
  if (digits.empty() || digits.find_first_of("xX(") != std::string::npos) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(digits.c_str(), &end);
  return *end == '\0' ? std::optional(value) : std::nullopt;
}

Value as_integer(CallRef call) {
  const Value otherwise = call.arguments[0] ? *call.arguments[0] : Value(int64_t{0});
  std::optional<double> number = call.self.as_number();
  if (const auto integer = call.self.as_integer()) return *integer;
  if (const Text* text = call.self.as_text()) {
    const std::string digits = number_text(call, *text);
    const auto base = static_cast<int>(std::clamp<int64_t>(call.integer(1, 10), 2, 36));
    char* end = nullptr;
    errno = 0;
    const long long value = std::strtoll(digits.c_str(), &end, base);
    if (!digits.empty() && *end == '\0' && errno == 0) return int64_t{value};
    number = parsed_float(digits);
  }
  if (!number || !(std::abs(*number) < 9.2e18)) return otherwise;
  return static_cast<int64_t>(*number);
}

Value as_float(CallRef call) {
  if (const auto number = call.self.as_number()) return *number;
  if (const Text* text = call.self.as_text()) {
    if (const auto number = parsed_float(number_text(call, *text))) return *number;
  }
  return call.arguments[0] ? *call.arguments[0] : Value(0.0);
}

Value as_string(CallRef call) { return call.self.as_text() ? call.self : Value(input_text(call)); }
Value capitalize(CallRef call) { return with_case(call.budget, input_text(call), LetterCase::capital); }
Value lower(CallRef call) { return with_case(call.budget, input_text(call), LetterCase::lower); }
Value upper(CallRef call) { return with_case(call.budget, input_text(call), LetterCase::upper); }
Value title(CallRef call) { return with_case(call.budget, input_text(call), LetterCase::title_words); }
Value count(CallRef call) { return length(call.budget, call.self); }

Value trim(CallRef call) { return stripped(call.budget, input_text(call), call.has(0) ? &call.text(0) : nullptr); }

Value unique(CallRef call) {
  std::vector<Value> keys, kept;
  const auto all = elements(call.budget, call.self);
  for (const Value& item : all->items) {
    Value key = sort_key(call, item, call.arguments[1], call.flag(0));
    require_hashable(call.budget, key);
    if (std::ranges::any_of(keys, [&](const Value& other) { return equals(call.budget, other, key); })) continue;
    call.budget.bytes(2 * sizeof(Value));
    keys.push_back(std::move(key));
    kept.push_back(item);
  }
  return generator(std::move(kept));
}

constexpr Builtin kFilters[] = {
    {"abs", absolute},
    {"batch", batch, {"linecount", "fill_with"}, 1},
    {"capitalize", capitalize},
    {"count", count},
    {"d", fallback, {"default_value", "boolean"}},
    {"default", fallback, {"default_value", "boolean"}},
    {"dictsort", dict_sorted, {"case_sensitive", "by", "reverse"}},
    {"e", escape},
    {"escape", escape},
    {"first", first},
    {"float", as_float, {"default"}},
    {"format", format, {}, 0, true},
    {"indent", indent, {"width", "first", "blank"}},
    {"int", as_integer, {"default", "base"}},
    {"items", items},
    {"join", join, {"d", "attribute"}},
    {"last", last},
    {"length", count},
    {"list", list},
    {"lower", lower},
    {"map", map, {}, 0, true},
    {"max", largest, {"case_sensitive", "attribute"}},
    {"min", smallest, {"case_sensitive", "attribute"}},
    {"reject", reject, {}, 0, true},
    {"rejectattr", reject_by_attribute, {}, 0, true},
    {"replace", replace, {"old", "new", "count"}, 2},
    {"reverse", reversed},
    {"round", rounded, {"precision", "method"}},
    {"safe", as_string},
    {"select", select, {}, 0, true},
    {"selectattr", select_by_attribute, {}, 0, true},
    {"sort", sorted, {"reverse", "case_sensitive", "attribute"}},
    {"string", as_string},
    {"sum", sum, {"attribute", "start"}},
    {"title", title},
    {"tojson", as_json, {"ensure_ascii", "indent", "separators", "sort_keys"}},
    {"trim", trim, {"chars"}},
    {"unique", unique, {"case_sensitive", "attribute"}},
    {"upper", upper},
};

}  // namespace

const Builtin* find_filter(std::string_view name) {
  const auto found = std::ranges::find(kFilters, name, &Builtin::name);
  return found == std::end(kFilters) ? nullptr : found;
}

}  // namespace bantam::jinja
