#include "text/unigram.h"

#include <algorithm>

#include "base/utf8.h"

namespace bantam {
namespace {

// The best way to cut the text up to some byte: its last piece, and the sum of all.
struct Best {
  double sum = -std::numeric_limits<double>::infinity();
  int32_t id = -1;
  uint32_t bytes = 0;

  void offer(double other_sum, int32_t other_id, size_t other_bytes) {
    // The first in any case: sums of very low scores may be no numbers above -infinity.
    if (bytes == 0 || other_sum > sum) *this = {other_sum, other_id, static_cast<uint32_t>(other_bytes)};
  }
};

}  // namespace

void Unigram::add(std::string_view text, int32_t id, double score) {
  const auto node = static_cast<size_t>(trie_.insert(text));
  pieces_.resize(trie_.nodes());
  if (pieces_[node].id < 0) pieces_[node] = {id, score};
}

std::vector<Symbol> Unigram::segment(std::string_view text) const {
  std::vector<Best> best(text.size() + 1);
  best[0].sum = 0;
  for (size_t begin = 0; begin < text.size();) {
    const auto character = decode_utf8(text.substr(begin));
    const size_t next = begin + (character ? static_cast<size_t>(character->bytes) : 1);
    const double sum = best[begin].sum;
    bool whole_character = false;
    int32_t node = 0;
    for (size_t at = begin; at < text.size(); ++at) {
      node = trie_.child(node, text[at]);
      if (node < 0) break;
      const Piece& piece = pieces_[static_cast<size_t>(node)];
      if (piece.id < 0) continue;
      whole_character |= at + 1 == next;
      best[at + 1].offer(sum + piece.score, piece.id, at + 1 - begin);
    }
    if (!whole_character) best[next].offer(sum + unknown_score_, -1, next - begin);
    begin = next;
  }
  std::vector<Symbol> pieces;
  for (size_t end = text.size(); end > 0; end -= best[end].bytes) {
    if (best[end].id < 0 && !pieces.empty() && pieces.back().id < 0) {
      pieces.back().bytes += best[end].bytes;
    } else {
      pieces.push_back({best[end].id, best[end].bytes});
    }
  }
  std::ranges::reverse(pieces);
  return pieces;
}

}  // namespace bantam
