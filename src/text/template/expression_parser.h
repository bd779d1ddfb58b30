// Reads the expressions of a chat template. Used by the parser of statements.
#pragma once

#include <optional>
#include <vector>

#include "text/template/syntax.h"
#include "text/template/token_stream.h"

namespace bantam::jinja {

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

  // `with_condition`: whether `a if b else c` may stand here without parentheses.
  ExpressionPtr parse(bool with_condition = true);
  // One expression, or several with commas between them, which make a tuple.
  ExpressionPtr parse_tuple(bool with_condition = true);
  // `name(arguments) | name2 ...` of blocks that filter their text.
  ExpressionPtr parse_filters();
  // Anything that can be called and its arguments; fails for other expressions.
  ExpressionPtr parse_call_expression();
  Literal string_literal();

 private:
  class Nesting;

  ExpressionPtr parse_conditional();
  ExpressionPtr parse_or();
  ExpressionPtr parse_and();
  ExpressionPtr parse_not();
  ExpressionPtr parse_comparison();
  ExpressionPtr parse_sum();
  ExpressionPtr parse_concatenation();
  ExpressionPtr parse_product();
  ExpressionPtr parse_power();
  ExpressionPtr parse_unary(bool with_filters = true);
  ExpressionPtr parse_primary();
  ExpressionPtr parse_name();
  ExpressionPtr parse_parentheses();
  ExpressionPtr parse_list();
  ExpressionPtr parse_dict();
  ExpressionPtr parse_postfix(ExpressionPtr expression);
  ExpressionPtr parse_filters_and_tests(ExpressionPtr expression);
  ExpressionPtr parse_subscript(ExpressionPtr object);
  ExpressionPtr parse_filter(ExpressionPtr input);
  ExpressionPtr parse_test(ExpressionPtr input);
  ExpressionPtr parse_call(ExpressionPtr callee);
  ArgumentList parse_arguments();
  std::optional<Comparison> skip_comparison();
  bool ends_tuple() const;

  template <class Node>
  ExpressionPtr make(int line, Node node);

  TokenStream& tokens_;
  int nesting_ = 0;
};

}  // namespace bantam::jinja
