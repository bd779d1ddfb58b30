// A parsed chat template: expressions and statements as plain data.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "text/template/operators.h"
#include "text/template/value.h"

namespace bantam::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<const Expression>;

struct Literal {
  Value value;
};
struct Name {
  std::string name;
};
struct ListDisplay {
  std::vector<ExpressionPtr> items;
  bool is_tuple = false;
};
struct DictDisplay {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
};
struct Negation {
  ExpressionPtr operand;
};
struct Not {
  ExpressionPtr operand;
};
struct Logic {  // `and`, `or`: the value of the operand that decides
  bool is_and = false;
  ExpressionPtr left, right;
};
struct Calculation {
  Arithmetic operation = Arithmetic::add;
  ExpressionPtr left, right;
};
struct Concatenation {  // ~
  std::vector<ExpressionPtr> parts;
};
struct ComparisonChain {  // first < second <= third
  ExpressionPtr first;
  std::vector<std::pair<Comparison, ExpressionPtr>> rest;
};
struct Conditional {  // value if condition else otherwise
  ExpressionPtr condition, value, otherwise;
};
struct AttributeOf {
  ExpressionPtr object;
  std::string name;
};
struct ItemOf {
  ExpressionPtr object, key;
};
struct SliceOf {
  ExpressionPtr object, start, stop, step;  // null where left out
};
struct ArgumentList {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
};
struct Call {
  ExpressionPtr callee;
  ArgumentList arguments;
};
struct FilterCall {
  std::string name;
  ExpressionPtr input;  // null: the text of the block that the filter ends
  ArgumentList arguments;
};
struct TestCall {
  std::string name;
  bool negated = false;
  ExpressionPtr input;
  ArgumentList arguments;
};

struct Expression {
  int line;
  int depth;  // of the tree below, which bounds recursion over it
  std::variant<Literal, Name, ListDisplay, DictDisplay, Negation, Not, Logic, Calculation, Concatenation,
               ComparisonChain, Conditional, AttributeOf, ItemOf, SliceOf, Call, FilterCall, TestCall>
      node;
};

struct Statement;
using Body = std::vector<Statement>;

struct Target {  // of an assignment: a name, name.attribute of a namespace, or several targets
  std::string name, attribute;
  std::vector<Target> parts;
};
struct Parameter {
  std::string name;
  ExpressionPtr fallback;  // null: undefined
};

struct Data {
  Value text;
};
struct Print {
  ExpressionPtr value;
};
struct If {
  std::vector<std::pair<ExpressionPtr, Body>> branches;
  Body otherwise;
};
struct For {
  Target target;
  ExpressionPtr iterable, condition;
  Body body, otherwise;
};
struct Set {
  Target target;
  ExpressionPtr value;
};
struct SetBlock {
  Target target;
  ExpressionPtr filter;  // or null
  Body body;
};
struct With {
  std::vector<std::pair<Target, ExpressionPtr>> values;
  Body body;
};
struct MacroDefinition {
  std::string name;
  std::vector<Parameter> parameters;
  Body body;
};
struct CallBlock {
  MacroDefinition caller;
  ExpressionPtr call;
};
struct FilterBlock {
  ExpressionPtr filter;
  Body body;
};
struct Generation {  // what the assistant writes
  Body body;
};
struct Break {};
struct Continue {};

struct Statement {
  int line;
  std::variant<Data, Print, If, For, Set, SetBlock, With, MacroDefinition, CallBlock, FilterBlock, Generation, Break,
               Continue>
      node;
};

}  // namespace bantam::jinja
