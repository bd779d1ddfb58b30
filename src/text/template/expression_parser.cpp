#include "text/template/expression_parser.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace bantam::jinja {
namespace {

// Of the tree and of the source's brackets. Templates of known models stay below 40.
constexpr int kMaxExpressionDepth = 150;

template <class... Children>
int deepest(const Children&... children) {
  int depth = 0;
  const auto look = [&](const ExpressionPtr& child) { depth = std::max(depth, child ? child->depth : 0); };
  (look(children), ...);
  return depth;
}

int deepest_of(const std::vector<ExpressionPtr>& children) {
  int depth = 0;
  for (const ExpressionPtr& child : children) depth = std::max(depth, child->depth);
  return depth;
}

template <class Key>
int deepest_of(const std::vector<std::pair<Key, ExpressionPtr>>& children) {
  int depth = 0;
  for (const auto& [key, child] : children) depth = std::max(depth, child->depth);
  return depth;
}

int depth_of(const Literal&) { return 0; }
int depth_of(const Name&) { return 0; }
int depth_of(const ListDisplay& node) { return deepest_of(node.items); }
int depth_of(const DictDisplay& node) {
  int depth = deepest_of(node.entries);
  for (const auto& [key, value] : node.entries) depth = std::max(depth, key->depth);
  return depth;
}
int depth_of(const Negation& node) { return deepest(node.operand); }
int depth_of(const Not& node) { return deepest(node.operand); }
int depth_of(const Logic& node) { return deepest(node.left, node.right); }
int depth_of(const Calculation& node) { return deepest(node.left, node.right); }
int depth_of(const Concatenation& node) { return deepest_of(node.parts); }
int depth_of(const ComparisonChain& node) { return std::max(deepest(node.first), deepest_of(node.rest)); }
int depth_of(const Conditional& node) { return deepest(node.condition, node.value, node.otherwise); }
int depth_of(const AttributeOf& node) { return deepest(node.object); }
int depth_of(const ItemOf& node) { return deepest(node.object, node.key); }
int depth_of(const SliceOf& node) { return deepest(node.object, node.start, node.stop, node.step); }
int depth_of(const ArgumentList& node) { return std::max(deepest_of(node.positional), deepest_of(node.named)); }
int depth_of(const Call& node) { return std::max(deepest(node.callee), depth_of(node.arguments)); }
int depth_of(const FilterCall& node) { return std::max(deepest(node.input), depth_of(node.arguments)); }
int depth_of(const TestCall& node) { return std::max(deepest(node.input), depth_of(node.arguments)); }

}  // namespace

// One more open bracket or operand, so that reading does not recurse without an end.
class ExpressionParser::Nesting {
 public:
  explicit Nesting(ExpressionParser& parser) : parser_(parser) {
    if (++parser_.nesting_ > kMaxExpressionDepth)
      parser_.tokens_.fail("an expression nests deeper than {} levels", kMaxExpressionDepth);
  }
  ~Nesting() { --parser_.nesting_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  ExpressionParser& parser_;
};

template <class Node>
ExpressionPtr ExpressionParser::make(int line, Node node) {
  const int depth = depth_of(node) + 1;
  if (depth > kMaxExpressionDepth) tokens_.fail("an expression nests deeper than {} levels", kMaxExpressionDepth);
  return std::make_unique<const Expression>(Expression{line, depth, std::move(node)});
}

ExpressionPtr ExpressionParser::parse(bool with_condition) { return with_condition ? parse_conditional() : parse_or(); }

bool ExpressionParser::ends_tuple() const {
  return tokens_.is(TokenKind::end_print) || tokens_.is(TokenKind::end_block) || tokens_.is_sign(")") ||
         tokens_.is_name("recursive");
}

ExpressionPtr ExpressionParser::parse_tuple(bool with_condition) {
  const int line = tokens_.line();
  ExpressionPtr first = parse(with_condition);
  if (!tokens_.is_sign(",")) return first;
  ListDisplay tuple{{}, true};
  tuple.items.push_back(std::move(first));
  while (tokens_.skip_sign(",") && !ends_tuple()) tuple.items.push_back(parse(with_condition));
  return make(line, std::move(tuple));
}

ExpressionPtr ExpressionParser::parse_conditional() {
  const Nesting nesting(*this);
  const int line = tokens_.line();
  ExpressionPtr value = parse_or();
  while (tokens_.skip_name("if")) {
    Conditional conditional{parse_or(), std::move(value), nullptr};
    if (tokens_.skip_name("else")) conditional.otherwise = parse_conditional();
    value = make(line, std::move(conditional));
  }
  return value;
}

ExpressionPtr ExpressionParser::parse_or() {
  const int line = tokens_.line();
  ExpressionPtr left = parse_and();
  while (tokens_.skip_name("or")) left = make(line, Logic{false, std::move(left), parse_and()});
  return left;
}

ExpressionPtr ExpressionParser::parse_and() {
  const int line = tokens_.line();
  ExpressionPtr left = parse_not();
  while (tokens_.skip_name("and")) left = make(line, Logic{true, std::move(left), parse_not()});
  return left;
}

ExpressionPtr ExpressionParser::parse_not() {
  const Nesting nesting(*this);
  const int line = tokens_.line();
  if (tokens_.skip_name("not")) return make(line, Not{parse_not()});
  return parse_comparison();
}

std::optional<Comparison> ExpressionParser::skip_comparison() {
  static constexpr std::pair<std::string_view, Comparison> kSigns[] = {
      {"==", Comparison::equal},      {"!=", Comparison::not_equal}, {"<", Comparison::less},
      {"<=", Comparison::less_equal}, {">", Comparison::greater},    {">=", Comparison::greater_equal}};
  for (const auto& [sign, comparison] : kSigns) {
    if (tokens_.skip_sign(sign)) return comparison;
  }
  if (tokens_.skip_name("in")) return Comparison::in;
  const Token& next = tokens_.following();
  if (tokens_.is_name("not") && next.kind == TokenKind::name && next.text == "in") {
    tokens_.take();
    tokens_.take();
    return Comparison::not_in;
  }
  return std::nullopt;
}

ExpressionPtr ExpressionParser::parse_comparison() {
  const int line = tokens_.line();
  ComparisonChain chain{parse_sum(), {}};
  while (const auto comparison = skip_comparison()) chain.rest.emplace_back(*comparison, parse_sum());
  return chain.rest.empty() ? std::move(chain.first) : make(line, std::move(chain));
}

ExpressionPtr ExpressionParser::parse_sum() {
  const int line = tokens_.line();
  ExpressionPtr left = parse_concatenation();
  while (tokens_.is_sign("+") || tokens_.is_sign("-")) {
    const Arithmetic operation = tokens_.take().text == "+" ? Arithmetic::add : Arithmetic::subtract;
    left = make(line, Calculation{operation, std::move(left), parse_concatenation()});
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_concatenation() {
  const int line = tokens_.line();
  Concatenation all;
  all.parts.push_back(parse_product());
  while (tokens_.skip_sign("~")) all.parts.push_back(parse_product());
  return all.parts.size() == 1 ? std::move(all.parts[0]) : make(line, std::move(all));
}

ExpressionPtr ExpressionParser::parse_product() {
  static constexpr std::pair<std::string_view, Arithmetic> kSigns[] = {{"*", Arithmetic::multiply},
                                                                       {"/", Arithmetic::divide},
                                                                       {"//", Arithmetic::floor_divide},
                                                                       {"%", Arithmetic::modulo}};
  const int line = tokens_.line();
  ExpressionPtr left = parse_power();
  while (true) {
    const auto sign = std::ranges::find_if(kSigns, [&](const auto& s) { return tokens_.skip_sign(s.first); });
    if (sign == std::end(kSigns)) return left;
    left = make(line, Calculation{sign->second, std::move(left), parse_power()});
  }
}

// Jinja's ** binds to the left.
ExpressionPtr ExpressionParser::parse_power() {
  const int line = tokens_.line();
  ExpressionPtr left = parse_unary();
  while (tokens_.skip_sign("**")) left = make(line, Calculation{Arithmetic::power, std::move(left), parse_unary()});
  return left;
}

ExpressionPtr ExpressionParser::parse_unary(bool with_filters) {
  const Nesting nesting(*this);
  const int line = tokens_.line();
  ExpressionPtr expression;
  if (tokens_.skip_sign("-")) {
    expression = make(line, Negation{parse_unary(false)});
  } else if (tokens_.skip_sign("+")) {
    expression = make(line, Negation{make(line, Negation{parse_unary(false)})});
  } else {
    expression = parse_primary();
  }
  expression = parse_postfix(std::move(expression));
  return with_filters ? parse_filters_and_tests(std::move(expression)) : std::move(expression);
}

ExpressionPtr ExpressionParser::parse_primary() {
  const int line = tokens_.line();
  switch (tokens_.current().kind) {
    case TokenKind::name:
      return parse_name();
    case TokenKind::string:
      return make(line, string_literal());
    case TokenKind::integer: {
      const std::string digits = tokens_.current().text;
      const bool prefixed = digits.size() > 1 && digits[0] == '0' && digits[1] > '9';
      const int base = !prefixed ? 10 : (digits[1] | 32) == 'x' ? 16 : (digits[1] | 32) == 'o' ? 8 : 2;
      int64_t value = 0;
      const char *begin = digits.data() + (prefixed ? 2 : 0), *end = digits.data() + digits.size();
      const auto read = std::from_chars(begin, end, value, base);
      if (read.ec != std::errc() || read.ptr != end) tokens_.fail("'{}' is not an integer below 2^63", digits);
      tokens_.take();
      return make(line, Literal{value});
    }
    case TokenKind::decimal: {
      const std::string digits = tokens_.take().text;
      double value = 0;
      std::from_chars(digits.data(), digits.data() + digits.size(), value);
      return make(line, Literal{value});
    }
    default:
      if (tokens_.skip_sign("(")) return parse_parentheses();
      if (tokens_.skip_sign("[")) return parse_list();
      if (tokens_.skip_sign("{")) return parse_dict();
      tokens_.fail("expected a value, found {}", tokens_.found());
  }
}

ExpressionPtr ExpressionParser::parse_name() {
  const Token token = tokens_.take();
  if (token.text == "true" || token.text == "True") return make(token.line, Literal{true});
  if (token.text == "false" || token.text == "False") return make(token.line, Literal{false});
  if (token.text == "none" || token.text == "None") return make(token.line, Literal{None{}});
  return make(token.line, Name{token.text});
}

// Strings that follow each other are one.
Literal ExpressionParser::string_literal() {
  std::string text;
  while (tokens_.is(TokenKind::string)) text += tokens_.take().text;
  return {Value::text(std::move(text))};
}

ExpressionPtr ExpressionParser::parse_parentheses() {
  const int line = tokens_.line();
  if (tokens_.skip_sign(")")) return make(line, ListDisplay{{}, true});
  ExpressionPtr inside = parse_tuple();
  tokens_.expect_sign(")");
  return inside;
}

ExpressionPtr ExpressionParser::parse_list() {
  const int line = tokens_.line();
  ListDisplay list;
  while (!tokens_.is_sign("]")) {
    if (!list.items.empty()) tokens_.expect_sign(",");
    if (tokens_.is_sign("]")) break;
    list.items.push_back(parse());
  }
  tokens_.expect_sign("]");
  return make(line, std::move(list));
}

ExpressionPtr ExpressionParser::parse_dict() {
  const int line = tokens_.line();
  DictDisplay dict;
  while (!tokens_.is_sign("}")) {
    if (!dict.entries.empty()) tokens_.expect_sign(",");
    if (tokens_.is_sign("}")) break;
    ExpressionPtr key = parse();
    tokens_.expect_sign(":");
    dict.entries.emplace_back(std::move(key), parse());
  }
  tokens_.expect_sign("}");
  return make(line, std::move(dict));
}

ExpressionPtr ExpressionParser::parse_postfix(ExpressionPtr expression) {
  while (true) {
    if (tokens_.is_sign(".") || tokens_.is_sign("[")) {
      expression = parse_subscript(std::move(expression));
    } else if (tokens_.is_sign("(")) {
      expression = parse_call(std::move(expression));
    } else {
      return expression;
    }
  }
}

ExpressionPtr ExpressionParser::parse_filters_and_tests(ExpressionPtr expression) {
  while (true) {
    if (tokens_.skip_sign("|")) {
      expression = parse_filter(std::move(expression));
    } else if (tokens_.skip_name("is")) {
      expression = parse_test(std::move(expression));
    } else if (tokens_.is_sign("(")) {
      expression = parse_call(std::move(expression));
    } else {
      return expression;
    }
  }
}

ExpressionPtr ExpressionParser::parse_subscript(ExpressionPtr object) {
  const int line = tokens_.line();
  if (tokens_.skip_sign(".")) {
    if (tokens_.is(TokenKind::integer)) {
      ExpressionPtr key = parse_primary();
      return make(line, ItemOf{std::move(object), std::move(key)});
    }
    return make(line, AttributeOf{std::move(object), tokens_.expect(TokenKind::name, "the name of an attribute").text});
  }
  tokens_.expect_sign("[");
  ExpressionPtr first;
  if (!tokens_.is_sign(":")) first = parse();
  if (!tokens_.is_sign(":")) {
    tokens_.expect_sign("]");
    return make(line, ItemOf{std::move(object), std::move(first)});
  }
  SliceOf slice{std::move(object), std::move(first), nullptr, nullptr};
  tokens_.expect_sign(":");
  if (!tokens_.is_sign(":") && !tokens_.is_sign("]")) slice.stop = parse();
  if (tokens_.skip_sign(":") && !tokens_.is_sign("]")) slice.step = parse();
  tokens_.expect_sign("]");
  return make(line, std::move(slice));
}

ExpressionPtr ExpressionParser::parse_filter(ExpressionPtr input) {
  const Token name = tokens_.expect(TokenKind::name, "the name of a filter");
  FilterCall filter{name.text, std::move(input), {}};
  if (tokens_.is_sign("(")) filter.arguments = parse_arguments();
  return make(name.line, std::move(filter));
}

ExpressionPtr ExpressionParser::parse_filters() {
  ExpressionPtr filters = parse_filter(nullptr);
  while (tokens_.skip_sign("|")) filters = parse_filter(std::move(filters));
  return filters;
}

// `is name`, `is name(arguments)`, `is name argument`.
ExpressionPtr ExpressionParser::parse_test(ExpressionPtr input) {
  TestCall test{"", tokens_.skip_name("not"), std::move(input), {}};
  const Token name = tokens_.expect(TokenKind::name, "the name of a test");
  test.name = name.text;
  const bool has_argument =
      tokens_.is(TokenKind::string) || tokens_.is(TokenKind::integer) || tokens_.is(TokenKind::decimal) ||
      tokens_.is_sign("[") || tokens_.is_sign("{") ||
      (tokens_.is(TokenKind::name) && !tokens_.is_name("else") && !tokens_.is_name("or") && !tokens_.is_name("and"));
  if (tokens_.is_sign("(")) {
    test.arguments = parse_arguments();
  } else if (has_argument) {
    if (tokens_.is_name("is")) tokens_.fail("tests cannot be chained with 'is'");
    test.arguments.positional.push_back(parse_postfix(parse_primary()));
  }
  return make(name.line, std::move(test));
}

ExpressionPtr ExpressionParser::parse_call(ExpressionPtr callee) {
  const int line = tokens_.line();
  Call call{std::move(callee), parse_arguments()};
  return make(line, std::move(call));
}

ExpressionPtr ExpressionParser::parse_call_expression() {
  ExpressionPtr expression = parse();
  if (!std::holds_alternative<Call>(expression->node)) tokens_.fail("the tag 'call' needs a call, as in: call macro()");
  return expression;
}

ArgumentList ExpressionParser::parse_arguments() {
  ArgumentList arguments;
  tokens_.expect_sign("(");
  bool first = true;
  while (!tokens_.is_sign(")")) {
    if (!first) tokens_.expect_sign(",");
    if (tokens_.is_sign(")")) break;
    first = false;
    if (tokens_.is_sign("*") || tokens_.is_sign("**")) {
      tokens_.fail("arguments taken from a list or dict ('{}') are not supported", tokens_.current().text);
    }
    const Token& next = tokens_.following();
    if (tokens_.is(TokenKind::name) && next.kind == TokenKind::sign && next.text == "=") {
      std::string name = tokens_.take().text;
      tokens_.take();
      arguments.named.emplace_back(std::move(name), parse());
    } else if (!arguments.named.empty()) {
      tokens_.fail("an argument without a name follows one with a name");
    } else {
      arguments.positional.push_back(parse());
    }
  }
  tokens_.expect_sign(")");
  return arguments;
}

}  // namespace bantam::jinja
