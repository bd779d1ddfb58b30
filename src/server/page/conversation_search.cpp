#include "server/page/conversation_search.h"

#include <algorithm>

#include "text/unicode.h"

namespace bantam {
namespace {

constexpr size_t kBefore = 60, kAfter = 120;  // bytes

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

std::vector<std::string> search_words(std::string_view query, size_t most) {
  std::vector<std::string> out;
  const std::string text = to_nfc(query);
  for (size_t at = 0; out.size() < most;) {
    at = text.find_first_not_of(" \t\r\n", at);
    if (at == std::string::npos) break;
    const size_t end = std::min(text.find_first_of(" \t\r\n", at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

std::string like_pattern(std::string_view word) {
  std::string out = "%";
  for (const char c : word) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out + "%";
}

std::string snippet_around(std::string_view text, std::string_view word) {
  const auto found = std::search(text.begin(), text.end(), word.begin(), word.end(),
                                 [](char a, char b) { return lower(a) == lower(b); });
  const auto at = static_cast<size_t>(found - text.begin());
  size_t begin = at > kBefore ? at - kBefore : 0, end = std::min(text.size(), at + word.size() + kAfter);
  while (begin < at && continues_character(text[begin])) ++begin;
  while (end < text.size() && continues_character(text[end])) ++end;
  std::string out;
  for (const char c : text.substr(begin, end - begin)) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    if (!space) out += c;
    if (space && !out.empty() && out.back() != ' ') out += ' ';
  }
  return (begin > 0 ? "…" : "") + out + (end < text.size() ? "…" : "");
}

}  // namespace bantam
