// Runs a parsed template: walks its statements with the variables in sight, and collects what it prints.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "text/template/budget.h"
#include "text/template/builtins.h"
#include "text/template/syntax.h"

namespace bantam::jinja {

// The variables of a block; those it does not have are its parent's.
struct Scope {
  const Scope* parent = nullptr;
  uint64_t serial = 0;  // grows with every scope: tells whether one still exists
  std::vector<std::pair<std::string_view, Value>> variables{};

  // Both pay for the variables they look at.
  const Value* find(Budget& budget, std::string_view name) const;
  void set(Budget& budget, std::string_view name, Value value);
};

class Interpreter {
 public:
  // `context` is a dict: the variables the template is given.
  Interpreter(const Value& context, const std::tm& now);

  // Throws Fault. What run() printed before is in output().
  void run(const Body& body);
  const Text& output() const { return output_; }
  // Bytes of output() inside generation blocks: [begin, end), ascending.
  const std::vector<std::pair<size_t, size_t>>& generated() const { return generated_; }
  int line() const { return line_; }  // of what ran last

  // For the builtins.
  Budget& budget() { return budget_; }
  const std::tm& now() const { return now_; }
  Value filter(std::string_view name, const Value& input, const Arguments& arguments);
  bool test(std::string_view name, const Value& input, const Arguments& arguments);
  Value new_namespace(const Arguments& arguments);

 private:
  enum class Flow : uint8_t { next, leave, again };  // after a statement: go on, break, continue
  class Macro;
  class Loop;
  class LocalScope;

  // interpreter.cpp
  Flow run_body(const Body& body, Scope& scope);
  Flow run(const Data& statement, Scope& scope);
  Flow run(const Print& statement, Scope& scope);
  Flow run(const If& statement, Scope& scope);
  Flow run(const For& statement, Scope& scope);
  Flow run(const Set& statement, Scope& scope);
  Flow run(const SetBlock& statement, Scope& scope);
  Flow run(const With& statement, Scope& scope);
  Flow run(const MacroDefinition& statement, Scope& scope);
  Flow run(const CallBlock& statement, Scope& scope);
  Flow run(const FilterBlock& statement, Scope& scope);
  Flow run(const Generation& statement, Scope& scope);
  Flow run(const Break&, Scope&) { return Flow::leave; }
  Flow run(const Continue&, Scope&) { return Flow::again; }
  std::vector<Value> loop_items(const For& statement, Scope& scope);
  Text captured(const Body& body, const Scope& scope);
  void assign(const Target& target, const Value& value, Scope& scope);
  Value macro(const MacroDefinition& definition, const Scope& scope);
  bool exists(const Scope* scope, uint64_t serial) const;

  // evaluate.cpp
  Value evaluate(const Expression& expression, const Scope& scope);
  Value evaluate(const Literal& node, const Scope& scope);
  Value evaluate(const Name& node, const Scope& scope);
  Value evaluate(const ListDisplay& node, const Scope& scope);
  Value evaluate(const DictDisplay& node, const Scope& scope);
  Value evaluate(const Negation& node, const Scope& scope);
  Value evaluate(const Not& node, const Scope& scope);
  Value evaluate(const Logic& node, const Scope& scope);
  Value evaluate(const Calculation& node, const Scope& scope);
  Value evaluate(const Concatenation& node, const Scope& scope);
  Value evaluate(const ComparisonChain& node, const Scope& scope);
  Value evaluate(const Conditional& node, const Scope& scope);
  Value evaluate(const AttributeOf& node, const Scope& scope);
  Value evaluate(const ItemOf& node, const Scope& scope);
  Value evaluate(const SliceOf& node, const Scope& scope);
  Value evaluate(const Call& node, const Scope& scope);
  Value evaluate(const FilterCall& node, const Scope& scope);
  Value evaluate(const TestCall& node, const Scope& scope);
  Value filtered(const Expression& filter, Text text, const Scope& scope);
  Arguments evaluate_arguments(const ArgumentList& list, const Scope& scope);

  Budget budget_;
  const std::tm& now_;
  Scope globals_;
  uint64_t next_serial_ = 1;
  std::vector<const Scope*> scopes_;  // those that exist, the innermost last
  std::vector<std::unique_ptr<Namespace>> namespaces_;
  const Text* block_text_ = nullptr;  // what the filter of a block is applied to
  const Value* caller_ = nullptr;     // for the macro that a call block is about to call
  Text output_;
  int captures_ = 0;
  std::vector<std::pair<size_t, size_t>> generated_;
  int line_ = 1;
};

}  // namespace bantam::jinja
