// The unigram model of SentencePiece: of all ways to cut a text into pieces, the one whose scores sum highest
// (Viterbi). Used by Tokenizer.                                                              Kudo 2018, arXiv
// 1804.10959, sec. 3.1
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "text/byte_trie.h"

namespace bantam {

class Unigram {
 public:
  // Room for `bytes` of pieces.
  explicit Unigram(size_t bytes = 0) : trie_(bytes) { pieces_.reserve(bytes + 1); }

  // `text` is not empty; the first piece of a text stays. Scores are log probabilities.
  void add(std::string_view text, int32_t id, double score);
  // What a character without a piece costs.
  void set_unknown_score(double score) { unknown_score_ = score; }

  // Pieces that together are `text`; characters without one have id -1, neighbours of them together. Of equal sums the
  // one found first from the left. Time is linear in the bytes times the length of the longest piece.
  std::vector<Symbol> segment(std::string_view text) const;

 private:
  struct Piece {
    int32_t id = -1;
    double score = 0;
  };

  ByteTrie trie_;
  std::vector<Piece> pieces_{1};  // of its nodes
  double unknown_score_ = -10;
};

}  // namespace bantam
