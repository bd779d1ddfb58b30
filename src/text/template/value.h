// The values a chat template computes with: Python's, as far as templates can tell. All are immutable but namespaces.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "text/template/text.h"

namespace bantam::jinja {

class Object;
class Value;

// Remembers why, for the error when somebody computes with it.
struct Undefined {
  std::shared_ptr<const std::string> reason;
};
struct None {};

enum class SequenceKind : uint8_t { list, tuple, dict_keys, dict_values, dict_items, generator };

struct Sequence {
  SequenceKind kind = SequenceKind::list;
  std::vector<Value> items;
  int depth = 1;  // of nesting
};

struct Mapping {
  std::vector<std::pair<Value, Value>> entries;  // in the order they were written; keys differ
  int depth = 1;

  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
};

class Value {
 public:
  Value() = default;  // undefined
  Value(None) : value_(None{}) {}
  Value(bool value) : value_(value) {}
  Value(const char*) = delete;  // would become a bool
  Value(int64_t value) : value_(value) {}
  Value(double value) : value_(value) {}
  Value(Text value) : value_(std::make_shared<const Text>(std::move(value))) {}
  Value(std::shared_ptr<Object> value) : value_(std::move(value)) {}

  static Value undefined(std::string reason);
  static Value text(std::string bytes, Origin origin = Origin::trusted) { return Text(std::move(bytes), origin); }
  // These throw Fault when values nest too deep. The keys of `entries` differ.
  static Value sequence(std::vector<Value> items, SequenceKind kind = SequenceKind::list);
  static Value mapping(std::vector<std::pair<Value, Value>> entries);
  // Throws FormatError naming `what`. All text in it, the keys too, is of `origin`.
  static Value from_json(std::string_view json, std::string_view what, Origin origin);

  bool is_undefined() const { return std::holds_alternative<Undefined>(value_); }
  bool is_none() const { return std::holds_alternative<None>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_integer() const { return std::holds_alternative<int64_t>(value_); }
  bool is_float() const { return std::holds_alternative<double>(value_); }
  const Text* as_text() const { return pointee<const Text>(); }
  const Sequence* as_sequence() const { return pointee<const Sequence>(); }
  const Mapping* as_mapping() const { return pointee<const Mapping>(); }
  Object* as_object() const { return pointee<Object>(); }
  std::optional<int64_t> as_integer() const;  // True counts as 1
  std::optional<double> as_number() const;    // of any number, True too
  // To hold on to the items, not a copy of them.
  std::shared_ptr<const Sequence> shared_sequence() const;

  bool truthy() const;
  int depth() const;
  std::string_view type_name() const;           // Python's: "str", "dict", ...
  const std::string& undefined_reason() const;  // only for undefined values
  size_t bytes() const;                         // about what it takes in memory, nested values too

 private:
  using Variant =
      std::variant<Undefined, None, bool, int64_t, double, std::shared_ptr<const Text>, std::shared_ptr<const Sequence>,
                   std::shared_ptr<const Mapping>, std::shared_ptr<Object>>;

  template <class T>
  T* pointee() const {
    const auto* held = std::get_if<std::shared_ptr<T>>(&value_);
    return held ? held->get() : nullptr;
  }

  Variant value_;
};

}  // namespace bantam::jinja
