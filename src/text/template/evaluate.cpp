#include <algorithm>

#include "text/template/format.h"
#include "text/template/interpreter.h"
#include "text/template/operators.h"

namespace bantam::jinja {

Value Interpreter::evaluate(const Expression& expression, const Scope& scope) {
  const Budget::Level level(budget_);
  budget_.step();
  line_ = expression.line;
  return std::visit([&](const auto& node) { return evaluate(node, scope); }, expression.node);
}

Value Interpreter::evaluate(const Literal& node, const Scope&) { return node.value; }

Value Interpreter::evaluate(const Name& node, const Scope& scope) {
  if (const Value* value = scope.find(budget_, node.name)) return *value;
  if (const Builtin* function = find_function(node.name)) return bound(*function, Value());
  budget_.bytes(node.name.size());
  return Value::undefined(fmt::format("'{}' is undefined", node.name));
}

Value Interpreter::evaluate(const ListDisplay& node, const Scope& scope) {
  budget_.bytes(node.items.size() * sizeof(Value));
  std::vector<Value> items;
  for (const ExpressionPtr& item : node.items) items.push_back(evaluate(*item, scope));
  return Value::sequence(std::move(items), node.is_tuple ? SequenceKind::tuple : SequenceKind::list);
}

Value Interpreter::evaluate(const DictDisplay& node, const Scope& scope) {
  budget_.bytes(node.entries.size() * 2 * sizeof(Value));
  std::vector<std::pair<Value, Value>> entries;
  for (const auto& [key_expression, value_expression] : node.entries) {
    Value key = evaluate(*key_expression, scope), value = evaluate(*value_expression, scope);
    require_hashable(budget_, key);
    budget_.step(entries.size());
    const auto same = std::ranges::find_if(entries, [&](const auto& entry) { return same_key(entry.first, key); });
    if (same != entries.end()) {
      same->second = std::move(value);
    } else {
      entries.emplace_back(std::move(key), std::move(value));
    }
  }
  return Value::mapping(std::move(entries));
}

Value Interpreter::evaluate(const Negation& node, const Scope& scope) { return negate(evaluate(*node.operand, scope)); }

Value Interpreter::evaluate(const Not& node, const Scope& scope) { return !evaluate(*node.operand, scope).truthy(); }

Value Interpreter::evaluate(const Logic& node, const Scope& scope) {
  Value left = evaluate(*node.left, scope);
  return left.truthy() == node.is_and ? evaluate(*node.right, scope) : left;
}

Value Interpreter::evaluate(const Calculation& node, const Scope& scope) {
  const Value left = evaluate(*node.left, scope), right = evaluate(*node.right, scope);
  return calculate(budget_, node.operation, left, right);
}

Value Interpreter::evaluate(const Concatenation& node, const Scope& scope) {
  Text text;
  for (const ExpressionPtr& part : node.parts) append_text(budget_, text, evaluate(*part, scope));
  return text;
}

Value Interpreter::evaluate(const ComparisonChain& node, const Scope& scope) {
  Value left = evaluate(*node.first, scope);
  for (const auto& [comparison, expression] : node.rest) {
    Value right = evaluate(*expression, scope);
    if (!compare(budget_, comparison, left, right)) return false;
    left = std::move(right);
  }
  return true;
}

Value Interpreter::evaluate(const Conditional& node, const Scope& scope) {
  if (evaluate(*node.condition, scope).truthy()) return evaluate(*node.value, scope);
  if (node.otherwise) return evaluate(*node.otherwise, scope);
  return Value::undefined("the inline if-expression evaluated to false and no else section was defined");
}

Value Interpreter::evaluate(const AttributeOf& node, const Scope& scope) {
  const Value object = evaluate(*node.object, scope);
  if (const Mapping* mapping = object.as_mapping()) budget_.step(mapping->entries.size() / 8);
  if (const auto* names = dynamic_cast<const Namespace*>(object.as_object())) budget_.step(names->size() / 8);
  return attribute_of(object, node.name);
}

Value Interpreter::evaluate(const ItemOf& node, const Scope& scope) {
  const Value object = evaluate(*node.object, scope), key = evaluate(*node.key, scope);
  return item_of(budget_, object, key);
}

Value Interpreter::evaluate(const SliceOf& node, const Scope& scope) {
  const auto part = [&](const ExpressionPtr& expression) {
    return expression ? evaluate(*expression, scope) : Value(None{});
  };
  const Value object = evaluate(*node.object, scope), start = part(node.start), stop = part(node.stop);
  return slice(budget_, object, start, stop, part(node.step));
}

Value Interpreter::evaluate(const Call& node, const Scope& scope) {
  const Value callee = evaluate(*node.callee, scope);
  const Arguments arguments = evaluate_arguments(node.arguments, scope);
  if (callee.is_undefined()) throw Fault("{}", callee.undefined_reason());
  if (!callee.as_object()) throw Fault("'{}' object is not callable", callee.type_name());
  return callee.as_object()->call(*this, arguments);
}

Value Interpreter::evaluate(const FilterCall& node, const Scope& scope) {
  const Value input = node.input ? evaluate(*node.input, scope) : Value(*block_text_);
  return filter(node.name, input, evaluate_arguments(node.arguments, scope));
}

Value Interpreter::evaluate(const TestCall& node, const Scope& scope) {
  const Value input = evaluate(*node.input, scope);
  return test(node.name, input, evaluate_arguments(node.arguments, scope)) != node.negated;
}

Value Interpreter::filtered(const Expression& filter, Text text, const Scope& scope) {
  const Text* const outer = std::exchange(block_text_, &text);
  Value result = evaluate(filter, scope);
  block_text_ = outer;
  return result;
}

Arguments Interpreter::evaluate_arguments(const ArgumentList& list, const Scope& scope) {
  Arguments arguments;
  budget_.bytes(list.positional.size() * sizeof(Value) + list.named.size() * sizeof(arguments.named[0]));
  for (const ExpressionPtr& argument : list.positional) arguments.positional.push_back(evaluate(*argument, scope));
  for (const auto& [name, argument] : list.named) arguments.named.emplace_back(name, evaluate(*argument, scope));
  return arguments;
}

Value Interpreter::filter(std::string_view name, const Value& input, const Arguments& arguments) {
  const Builtin* found = find_filter(name);
  if (!found) throw Fault("there is no filter '{}'", name);
  return call_builtin(*this, *found, input, arguments);
}

bool Interpreter::test(std::string_view name, const Value& input, const Arguments& arguments) {
  const Builtin* found = find_test(name);
  if (!found) throw Fault("there is no test '{}'", name);
  return call_builtin(*this, *found, input, arguments).truthy();
}

}  // namespace bantam::jinja
