// Decoding that keeps to a form: which tokens may come next, worked out from an automaton over bytes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace bantam {

// What a text that is being generated may become. It belongs to one generation.
class Constraint {
 public:
  virtual ~Constraint() = default;
  // False where any token may come next: nobody need ask which.
  virtual bool restricts() const { return true; }
  // allowed[id] = 1 for each token that may come next, else 0; one entry for each token of the vocabulary.
  virtual void allow(std::span<uint8_t> allowed) = 0;
  // The token that came; one of those allowed.
  virtual void accept(int32_t token) = 0;
  // The text may end here.
  virtual bool complete() const = 0;
};

// The tokens of a vocabulary that stand for text, in the order of their bytes, so that what two neighbours share is
// followed once. Immutable: constraints may share one.
class SortedPieces {
 public:
  explicit SortedPieces(const Tokenizer& tokenizer);

  struct Piece {
    int32_t token;
    uint32_t shared;  // first bytes it has in common with the one before it
    std::string_view bytes;
  };
  std::span<const Piece> pieces() const { return pieces_; }
  size_t longest() const { return longest_; }
  std::span<const int32_t> end_tokens() const { return end_tokens_; }
  std::string_view bytes(int32_t token) const { return tokenizer_.piece(token); }

 private:
  const Tokenizer& tokenizer_;
  std::vector<Piece> pieces_;
  std::vector<int32_t> end_tokens_;
  size_t longest_ = 0;
};

// State: a copyable automaton with `bool push(unsigned char)`, false when no text goes on so, and `bool complete()`.
// Control tokens are never allowed, those that end a generation when the state is complete.
template <class State>
class ByteConstraint final : public Constraint {
 public:
  ByteConstraint(std::shared_ptr<const SortedPieces> vocabulary, State start)
      : vocabulary_(std::move(vocabulary)), after_(vocabulary_->longest() + 1, start) {}

  void allow(std::span<uint8_t> allowed) override {
    std::fill(allowed.begin(), allowed.end(), uint8_t{0});
    size_t alive = 0;  // after_[n]: the state after n bytes of the piece, for n up to this
    for (const SortedPieces::Piece& piece : vocabulary_->pieces()) {
      if (piece.shared > alive) continue;  // its beginning was refused with an earlier piece
      alive = piece.shared;
      while (alive < piece.bytes.size()) {
        after_[alive + 1] = after_[alive];
        if (!after_[alive + 1].push(static_cast<unsigned char>(piece.bytes[alive]))) break;
        ++alive;
      }
      if (alive == piece.bytes.size()) allowed[static_cast<size_t>(piece.token)] = 1;
    }
    if (!after_[0].complete()) return;
    for (const int32_t token : vocabulary_->end_tokens()) allowed[static_cast<size_t>(token)] = 1;
  }

  void accept(int32_t token) override {
    for (const char c : vocabulary_->bytes(token)) after_[0].push(static_cast<unsigned char>(c));
  }

  bool complete() const override { return after_[0].complete(); }

 private:
  std::shared_ptr<const SortedPieces> vocabulary_;
  std::vector<State> after_;
};

}  // namespace bantam
