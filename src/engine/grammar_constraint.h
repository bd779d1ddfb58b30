// Holds a generation to a grammar: which tokens of a vocabulary may come next, for each state of its automaton once.
// Free text with calls of tools is held to it between the marks of a call only.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "engine/constraint.h"
#include "text/call_marks.h"
#include "text/grammar/answer_form.h"
#include "text/grammar/matcher.h"

namespace bantam {

// The tokens of a vocabulary as a tree of their bytes. Immutable; must not outlive the tokenizer.
class TokenTree {
 public:
  explicit TokenTree(const Tokenizer& tokenizer);

  // In depth-first order: the children of a node follow it, `end` is behind the last of them.
  struct Node {
    uint32_t end;
    uint32_t first_token, tokens;  // of tokens(): those that end here
    uint16_t depth;                // bytes from the root, which is no node
    uint8_t byte;
  };
  std::span<const Node> nodes() const { return nodes_; }
  std::span<const int32_t> tokens() const { return tokens_; }
  std::span<const int32_t> end_tokens() const { return end_tokens_; }
  size_t longest() const { return longest_; }
  const Tokenizer& tokenizer() const { return tokenizer_; }
  // The characters that can be written one by one, from whole characters. Where some bytes have no token of their own,
  // tokens that end inside a character are left out: they might begin one that cannot be finished.
  const CharSet& writable() const { return writable_; }
  // The text of the next token loses its first space when this one came before; -1: no token did.
  bool drops_space_after(int32_t token) const;

 private:
  const Tokenizer& tokenizer_;
  std::vector<Node> nodes_;
  std::vector<int32_t> tokens_, end_tokens_;
  size_t longest_ = 0;
  CharSet writable_;
  int32_t spaced_token_ = -1;  // one that begins with a space
};

// A form compiled for a vocabulary, with what was worked out for it so far. Any thread may use it.
class CompiledForm {
 public:
  // Throws as compile_form().
  CompiledForm(std::shared_ptr<const TokenTree> vocabulary, const AnswerForm& form);

  // A constraint on what comes after `previous`, the last token of the prompt.
  static std::unique_ptr<Constraint> constraint(std::shared_ptr<CompiledForm> form, int32_t previous);

 private:
  class Held;
  class WithCalls;
  struct Table;  // states and masks that belong together; replaced by a fresh one when it has grown too large

  void find_broken_marks();

  const std::shared_ptr<const TokenTree> vocabulary_;
  const bool with_calls_;
  // Of free text with calls: the tokens that, when so many bytes of the mark came, end it and go on as no call does.
  std::array<std::vector<int32_t>, kCallBegin.size()> broken_marks_;
  const std::shared_ptr<const Automaton> automaton_;
  std::mutex mutex_;
  std::shared_ptr<Table> latest_;
};

// The forms that were asked of a model lately, compiled. Any thread may use it; must not outlive the tokenizer.
class FormCache {
 public:
  explicit FormCache(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}
  // Throws as compile_form().
  std::unique_ptr<Constraint> constraint(const AnswerForm& form, int32_t previous);

 private:
  static constexpr size_t kMostForms = 16;
  struct Entry {
    std::shared_ptr<CompiledForm> form;
    uint64_t last_use;
  };

  const Tokenizer& tokenizer_;
  std::mutex mutex_;
  std::shared_ptr<const TokenTree> vocabulary_;  // made for the first form
  std::map<std::string, Entry> forms_;           // by kind and definition
  uint64_t uses_ = 0;
};

}  // namespace bantam
