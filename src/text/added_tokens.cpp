#include "text/added_tokens.h"

namespace bantam {
namespace {

uint64_t edge(uint32_t node, char byte) { return uint64_t{node} << 8 | static_cast<uint8_t>(byte); }

}  // namespace

void AddedTokens::add(std::string_view text, int32_t id, bool is_control) {
  uint32_t node = 0;
  for (const char byte : text) {
    const auto [child, is_new] = children_.try_emplace(edge(node, byte), static_cast<uint32_t>(nodes_.size()));
    if (is_new) nodes_.emplace_back();
    node = child->second;
  }
  nodes_[node] = {id, is_control};
}

std::optional<AddedTokens::Match> AddedTokens::match_at(std::string_view text, size_t begin, bool control_too) const {
  std::optional<Match> longest;
  uint32_t node = 0;
  for (size_t at = begin; at < text.size(); ++at) {
    const auto child = children_.find(edge(node, text[at]));
    if (child == children_.end()) break;
    node = child->second;
    const Node& reached = nodes_[node];
    if (reached.id >= 0 && (control_too || !reached.is_control)) longest = Match{begin, at + 1 - begin, reached.id};
  }
  return longest;
}

std::optional<AddedTokens::Match> AddedTokens::find(std::string_view text, size_t begin, bool control_too) const {
  if (children_.empty()) return std::nullopt;
  for (; begin < text.size(); ++begin) {
    if (const auto match = match_at(text, begin, control_too)) return match;
  }
  return std::nullopt;
}

}  // namespace bantam
