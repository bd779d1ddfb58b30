// Finds the tokens that are matched in the text itself before any word is cut: control and user-defined ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "text/byte_trie.h"

namespace bantam {

struct AddedToken {
  int32_t id = -1;
  bool is_control = false;
  bool lstrip = false, rstrip = false;  // takes the spaces before it, after it
  bool single_word = false;             // not where a letter, digit or '_' stands next to it
};

class AddedTokens {
 public:
  // Room for `bytes` of texts together.
  explicit AddedTokens(size_t bytes = 0) : trie_(bytes) { tokens_.reserve(bytes + 1); }

  // `text` is not empty. Adding a text again replaces its token.
  void add(std::string_view text, const AddedToken& token);

  struct Match {
    size_t begin;  // with the spaces that the token takes
    size_t bytes;
    int32_t id;
  };
  // The leftmost token at or after `begin`, the longest of those that start there; control tokens only when asked.
  // Time is linear in the bytes passed over times the length of the longest token.
  std::optional<Match> find(std::string_view text, size_t begin, bool control_too) const;

 private:
  struct Found {
    const AddedToken* token;
    size_t end;
  };
  std::optional<Found> longest_at(std::string_view text, size_t begin, bool control_too) const;

  ByteTrie trie_;
  std::vector<AddedToken> tokens_{1};  // of its nodes; id -1 where no token ends
};

}  // namespace bantam
