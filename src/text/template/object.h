// Values with behaviour: functions, methods, macros, namespaces and the `loop` of a for block.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/template/budget.h"
#include "text/template/value.h"

namespace bantam::jinja {

class Interpreter;

// What stands between the parentheses of a call.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  const Value* find(std::string_view name) const {
    for (const auto& [key, value] : named) {
      if (key == name) return &value;
    }
    return nullptr;
  }
};

class Object {
 public:
  Object() = default;
  virtual ~Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  virtual std::string_view type_name() const = 0;
  virtual bool is_callable() const { return false; }
  virtual std::optional<Value> attribute(std::string_view) const { return std::nullopt; }
  virtual Value call(Interpreter&, const Arguments&) const { throw Fault("'{}' object is not callable", type_name()); }
};

// namespace(): what a loop can change. The interpreter owns them all, so one may hold itself.
class Namespace final : public Object {
 public:
  std::string_view type_name() const override { return "Namespace"; }
  std::optional<Value> attribute(std::string_view name) const override {
    for (const auto& [key, value] : attributes_) {
      if (key == name) return value;
    }
    return std::nullopt;
  }
  void set(std::string_view name, Value value) {
    for (auto& [key, old] : attributes_) {
      if (key == name) {
        old = std::move(value);
        return;
      }
    }
    attributes_.emplace_back(name, std::move(value));
  }

  size_t size() const { return attributes_.size(); }

 private:
  std::vector<std::pair<std::string, Value>> attributes_;
};

}  // namespace bantam::jinja
