// The tokens of a template while it is parsed, and the errors that name them.
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "text/template/lexer.h"

namespace bantam::jinja {

class TokenStream {
 public:
  TokenStream(std::vector<Token> tokens, std::string_view template_name)
      : tokens_(std::move(tokens)), template_name_(template_name) {}

  const Token& current() const { return tokens_[at_]; }
  const Token& following() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  int line() const { return current().line; }

  bool is(TokenKind kind) const { return current().kind == kind; }
  bool is_sign(std::string_view sign) const { return is(TokenKind::sign) && current().text == sign; }
  bool is_name(std::string_view name) const { return is(TokenKind::name) && current().text == name; }

  // The current token, moving past it; the end stays.
  Token take() {
    Token token = current();
    if (token.kind != TokenKind::end) ++at_;
    return token;
  }
  bool skip_sign(std::string_view sign) { return skip_if(is_sign(sign)); }
  bool skip_name(std::string_view name) { return skip_if(is_name(name)); }
  void expect_sign(std::string_view sign) {
    if (!skip_sign(sign)) fail("expected '{}', found {}", sign, found());
  }
  void expect_name(std::string_view name) {
    if (!skip_name(name)) fail("expected '{}', found {}", name, found());
  }
  Token expect(TokenKind kind, std::string_view wanted) {
    if (!is(kind)) fail("expected {}, found {}", wanted, found());
    return take();
  }

  // The current token as errors name it.
  std::string found() const {
    switch (current().kind) {
      case TokenKind::end:
        return "the end of the template";
      case TokenKind::data:
        return "text";
      case TokenKind::begin_print:
        return "'{{'";
      case TokenKind::end_print:
        return "'}}'";
      case TokenKind::begin_block:
        return "'{%'";
      case TokenKind::end_block:
        return "'%}'";
      case TokenKind::string:
        return "a string";
      default:
        return fmt::format("'{}'", current().text);
    }
  }

  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw FormatError("{}: line {}: {}", template_name_, line(), fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  bool skip_if(bool matches) {
    at_ += matches ? 1 : 0;
    return matches;
  }

  std::vector<Token> tokens_;
  std::string_view template_name_;
  size_t at_ = 0;
};

}  // namespace bantam::jinja
