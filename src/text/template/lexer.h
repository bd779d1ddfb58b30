// Cuts a chat template into tokens, with the white space rules that transformers sets: trim_blocks and lstrip_blocks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bantam::jinja {

enum class TokenKind : uint8_t {
  data,  // text between tags; `text` is what is left of it to print
  begin_print,
  end_print,
  begin_block,
  end_block,
  name,
  string,  // `text` is without quotes and escapes
  integer,
  decimal,
  sign,  // an operator or bracket
  end,
};

struct Token {
  TokenKind kind;
  int line;
  std::string text;
};

// The last token is `end`. Throws FormatError naming the template and the line.
std::vector<Token> cut_tokens(std::string_view source, std::string_view template_name);

}  // namespace bantam::jinja
