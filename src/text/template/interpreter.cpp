#include "text/template/interpreter.h"

#include <algorithm>

#include "text/template/format.h"
#include "text/template/operators.h"

namespace bantam::jinja {
namespace {

constexpr size_t kVariablesOfAStep = 16;

}  // namespace

const Value* Scope::find(Budget& budget, std::string_view name) const {
  for (const Scope* scope = this; scope; scope = scope->parent) {
    budget.step(scope->variables.size() / kVariablesOfAStep);
    for (const auto& [key, value] : scope->variables) {
      if (key == name) return &value;
    }
  }
  return nullptr;
}

void Scope::set(Budget& budget, std::string_view name, Value value) {
  budget.step(variables.size() / kVariablesOfAStep);
  for (auto& [key, old] : variables) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  variables.emplace_back(name, std::move(value));
}

// A scope for as long as the block runs.
class Interpreter::LocalScope {
 public:
  LocalScope(Interpreter& interpreter, const Scope& parent)
      : interpreter_(interpreter), scope_{&parent, interpreter.next_serial_++} {
    interpreter_.scopes_.push_back(&scope_);
  }
  ~LocalScope() { interpreter_.scopes_.pop_back(); }
  LocalScope(const LocalScope&) = delete;
  LocalScope& operator=(const LocalScope&) = delete;

  Scope& operator*() { return scope_; }
  Scope* operator->() { return &scope_; }

 private:
  Interpreter& interpreter_;
  Scope scope_;
};

// Sees the variables around its definition, as they are when it is called.
class Interpreter::Macro final : public Object {
 public:
  Macro(const MacroDefinition& definition, const Scope& scope)
      : definition_(definition), scope_(&scope), serial_(scope.serial) {}

  std::string_view type_name() const override { return "Macro"; }
  bool is_callable() const override { return true; }
  std::optional<Value> attribute(std::string_view name) const override {
    if (name == "name") return Value::text(definition_.name);
    return std::nullopt;
  }

  Value call(Interpreter& interpreter, const Arguments& arguments) const override {
    if (!interpreter.exists(scope_, serial_)) {
      throw Fault("the macro '{}' is called outside the block that defines it", definition_.name);
    }
    const Value* caller = std::exchange(interpreter.caller_, nullptr);
    LocalScope scope(interpreter, *scope_);
    if (caller) scope->set(interpreter.budget_, "caller", *caller);
    bind(interpreter, arguments, *scope);
    return interpreter.captured(definition_.body, *scope);
  }

 private:
  void bind(Interpreter& interpreter, const Arguments& arguments, Scope& scope) const {
    const std::vector<Parameter>& parameters = definition_.parameters;
    interpreter.budget_.step(parameters.size() * (1 + 2 * arguments.named.size() / kVariablesOfAStep));
    if (arguments.positional.size() > parameters.size()) {
      throw Fault("macro '{}' takes not more than {} arguments", definition_.name, parameters.size());
    }
    for (const auto& [name, value] : arguments.named) {
      const auto at = std::ranges::find(parameters, name, &Parameter::name);
      if (at == parameters.end()) throw Fault("macro '{}' takes no keyword argument '{}'", definition_.name, name);
      if (static_cast<size_t>(at - parameters.begin()) < arguments.positional.size()) {
        throw Fault("macro '{}' got two values for '{}'", definition_.name, name);
      }
    }
    for (size_t i = 0; i < parameters.size(); ++i) {
      const Parameter& parameter = parameters[i];
      if (i < arguments.positional.size()) {
        scope.set(interpreter.budget_, parameter.name, arguments.positional[i]);
      } else if (const Value* given = arguments.find(parameter.name)) {
        scope.set(interpreter.budget_, parameter.name, *given);
      } else if (parameter.fallback) {
        scope.set(interpreter.budget_, parameter.name, interpreter.evaluate(*parameter.fallback, scope));
      } else {
        scope.set(interpreter.budget_, parameter.name,
                  Value::undefined(fmt::format("parameter '{}' was not provided", parameter.name)));
      }
    }
  }

  const MacroDefinition& definition_;
  const Scope* scope_;
  uint64_t serial_;
};

// The variable `loop`.
class Interpreter::Loop final : public Object {
 public:
  Loop(const std::vector<Value>& items, int depth) : items_(items), depth_(depth) {}

  void go_to(size_t index) { index_ = index; }

  std::string_view type_name() const override { return "LoopContext"; }
  std::optional<Value> attribute(std::string_view name) const override {
    const auto index = static_cast<int64_t>(index_), count = static_cast<int64_t>(items_.size());
    if (name == "index") return index + 1;
    if (name == "index0") return index;
    if (name == "revindex") return count - index;
    if (name == "revindex0") return count - index - 1;
    if (name == "first") return index == 0;
    if (name == "last") return index + 1 == count;
    if (name == "length") return count;
    if (name == "depth") return int64_t{depth_};
    if (name == "depth0") return int64_t{depth_ - 1};
    if (name == "previtem") return index > 0 ? items_[index_ - 1] : Value::undefined("there is no previous item");
    if (name == "nextitem") return index + 1 < count ? items_[index_ + 1] : Value::undefined("there is no next item");
    return std::nullopt;
  }

 private:
  const std::vector<Value> items_;
  const int depth_;
  size_t index_ = 0;
};

Interpreter::Interpreter(const Value& context, const std::tm& now) : budget_(context.bytes()), now_(now) {
  for (const auto& [key, value] : context.as_mapping()->entries) {
    if (const Text* name = key.as_text()) globals_.set(budget_, name->bytes(), value);
  }
}

void Interpreter::run(const Body& body) {
  LocalScope scope(*this, globals_);
  run_body(body, *scope);
}

Interpreter::Flow Interpreter::run_body(const Body& body, Scope& scope) {
  const Budget::Level level(budget_);
  for (const Statement& statement : body) {
    line_ = statement.line;
    budget_.step();
    const Flow flow = std::visit([&](const auto& node) { return run(node, scope); }, statement.node);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::run(const Data& statement, Scope&) {
  append_text(budget_, output_, statement.text);
  return Flow::next;
}

Interpreter::Flow Interpreter::run(const Print& statement, Scope& scope) {
  append_text(budget_, output_, evaluate(*statement.value, scope));
  return Flow::next;
}

Interpreter::Flow Interpreter::run(const If& statement, Scope& scope) {
  for (const auto& [condition, body] : statement.branches) {
    if (evaluate(*condition, scope).truthy()) return run_body(body, scope);
  }
  return run_body(statement.otherwise, scope);
}

// What is left of the elements after the loop's own condition.
std::vector<Value> Interpreter::loop_items(const For& statement, Scope& scope) {
  const auto all = elements(budget_, evaluate(*statement.iterable, scope));
  budget_.bytes(all->items.size() * sizeof(Value));
  if (!statement.condition) return all->items;
  std::vector<Value> items;
  for (const Value& item : all->items) {
    LocalScope local(*this, scope);
    assign(statement.target, item, *local);
    if (evaluate(*statement.condition, *local).truthy()) items.push_back(item);
  }
  return items;
}

Interpreter::Flow Interpreter::run(const For& statement, Scope& scope) {
  const std::vector<Value> items = loop_items(statement, scope);
  if (items.empty()) return run_body(statement.otherwise, scope);
  budget_.bytes(items.size() * sizeof(Value));
  const auto loop = std::make_shared<Loop>(items, 1);
  for (size_t i = 0; i < items.size(); ++i) {
    loop->go_to(i);
    LocalScope local(*this, scope);
    local->set(budget_, "loop", Value(std::shared_ptr<Object>(loop)));
    assign(statement.target, items[i], *local);
    if (run_body(statement.body, *local) == Flow::leave) break;
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::run(const Set& statement, Scope& scope) {
  assign(statement.target, evaluate(*statement.value, scope), scope);
  return Flow::next;
}

Interpreter::Flow Interpreter::run(const SetBlock& statement, Scope& scope) {
  Text text = captured(statement.body, scope);
  assign(statement.target,
         statement.filter ? filtered(*statement.filter, std::move(text), scope) : Value(std::move(text)), scope);
  return Flow::next;
}

Interpreter::Flow Interpreter::run(const With& statement, Scope& scope) {
  LocalScope local(*this, scope);
  for (const auto& [target, value] : statement.values) assign(target, evaluate(*value, scope), *local);
  return run_body(statement.body, *local);
}

Interpreter::Flow Interpreter::run(const MacroDefinition& statement, Scope& scope) {
  scope.set(budget_, statement.name, macro(statement, scope));
  return Flow::next;
}

Interpreter::Flow Interpreter::run(const CallBlock& statement, Scope& scope) {
  const auto& call = std::get<Call>(statement.call->node);
  const Value callee = evaluate(*call.callee, scope);
  const Arguments arguments = evaluate_arguments(call.arguments, scope);
  if (!callee.as_object()) throw Fault("the tag 'call' calls a {}, expected a macro", callee.type_name());
  const Value caller = macro(statement.caller, scope);
  caller_ = &caller;
  const Value text = callee.as_object()->call(*this, arguments);
  caller_ = nullptr;
  append_text(budget_, output_, text);
  return Flow::next;
}

Interpreter::Flow Interpreter::run(const FilterBlock& statement, Scope& scope) {
  const Value result = filtered(*statement.filter, captured(statement.body, scope), scope);
  if (!result.as_text()) throw Fault("the filter of a block makes a {}, expected a string", result.type_name());
  append_text(budget_, output_, result);
  return Flow::next;
}

Interpreter::Flow Interpreter::run(const Generation& statement, Scope& scope) {
  LocalScope local(*this, scope);
  const size_t begin = output_.size();
  const Flow flow = run_body(statement.body, *local);
  if (captures_ == 0) generated_.emplace_back(begin, output_.size());
  return flow;
}

// What `body` prints, in a scope of its own, apart from the output.
Text Interpreter::captured(const Body& body, const Scope& scope) {
  Text before = std::exchange(output_, Text());
  ++captures_;
  LocalScope local(*this, scope);
  run_body(body, *local);
  --captures_;
  return std::exchange(output_, std::move(before));
}

void Interpreter::assign(const Target& target, const Value& value, Scope& scope) {
  if (!target.parts.empty()) {
    const auto items = elements(budget_, value);
    if (items->items.size() != target.parts.size()) {
      throw Fault("{} names stand for {} values", target.parts.size(), items->items.size());
    }
    for (size_t i = 0; i < target.parts.size(); ++i) assign(target.parts[i], items->items[i], scope);
  } else if (target.attribute.empty()) {
    scope.set(budget_, target.name, value);
  } else {
    const Value* held = scope.find(budget_, target.name);
    auto* name_space = held ? dynamic_cast<Namespace*>(held->as_object()) : nullptr;
    if (!name_space) throw Fault("'{}' is not a namespace, so '{}' of it cannot be set", target.name, target.attribute);
    budget_.step(name_space->size() / kVariablesOfAStep);
    name_space->set(target.attribute, value);
  }
}

Value Interpreter::macro(const MacroDefinition& definition, const Scope& scope) {
  budget_.bytes(sizeof(Macro));
  return Value(std::shared_ptr<Object>(std::make_shared<Macro>(definition, scope)));
}

bool Interpreter::exists(const Scope* scope, uint64_t serial) const {
  const auto at = std::ranges::lower_bound(scopes_, serial, {}, &Scope::serial);
  return at != scopes_.end() && *at == scope;
}

Value Interpreter::new_namespace(const Arguments& arguments) {
  budget_.bytes(sizeof(Namespace));
  namespaces_.push_back(std::make_unique<Namespace>());
  Namespace& made = *namespaces_.back();
  for (const Value& defaults : arguments.positional) {
    const Mapping* mapping = defaults.as_mapping();
    if (!mapping) throw Fault("namespace() takes a dict, found {}", defaults.type_name());
    for (const auto& [key, value] : mapping->entries) {
      if (const Text* name = key.as_text()) made.set(name->bytes(), value);
    }
  }
  for (const auto& [name, value] : arguments.named) made.set(name, value);
  // Not owned: it may hold itself, and lives until the interpreter ends.
  return Value(std::shared_ptr<Object>(std::shared_ptr<Object>(), &made));
}

}  // namespace bantam::jinja
