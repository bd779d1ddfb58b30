#include "text/template/value.h"

#include <algorithm>
#include <limits>

#include "base/json.h"
#include "text/template/object.h"
#include "text/template/operators.h"

namespace bantam::jinja {
namespace {

// Deeper than any JSON that parse_json() accepts; printing and comparing recurse this far.
constexpr int kMaxDepth = 200;

int checked_depth(int depth) {
  if (depth > kMaxDepth) {
    throw Fault(Fault::Kind::limit, "the template nests lists and dicts deeper than {} levels", kMaxDepth);
  }
  return depth;
}

Value from(const Json& json, Origin origin, std::string_view what) {
  switch (json.type()) {
    case Json::value_t::null:
      return None{};
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
      return json.get<int64_t>();
    case Json::value_t::number_unsigned:
      if (json.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        throw FormatError("{}: the number {} is larger than 2^63-1", what, json.get<uint64_t>());
      }
      return json.get<int64_t>();
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return Value::text(json.get<std::string>(), origin);
    case Json::value_t::array: {
      std::vector<Value> items;
      for (const Json& item : json) items.push_back(from(item, origin, what));
      return Value::sequence(std::move(items));
    }
    case Json::value_t::object: {
      std::vector<std::pair<Value, Value>> entries;
      for (const auto& [key, value] : json.items()) {
        entries.emplace_back(Value::text(key, origin), from(value, origin, what));
      }
      return Value::mapping(std::move(entries));
    }
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  throw FormatError("{}: a value of no kind that JSON has", what);
}

}  // namespace

const Value* Mapping::find(const Value& key) const {
  for (const auto& [name, value] : entries) {
    if (same_key(name, key)) return &value;
  }
  return nullptr;
}

const Value* Mapping::find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (const Text* text = name.as_text(); text && text->bytes() == key) return &value;
  }
  return nullptr;
}

Value Value::undefined(std::string reason) {
  Value value;
  value.value_ = Undefined{std::make_shared<const std::string>(std::move(reason))};
  return value;
}

Value Value::sequence(std::vector<Value> items, SequenceKind kind) {
  int depth = 0;
  for (const Value& item : items) depth = std::max(depth, item.depth());
  Value value;
  value.value_ = std::make_shared<const Sequence>(Sequence{kind, std::move(items), checked_depth(depth + 1)});
  return value;
}

Value Value::mapping(std::vector<std::pair<Value, Value>> entries) {
  int depth = 0;
  for (const auto& [key, entry] : entries) depth = std::max({depth, key.depth(), entry.depth()});
  Value value;
  value.value_ = std::make_shared<const Mapping>(Mapping{std::move(entries), checked_depth(depth + 1)});
  return value;
}

Value Value::from_json(std::string_view json, std::string_view what, Origin origin) {
  return from(parse_json(json, what), origin, what);
}

std::optional<int64_t> Value::as_integer() const {
  if (const bool* value = std::get_if<bool>(&value_)) return *value ? 1 : 0;
  if (const int64_t* value = std::get_if<int64_t>(&value_)) return *value;
  return std::nullopt;
}

std::optional<double> Value::as_number() const {
  if (const auto integer = as_integer()) return static_cast<double>(*integer);
  if (const double* value = std::get_if<double>(&value_)) return *value;
  return std::nullopt;
}

std::shared_ptr<const Sequence> Value::shared_sequence() const {
  const auto* held = std::get_if<std::shared_ptr<const Sequence>>(&value_);
  return held ? *held : nullptr;
}

bool Value::truthy() const {
  if (const auto number = as_number()) return *number != 0;
  if (const Text* text = as_text()) return !text->empty();
  if (const Sequence* sequence = as_sequence()) {
    return sequence->kind == SequenceKind::generator || !sequence->items.empty();
  }
  if (const Mapping* mapping = as_mapping()) return !mapping->entries.empty();
  return as_object() != nullptr;
}

int Value::depth() const {
  if (const Sequence* sequence = as_sequence()) return sequence->depth;
  if (const Mapping* mapping = as_mapping()) return mapping->depth;
  return 0;
}

std::string_view Value::type_name() const {
  static constexpr std::string_view kSequences[] = {"list",        "tuple",      "dict_keys",
                                                    "dict_values", "dict_items", "generator"};
  if (is_undefined()) return "Undefined";
  if (is_none()) return "NoneType";
  if (is_bool()) return "bool";
  if (is_integer()) return "int";
  if (is_float()) return "float";
  if (as_text()) return "str";
  if (const Sequence* sequence = as_sequence()) return kSequences[static_cast<size_t>(sequence->kind)];
  if (as_mapping()) return "dict";
  return as_object()->type_name();
}

const std::string& Value::undefined_reason() const {
  static const std::string kNoReason = "a value is undefined";
  const auto& reason = std::get<Undefined>(value_).reason;
  return reason ? *reason : kNoReason;
}

size_t Value::bytes() const {
  size_t bytes = sizeof(Value);
  if (const Text* text = as_text()) bytes += text->size();
  if (const Sequence* sequence = as_sequence()) {
    for (const Value& item : sequence->items) bytes += item.bytes();
  }
  if (const Mapping* mapping = as_mapping()) {
    for (const auto& [key, value] : mapping->entries) bytes += key.bytes() + value.bytes();
  }
  return bytes;
}

}  // namespace bantam::jinja
