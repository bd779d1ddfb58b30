#include "engine/grammar_constraint.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>

#include "base/utf8.h"

namespace bantam {
namespace {

using State = Matcher::State;

constexpr size_t kMostMaskBytes = 16 << 20;  // of one Table

// Bytes that occur in UTF-8.
bool is_used(int byte) { return byte < 0xC0 || (byte >= 0xC2 && byte < 0xF5); }

// Looks for the mark of a call in text of which `matched` bytes of the mark came last, and takes bytes off until it is
// complete: true, and `text` is what follows it.
bool take_mark(std::string_view& text, size_t& matched) {
  static_assert(kCallBegin.rfind(kCallBegin[0]) == 0, "what breaks off may only begin anew with its first byte");
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    matched = c == kCallBegin[matched] ? matched + 1 : c == kCallBegin[0] ? 1 : 0;
    if (matched < kCallBegin.size()) continue;
    matched = 0;
    return true;
  }
  return false;
}

}  // namespace

TokenTree::TokenTree(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {
  const SortedPieces sorted(tokenizer);
  end_tokens_.assign(sorted.end_tokens().begin(), sorted.end_tokens().end());
  std::array<bool, 256> has_byte{};
  std::vector<CharSet::Range> single;
  for (const SortedPieces::Piece& piece : sorted.pieces()) {
    if (piece.bytes.size() == 1) has_byte[static_cast<unsigned char>(piece.bytes[0])] = true;
    const auto c = decode_utf8(piece.bytes);
    if (c && static_cast<size_t>(c->bytes) == piece.bytes.size()) single.push_back({c->value, c->value});
    if (spaced_token_ < 0 && piece.bytes.starts_with(' ') && tokenizer.type(piece.token) == TokenType::normal)
      spaced_token_ = piece.token;
  }
  bool all_bytes = true;
  for (int byte = 0; byte < 256; ++byte)
    all_bytes = all_bytes && (!is_used(byte) || has_byte[static_cast<size_t>(byte)]);
  writable_ = all_bytes ? CharSet::all() : CharSet(std::move(single));

  std::vector<uint32_t> path;  // nodes from the root
  const auto close_to = [&](size_t depth) {
    while (path.size() > depth) {
      nodes_[path.back()].end = static_cast<uint32_t>(nodes_.size());
      path.pop_back();
    }
  };
  std::string_view before;
  for (const SortedPieces::Piece& piece : sorted.pieces()) {
    if (!all_bytes && find_invalid_utf8(piece.bytes)) continue;
    if (piece.bytes.size() > UINT16_MAX) continue;
    const auto differ = std::ranges::mismatch(before, piece.bytes);
    close_to(static_cast<size_t>(differ.in1 - before.begin()));
    before = piece.bytes;
    while (path.size() < piece.bytes.size()) {
      path.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back({.end = 0,
                        .first_token = static_cast<uint32_t>(tokens_.size()),
                        .tokens = 0,
                        .depth = static_cast<uint16_t>(path.size()),
                        .byte = static_cast<uint8_t>(piece.bytes[path.size() - 1])});
    }
    tokens_.push_back(piece.token);
    ++nodes_[path.back()].tokens;
    longest_ = std::max(longest_, piece.bytes.size());
  }
  close_to(0);
}

bool TokenTree::drops_space_after(int32_t token) const {
  if (spaced_token_ < 0) return false;
  return tokenizer_.piece_after(token, spaced_token_).size() < tokenizer_.piece(spaced_token_).size();
}

struct CompiledForm::Table {
  explicit Table(std::shared_ptr<const Automaton> automaton) : matcher(std::move(automaton)) {}

  Matcher matcher;
  // By state and whether a first space is dropped: a bit for each token.
  std::map<std::pair<State, bool>, std::vector<uint64_t>> masks;
  size_t mask_bytes = 0;

  bool full() const { return matcher.full() || mask_bytes > kMostMaskBytes; }

  const std::vector<uint64_t>& mask(const TokenTree& tree, State state, bool drops_space) {
    const State equal = matcher.equal_for(state, static_cast<uint32_t>(tree.longest()));
    const auto [at, is_new] = masks.try_emplace({equal, drops_space});
    if (is_new) {
      at->second = walk(tree, equal, drops_space);
      mask_bytes += at->second.size() * sizeof(uint64_t);
    }
    return at->second;
  }

 private:
  std::vector<uint64_t> walk(const TokenTree& tree, State from, bool drops_space) {
    std::vector<uint64_t> bits((static_cast<size_t>(tree.tokenizer().vocab_size()) + 63) / 64);
    const auto allow = [&](int32_t token) { bits[static_cast<size_t>(token) / 64] |= uint64_t{1} << (token % 64); };
    std::vector<State> after(tree.longest() + 1, from);  // after so many bytes of a token
    bool dropped = false;                                // the first of them, a space
    const std::span<const TokenTree::Node> nodes = tree.nodes();
    const std::span<const int32_t> tokens = tree.tokens();
    for (size_t i = 0; i < nodes.size();) {
      const TokenTree::Node& node = nodes[i];
      if (node.depth == 1) dropped = drops_space && node.byte == ' ';
      const bool adds_nothing = dropped && node.depth == 1;
      const State to = adds_nothing ? from : matcher.next(after[node.depth - 1u], node.byte);
      if (to == Matcher::kDead) {
        i = node.end;
        continue;
      }
      after[node.depth] = to;
      for (uint32_t t = 0; t < node.tokens && !adds_nothing; ++t) {
        const int32_t token = tokens[node.first_token + t];
        // User-defined tokens keep their space (Tokenizer::piece_after()).
        if (!dropped || tree.tokenizer().type(token) != TokenType::user_defined) allow(token);
      }
      ++i;
    }
    if (matcher.complete(from)) {
      for (const int32_t token : tree.end_tokens()) allow(token);
    }
    return bits;
  }
};

// One generation that is held to the form.
class CompiledForm::Held final : public Constraint {
 public:
  Held(std::shared_ptr<CompiledForm> form, int32_t previous) : form_(std::move(form)), previous_(previous) {
    const std::lock_guard lock(form_->mutex_);
    table_ = form_->latest_;
    state_ = table_->matcher.start();
  }

  void allow(std::span<uint8_t> allowed) override {
    const std::lock_guard lock(form_->mutex_);
    renew();
    const TokenTree& tree = *form_->vocabulary_;
    const std::vector<uint64_t>& bits = table_->mask(tree, state_, tree.drops_space_after(previous_));
    for (size_t i = 0; i < allowed.size(); ++i) allowed[i] = static_cast<uint8_t>(bits[i / 64] >> (i % 64) & 1);
  }

  void accept(int32_t token) override {
    [[maybe_unused]] const bool fits = push(form_->vocabulary_->tokenizer().piece_after(previous_, token));
    assert(fits);
    previous_ = token;
  }

  // False when nothing of the form goes on so.
  bool push(std::string_view bytes) {
    const std::lock_guard lock(form_->mutex_);
    for (const char c : bytes) {
      state_ = table_->matcher.next(state_, static_cast<uint8_t>(c));
      if (state_ == Matcher::kDead) return false;
    }
    return true;
  }

  bool complete() const override {
    const std::lock_guard lock(form_->mutex_);
    return table_->matcher.complete(state_);
  }

 private:
  // Goes over to the latest states when this constraint's have grown too many, making new ones if need be.
  void renew() {
    if (!table_->full()) return;
    if (form_->latest_->full()) form_->latest_ = std::make_shared<Table>(form_->automaton_);
    state_ = table_->matcher.move_to(state_, form_->latest_->matcher);
    table_ = form_->latest_;
  }

  const std::shared_ptr<CompiledForm> form_;
  std::shared_ptr<Table> table_;
  State state_;
  int32_t previous_;
};

// Free text, until it begins a call that the form describes; after its end free text again.
class CompiledForm::WithCalls final : public Constraint {
 public:
  WithCalls(std::shared_ptr<CompiledForm> form, int32_t previous) : form_(std::move(form)), previous_(previous) {}

  bool restricts() const override { return call_ || !form_->broken_marks_[matched_].empty(); }

  void allow(std::span<uint8_t> allowed) override {
    if (call_) return call_->allow(allowed);
    std::ranges::fill(allowed, uint8_t{1});
    for (const int32_t token : form_->broken_marks_[matched_]) allowed[static_cast<size_t>(token)] = 0;
  }

  void accept(int32_t token) override {
    if (call_) {
      call_->accept(token);
    } else if (std::string_view text = form_->vocabulary_->tokenizer().piece_after(previous_, token);
               take_mark(text, matched_)) {
      call_.emplace(form_, token);
      if (!call_->push(text)) call_.reset();  // not a token that was allowed
    }
    if (call_ && call_->complete()) call_.reset();
    previous_ = token;
  }

  bool complete() const override { return !call_; }

 private:
  const std::shared_ptr<CompiledForm> form_;
  std::optional<Held> call_;
  size_t matched_ = 0;  // bytes of the mark that free text ends with
  int32_t previous_;
};

CompiledForm::CompiledForm(std::shared_ptr<const TokenTree> vocabulary, const AnswerForm& form)
    : vocabulary_(std::move(vocabulary)),
      with_calls_(form.kind == AnswerForm::Kind::text_with_calls),
      automaton_(std::make_shared<const Automaton>(compile_form(form, vocabulary_->writable()))),
      latest_(std::make_shared<Table>(automaton_)) {
  if (with_calls_) find_broken_marks();
}

void CompiledForm::find_broken_marks() {
  Matcher& matcher = latest_->matcher;
  const Tokenizer& tokenizer = vocabulary_->tokenizer();
  for (const int32_t token : vocabulary_->tokens()) {
    const std::string_view piece = tokenizer.piece(token);
    if (piece.find(kCallBegin.back()) >= piece.size() - 1) continue;  // none, or nothing behind it
    for (size_t came = 0; came < kCallBegin.size(); ++came) {
      std::string_view text = piece;
      size_t matched = came;
      if (!take_mark(text, matched)) continue;
      State state = matcher.start();
      for (const char c : text) state = state == Matcher::kDead ? state : matcher.next(state, static_cast<uint8_t>(c));
      if (state == Matcher::kDead) broken_marks_[came].push_back(token);
    }
  }
}

std::unique_ptr<Constraint> CompiledForm::constraint(std::shared_ptr<CompiledForm> form, int32_t previous) {
  if (form->with_calls_) return std::make_unique<WithCalls>(std::move(form), previous);
  return std::make_unique<Held>(std::move(form), previous);
}

std::unique_ptr<Constraint> FormCache::constraint(const AnswerForm& form, int32_t previous) {
  const std::string key = static_cast<char>('0' + static_cast<int>(form.kind)) + form.definition;
  std::shared_ptr<const TokenTree> vocabulary;
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = forms_.find(key); known != forms_.end()) {
      known->second.last_use = ++uses_;
      return CompiledForm::constraint(known->second.form, previous);
    }
    if (!vocabulary_) vocabulary_ = std::make_shared<const TokenTree>(tokenizer_);
    vocabulary = vocabulary_;
  }
  auto compiled = std::make_shared<CompiledForm>(std::move(vocabulary), form);  // may take a while
  const std::lock_guard lock(mutex_);
  forms_.insert_or_assign(key, Entry{compiled, ++uses_});
  if (forms_.size() > kMostForms)
    forms_.erase(std::ranges::min_element(forms_, {}, [](const auto& entry) { return entry.second.last_use; }));
  return CompiledForm::constraint(std::move(compiled), previous);
}

}  // namespace bantam
