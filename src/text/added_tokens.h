// Finds the tokens that are matched in the text itself before any word is cut: control and user-defined ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace bantam {

class AddedTokens {
 public:
  // `text` is not empty. Adding a text again replaces its id.
  void add(std::string_view text, int32_t id, bool is_control);

  struct Match {
    size_t begin;
    size_t bytes;
    int32_t id;
  };
  // The leftmost token at or after `begin`, the longest of those that start there; control tokens only when asked.
  // Time is linear in the bytes passed over times the length of the longest token.
  std::optional<Match> find(std::string_view text, size_t begin, bool control_too) const;

 private:
  struct Node {
    int32_t id = -1;
    bool is_control = false;
  };

  std::optional<Match> match_at(std::string_view text, size_t begin, bool control_too) const;

  std::vector<Node> nodes_{1};                       // a trie; node 0 is the root
  std::unordered_map<uint64_t, uint32_t> children_;  // node << 8 | byte -> node
};

}  // namespace bantam
