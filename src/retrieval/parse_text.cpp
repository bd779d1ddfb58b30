// Plain text and source code: every byte is kept, headings are only noted.
#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "retrieval/document_builder.h"
#include "retrieval/parsers.h"

namespace bantam {
namespace {

void check_size(std::string_view text, std::string_view name, const ParseLimits& limits) {
  if (text.size() <= limits.text_bytes) return;
  throw FormatError("{}: its text takes more than the limit of {} MiB", name, limits.text_bytes >> 20);
}

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Takes `word` off the front of `line` when it stands there as a whole word.
bool take_word(std::string_view& line, std::string_view word) {
  if (!line.starts_with(word) || (line.size() > word.size() && is_word_char(line[word.size()]))) return false;
  line = trimmed(line.substr(word.size()));
  return true;
}

constexpr std::string_view kModifiers[] = {"export",     "default", "public", "private",  "protected",
                                           "static",     "final",   "async",  "abstract", "pub",
                                           "pub(crate)", "unsafe",  "inline", "constexpr"};
// Words that begin a type or a function in some language, and a name always follows.
constexpr std::string_view kOpenings[] = {"class",     "struct", "enum",   "union",  "interface",
                                          "namespace", "def",    "func",   "fn",     "function",
                                          "trait",     "impl",   "module", "record", "object"};
constexpr std::string_view kStatements[] = {"if", "else", "for",   "while", "switch", "return",
                                            "do", "case", "catch", "try",   "using",  "typedef"};

// int main(int argc) {: words, a name, parameters, and a brace at the end of this line or at the start of the next.
bool is_c_function(std::string_view line, std::string_view next) {
  const size_t bracket = line.find('(');
  if (bracket == std::string_view::npos || bracket == 0 || !is_word_char(line[bracket - 1])) return false;
  if (line.find_first_of("=;\"#") < bracket) return false;
  if (line.find(' ') > bracket) return false;  // a call, or a name alone
  return line.ends_with('{') || (line.ends_with(')') && next.starts_with('{'));
}

bool opens_definition(std::string_view line, std::string_view next) {
  for (const std::string_view word : kStatements) {
    std::string_view rest = line;
    if (take_word(rest, word)) return false;
  }
  std::string_view rest = line;
  while (std::ranges::any_of(kModifiers, [&](std::string_view word) { return take_word(rest, word); })) {
  }
  for (const std::string_view word : kOpenings) {
    std::string_view named = rest;
    if (take_word(named, word)) return !named.empty() && !line.ends_with(';') && is_word_char(named[0]);
  }
  return is_c_function(line, next);
}

}  // namespace

Document parse_text(std::string_view text, std::string_view name, const ParseLimits& limits) {
  check_size(text, name, limits);
  return {stem_of(name), std::string(text), {}, {}};
}

// Members are one level below what holds them, by their indent.
Document parse_source(std::string_view text, std::string_view name, const ParseLimits& limits) {
  constexpr size_t kDeepestIndent = 8, kLongestLine = 300;
  Document document = parse_text(text, name, limits);
  for (std::string_view rest = text; !rest.empty();) {
    const auto offset = static_cast<size_t>(rest.data() - text.data());
    const std::string_view line = take_line(rest);
    const size_t indent = line.find_first_not_of(" \t");
    if (indent == std::string_view::npos || indent > kDeepestIndent || line.size() > kLongestLine) continue;
    const std::string_view content = trimmed(line);
    if (!opens_definition(content, trimmed(rest.substr(0, rest.find('\n'))))) continue;
    document.headings.push_back({offset, indent == 0 ? 1 : 2, std::string(content)});
  }
  return document;
}

}  // namespace bantam
