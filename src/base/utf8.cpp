#include "base/utf8.h"

#include <algorithm>

namespace bantam {
namespace {

// Bytes a character with this first byte takes; 0 when no character starts so.
int sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

// Whether `second` may follow `lead`: rules out overlong forms, surrogates and values past U+10FFFF (RFC 3629).
bool second_byte_fits(unsigned char lead, unsigned char second) {
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return second >= low && second <= high;
}

}  // namespace

std::optional<CodePoint> decode_utf8(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const int length = sequence_length(byte(0));
  if (length == 0 || text.size() < static_cast<size_t>(length)) return std::nullopt;
  if (length == 1) return CodePoint{byte(0), 1};
  if (!second_byte_fits(byte(0), byte(1))) return std::nullopt;
  char32_t value = byte(0) & (0xFFu >> (length + 1));
  for (int i = 1; i < length; ++i) {
    const unsigned char next = byte(static_cast<size_t>(i));
    if ((next & 0xC0) != 0x80) return std::nullopt;
    value = value << 6 | (next & 0x3Fu);
  }
  return CodePoint{value, length};
}

void append_utf8(std::string& out, char32_t code_point) {
  const auto put = [&](char32_t bits) { out.push_back(static_cast<char>(bits)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

std::optional<size_t> find_invalid_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const auto next = decode_utf8(text.substr(at));
    if (!next) return at;
    at += static_cast<size_t>(next->bytes);
  }
  return std::nullopt;
}

size_t whole_utf8_prefix(std::string_view text) {
  const size_t reach = std::min<size_t>(text.size(), 3);
  for (size_t back = 1; back <= reach; ++back) {
    const size_t start = text.size() - back;
    const auto lead = static_cast<unsigned char>(text[start]);
    if ((lead & 0xC0) == 0x80) continue;
    const auto length = static_cast<size_t>(sequence_length(lead));
    if (length <= back) break;
    if (back >= 2 && !second_byte_fits(lead, static_cast<unsigned char>(text[start + 1]))) break;
    return start;
  }
  return text.size();
}

}  // namespace bantam
