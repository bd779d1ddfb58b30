#include "text/template/builtins.h"

#include <algorithm>

#include "text/template/format.h"
#include "text/template/interpreter.h"
#include "text/template/operators.h"

namespace bantam::jinja {
namespace {

class BoundBuiltin final : public Object {
 public:
  BoundBuiltin(const Builtin& builtin, Value self) : builtin_(builtin), self_(std::move(self)) {}

  std::string_view type_name() const override { return "builtin_function_or_method"; }
  bool is_callable() const override { return true; }
  Value call(Interpreter& interpreter, const Arguments& arguments) const override {
    return call_builtin(interpreter, builtin_, self_, arguments);
  }

 private:
  const Builtin& builtin_;
  Value self_;
};

// What Jinja's sandbox keeps from templates: values do not change.
bool is_mutating(const Value& object, std::string_view name) {
  static constexpr std::string_view kOfDicts[] = {"clear", "pop", "popitem", "setdefault", "update"};
  static constexpr std::string_view kOfLists[] = {"append", "clear",  "extend",  "insert",
                                                  "pop",    "remove", "reverse", "sort"};
  if (object.as_mapping()) return std::ranges::find(kOfDicts, name) != std::end(kOfDicts);
  const Sequence* sequence = object.as_sequence();
  return sequence && sequence->kind == SequenceKind::list && std::ranges::find(kOfLists, name) != std::end(kOfLists);
}

// A key may be as long as a book, its error not.
Value missing(const Value& object, std::string_view name) {
  constexpr size_t kShown = 80;
  return Value::undefined(fmt::format("'{} object' has no attribute '{}{}'", object.type_name(), name.substr(0, kShown),
                                      name.size() > kShown ? "..." : ""));
}

// What `object` has of its own under this name, apart from the keys of a dict.
std::optional<Value> own_attribute(const Value& object, std::string_view name) {
  if (const Object* instance = object.as_object()) {
    if (auto value = instance->attribute(name)) return value;
  }
  if (const Builtin* method = find_method(object, name)) return bound(*method, object);
  if (is_mutating(object, name)) {
    return Value::undefined(fmt::format("'{}' changes a {}, which chat templates must not", name, object.type_name()));
  }
  return std::nullopt;
}

}  // namespace

int64_t BuiltinCall::integer(size_t parameter, int64_t fallback) const {
  if (!arguments[parameter]) return fallback;
  const auto value = arguments[parameter]->as_integer();
  if (!value) throw Fault("expected an integer, found {}", arguments[parameter]->type_name());
  return *value;
}

const Text& BuiltinCall::text(size_t parameter) const {
  if (arguments[parameter]->is_undefined()) throw Fault("{}", arguments[parameter]->undefined_reason());
  const Text* value = arguments[parameter]->as_text();
  if (!value) throw Fault("expected a string, found {}", arguments[parameter]->type_name());
  return *value;
}

Value call_builtin(Interpreter& interpreter, const Builtin& builtin, const Value& self, const Arguments& arguments) {
  BuiltinCall call{interpreter, interpreter.budget(), self, arguments, {}};
  call.budget.step();
  const Budget::Level level(call.budget);  // `map` calls filters, itself among them
  if (builtin.variadic) return builtin.run(call);
  const auto known = std::ranges::find(builtin.parameters, std::string_view());
  const auto count = static_cast<size_t>(known - builtin.parameters.begin());
  if (arguments.positional.size() > count) {
    throw Fault("{}() takes at most {} arguments, found {}", builtin.name, count, arguments.positional.size());
  }
  for (size_t i = 0; i < arguments.positional.size(); ++i) call.arguments[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const auto at = std::ranges::find(builtin.parameters, name);
    if (at == builtin.parameters.end()) throw Fault("{}() has no parameter '{}'", builtin.name, name);
    const Value*& argument = call.arguments[static_cast<size_t>(at - builtin.parameters.begin())];
    if (argument) throw Fault("{}() got two values for '{}'", builtin.name, name);
    argument = &value;
  }
  for (size_t i = 0; i < static_cast<size_t>(builtin.required); ++i) {
    if (!call.arguments[i]) throw Fault("{}() needs the argument '{}'", builtin.name, builtin.parameters[i]);
  }
  return builtin.run(call);
}

Value bound(const Builtin& builtin, Value self) {
  return Value(std::shared_ptr<Object>(std::make_shared<BoundBuiltin>(builtin, std::move(self))));
}

Value attribute_of(const Value& object, std::string_view name) {
  if (object.is_undefined()) throw Fault("{}", object.undefined_reason());
  if (auto own = own_attribute(object, name)) return *own;
  if (const Mapping* mapping = object.as_mapping()) {
    if (const Value* value = mapping->find(name)) return *value;
  }
  return missing(object, name);
}

Value item_of(Budget& budget, const Value& object, const Value& key) {
  if (object.is_undefined()) throw Fault("{}", object.undefined_reason());
  if (const Mapping* mapping = object.as_mapping()) {
    budget.step(1 + mapping->entries.size() / 8);
    if (const Value* value = mapping->find(key)) return *value;
  }
  if (const Text* name = key.as_text()) {
    if (auto own = own_attribute(object, name->bytes())) return *own;
    return missing(object, name->bytes());
  }
  const Sequence* sequence = object.as_sequence();
  if (const auto index = key.as_integer();
      index && (object.as_text() || (sequence && sequence->kind <= SequenceKind::tuple))) {
    return element(budget, object, *index);
  }
  return Value::undefined(fmt::format("{} object has no element of type {}", object.type_name(), key.type_name()));
}

}  // namespace bantam::jinja
