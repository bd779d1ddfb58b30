#include "text/added_tokens.h"

#include "base/utf8.h"
#include "text/unicode.h"

namespace bantam {
namespace {

// The character that ends at `end`; U+FFFD where the bytes are not UTF-8.
char32_t character_before(std::string_view text, size_t end) {
  for (size_t bytes = 1; bytes <= 4 && bytes <= end; ++bytes) {
    const auto found = decode_utf8(text.substr(end - bytes, bytes));
    if (found && static_cast<size_t>(found->bytes) == bytes) return found->value;
  }
  return 0xFFFD;
}

bool is_word_character(char32_t c) {
  return c == '_' || (char_traits(c) & (trait::kLetter | trait::kMark | trait::kNumber)) != 0;
}

bool stands_alone(std::string_view text, size_t begin, size_t end) {
  const auto after = decode_utf8(text.substr(end));
  return !(begin > 0 && is_word_character(character_before(text, begin))) &&
         !(after && is_word_character(after->value));
}

// ASCII's, as llama.cpp has it.
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

size_t without_spaces_before(std::string_view text, size_t low, size_t begin) {
  while (begin > low && is_space(text[begin - 1])) --begin;
  return begin;
}

size_t past_spaces(std::string_view text, size_t end) {
  while (end < text.size() && is_space(text[end])) ++end;
  return end;
}

}  // namespace

void AddedTokens::add(std::string_view text, const AddedToken& token) {
  const auto node = static_cast<size_t>(trie_.insert(text));
  tokens_.resize(trie_.nodes());
  tokens_[node] = token;
}

std::optional<AddedTokens::Found> AddedTokens::longest_at(std::string_view text, size_t begin, bool control_too) const {
  std::optional<Found> longest;
  int32_t node = 0;
  for (size_t at = begin; at < text.size(); ++at) {
    node = trie_.child(node, text[at]);
    if (node < 0) break;
    const AddedToken& token = tokens_[static_cast<size_t>(node)];
    if (token.id < 0 || (token.is_control && !control_too)) continue;
    if (!token.single_word || stands_alone(text, begin, at + 1)) longest = Found{&token, at + 1};
  }
  return longest;
}

std::optional<AddedTokens::Match> AddedTokens::find(std::string_view text, size_t begin, bool control_too) const {
  if (trie_.nodes() == 1) return std::nullopt;
  for (size_t at = begin; at < text.size(); ++at) {
    const auto found = longest_at(text, at, control_too);
    if (!found) continue;
    const size_t first = found->token->lstrip ? without_spaces_before(text, begin, at) : at;
    const size_t end = found->token->rstrip ? past_spaces(text, found->end) : found->end;
    return Match{first, end - first, found->token->id};
  }
  return std::nullopt;
}

}  // namespace bantam
