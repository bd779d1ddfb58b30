#include "text/byte_alphabet.h"

#include <array>

#include "base/utf8.h"

namespace bantam {
namespace {

struct Alphabet {
  std::array<char32_t, 256> chars{};
  std::array<int16_t, 0x180> bytes{};  // -1: not of the alphabet

  Alphabet() {
    bytes.fill(-1);
    char32_t next = 0x100;
    for (unsigned b = 0; b < 256; ++b) {
      const bool printable = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      chars[b] = printable ? b : next++;
      bytes[chars[b]] = static_cast<int16_t>(b);
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet instance;
  return instance;
}

}  // namespace

char32_t byte_to_char(uint8_t byte) { return alphabet().chars[byte]; }

std::optional<uint8_t> char_to_byte(char32_t code_point) {
  if (code_point >= alphabet().bytes.size() || alphabet().bytes[code_point] < 0) return std::nullopt;
  return static_cast<uint8_t>(alphabet().bytes[code_point]);
}

std::string to_byte_alphabet(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) append_utf8(out, byte_to_char(static_cast<uint8_t>(byte)));
  return out;
}

std::string from_byte_alphabet(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::optional<CodePoint> next = decode_utf8(text);
    const size_t length = next ? static_cast<size_t>(next->bytes) : 1;
    if (const auto byte = next ? char_to_byte(next->value) : std::nullopt) {
      out.push_back(static_cast<char>(*byte));
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace bantam
