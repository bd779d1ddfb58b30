// UTF-8 decoding and encoding, strict (no overlong forms, no surrogates). Used by text, formats and the terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bantam {

struct CodePoint {
  char32_t value;
  int bytes;  // 1 to 4
};

// The code point at the start of `text`; nothing when the bytes are not valid UTF-8 or `text` is empty.
std::optional<CodePoint> decode_utf8(std::string_view text);

void append_utf8(std::string& out, char32_t code_point);

// Offset of the first byte that is not valid UTF-8, or nothing when all of it is.
std::optional<size_t> find_invalid_utf8(std::string_view text);

// Length of the longest prefix that ends on a character boundary; an incomplete last character is left out.
// Bytes that can never become valid count as characters of their own.
size_t whole_utf8_prefix(std::string_view text);

}  // namespace bantam
