// The 256 printable characters that stand for bytes in byte-level BPE vocabularies (GPT-2 and all that follow it).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bantam {

// Printable Latin-1 characters stand for themselves, the other bytes for U+0100 and up in order
// (bytes_to_unicode() of the GPT-2 release).
char32_t byte_to_char(uint8_t byte);
std::optional<uint8_t> char_to_byte(char32_t code_point);

// Bytes as a vocabulary writes them, and back; characters outside the alphabet stand for themselves.
std::string to_byte_alphabet(std::string_view bytes);
std::string from_byte_alphabet(std::string_view text);

}  // namespace bantam
