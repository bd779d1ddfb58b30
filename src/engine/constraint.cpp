#include "engine/constraint.h"

namespace bantam {

SortedPieces::SortedPieces(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const TokenType type = tokenizer.type(id);
    if (tokenizer.is_end_of_generation(id)) {
      end_tokens_.push_back(id);
    } else if (type == TokenType::normal || type == TokenType::user_defined || type == TokenType::byte) {
      if (!tokenizer.piece(id).empty()) pieces_.push_back({id, 0, tokenizer.piece(id)});
    }
  }
  std::sort(pieces_.begin(), pieces_.end(),
            [](const Piece& a, const Piece& b) { return a.bytes != b.bytes ? a.bytes < b.bytes : a.token < b.token; });
  std::string_view before;
  for (Piece& piece : pieces_) {
    const size_t most = std::min(before.size(), piece.bytes.size());
    const auto differ =
        std::mismatch(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(most), piece.bytes.begin());
    piece.shared = static_cast<uint32_t>(differ.first - before.begin());
    longest_ = std::max(longest_, piece.bytes.size());
    before = piece.bytes;
  }
}

}  // namespace bantam
