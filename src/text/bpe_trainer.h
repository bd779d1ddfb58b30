// Learns a byte-level BPE vocabulary from documents. Used by `bantam train-tokenizer` and by tests that need a small
// one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/tokenizer.h"

namespace bantam {

struct BpeTrainerOptions {
  // With the 256 bytes and the special tokens; fewer come out when no pair is left that occurs `min_pair_count` times.
  int32_t vocab_size = 8192;
  uint64_t min_pair_count = 2;
  // Control tokens, last in the vocabulary. The first ends a document: it becomes bos, eos and padding.
  // "<|im_end|>", if among them, ends a turn.
  std::vector<std::string> special_tokens = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
};

// Documents are brought to NFC and cut into words by the qwen2 rule; pairs are then joined by how often they occur,
// ties by the lower ids, so that the same documents in any order give the same vocabulary (Sennrich et al., arXiv
// 1508.07909, on bytes as in GPT-2).
class BpeTrainer {
 public:
  // Throws UsageError when the vocabulary has no room for bytes and special tokens, or these are empty or repeated.
  explicit BpeTrainer(BpeTrainerOptions options = {});

  // Counts the words of a document; words of more than 256 bytes are left out.
  void add(std::string_view document);
  // A vocabulary of model gpt2, pre qwen2, that normalises to NFC when it encodes. Ids 0 to 255 are the bytes.
  Tokenizer train() const;

 private:
  BpeTrainerOptions options_;
  std::unordered_map<std::string, uint64_t> word_counts_;
};

}  // namespace bantam
