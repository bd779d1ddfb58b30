#include "text/bpe_trainer.h"

#include <algorithm>
#include <limits>
#include <queue>
#include <set>
#include <utility>

#include "base/error.h"
#include "text/byte_alphabet.h"
#include "text/pre_tokenizer.h"
#include "text/unicode.h"

namespace bantam {
namespace {

constexpr size_t kLongestWordBytes = 256;
constexpr size_t kByteTokens = 256;

using Pair = std::pair<int32_t, int32_t>;

struct PairHash {
  size_t operator()(const Pair& pair) const {
    const uint64_t key = static_cast<uint64_t>(pair.first) << 32 | static_cast<uint32_t>(pair.second);
    return static_cast<size_t>((key ^ key >> 29) * 0x9E3779B97F4A7C15ull >> 8);
  }
};

struct Word {
  std::vector<int32_t> symbols;
  uint64_t count;
};

// Where a pair occurs: how often in all documents, and in which words (some may have lost it again).
struct Occurrences {
  uint64_t count = 0;
  std::vector<uint32_t> words;
};

// A pair as it was when it was queued. The greatest is the next to join.
struct Candidate {
  uint64_t count;
  Pair pair;

  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

// The words of a corpus while pairs are joined in them, with the counts of all pairs kept up to date.
class PairCounts {
 public:
  explicit PairCounts(const std::unordered_map<std::string, uint64_t>& word_counts) {
    for (const auto& [text, count] : word_counts) {
      if (text.size() < 2) continue;
      Word word{{}, count};
      for (const char byte : text) word.symbols.push_back(static_cast<uint8_t>(byte));
      const auto index = static_cast<uint32_t>(words_.size());
      for (size_t i = 0; i + 1 < word.symbols.size(); ++i) {
        increase({word.symbols[i], word.symbols[i + 1]}, count, index);
      }
      words_.push_back(std::move(word));
    }
    for (const auto& [pair, found] : pairs_) queue_.push({found.count, pair});
  }

  // The most frequent pair; {0, ...} when none is left.
  Candidate most_frequent() {
    while (!queue_.empty()) {
      const Candidate top = queue_.top();
      const auto found = pairs_.find(top.pair);
      const uint64_t count = found == pairs_.end() ? 0 : found->second.count;
      if (count == top.count) return top;
      queue_.pop();
      if (count > 0 && count < top.count) queue_.push({count, top.pair});
    }
    return {0, {}};
  }

  // Replaces the pair by `id` in all words.
  void join(Pair pair, int32_t id) {
    const std::vector<uint32_t> words = std::move(pairs_.at(pair).words);
    for (const uint32_t index : words) join_in_word(index, pair, id);
    pairs_.erase(pair);
    queue_increased();
  }

 private:
  void increase(Pair pair, uint64_t count, uint32_t word) {
    Occurrences& found = pairs_[pair];
    found.count += count;
    if (found.words.empty() || found.words.back() != word) found.words.push_back(word);
  }

  void decrease(Pair pair, uint64_t count) {
    const auto found = pairs_.find(pair);
    if (found != pairs_.end()) found->second.count -= count;
  }

  void join_in_word(uint32_t index, Pair pair, int32_t id) {
    Word& word = words_[index];
    std::vector<int32_t>& symbols = word.symbols;
    size_t out = 0;
    for (size_t i = 0; i < symbols.size(); ++out) {
      const bool here = i + 1 < symbols.size() && symbols[i] == pair.first && symbols[i + 1] == pair.second;
      if (!here) {
        symbols[out] = symbols[i++];
        continue;
      }
      if (out > 0) {
        decrease({symbols[out - 1], pair.first}, word.count);
        increase({symbols[out - 1], id}, word.count, index);
        increased_.push_back({symbols[out - 1], id});
      }
      if (i + 2 < symbols.size()) {
        decrease({pair.second, symbols[i + 2]}, word.count);
        increase({id, symbols[i + 2]}, word.count, index);
        increased_.push_back({id, symbols[i + 2]});
      }
      symbols[out] = id;
      i += 2;
    }
    symbols.resize(out);
  }

  void queue_increased() {
    std::ranges::sort(increased_);
    increased_.erase(std::unique(increased_.begin(), increased_.end()), increased_.end());
    for (const Pair& pair : increased_) {
      const auto found = pairs_.find(pair);
      if (found != pairs_.end() && found->second.count > 0) queue_.push({found->second.count, pair});
    }
    increased_.clear();
  }

  std::vector<Word> words_;
  std::unordered_map<Pair, Occurrences, PairHash> pairs_;
  std::priority_queue<Candidate> queue_;  // counts may be out of date, never too low
  std::vector<Pair> increased_;
};

}  // namespace

BpeTrainer::BpeTrainer(BpeTrainerOptions options) : options_(std::move(options)) {
  const auto& special = options_.special_tokens;
  const auto needed = static_cast<int64_t>(kByteTokens + special.size());
  if (options_.vocab_size < needed) {
    throw UsageError("a vocabulary of {} tokens has no room for 256 bytes and {} special tokens: ask for {} or more",
                     options_.vocab_size, special.size(), needed);
  }
  const std::set<std::string_view> distinct(special.begin(), special.end());
  if (special.empty() || distinct.size() != special.size() || distinct.contains("")) {
    throw UsageError("special tokens must be at least one, not empty and all different; {} given, {} different",
                     special.size(), distinct.size());
  }
}

void BpeTrainer::add(std::string_view document) {
  const std::string text = to_nfc(document);
  for (const std::string_view word : split_words(PreTokenizer::qwen2, text)) {
    if (word.size() <= kLongestWordBytes) ++word_counts_[std::string(word)];
  }
}

Tokenizer BpeTrainer::train() const {
  std::vector<std::string> tokens, merges;
  std::unordered_map<std::string, int32_t> ids;
  const auto id_of = [&](const std::string& text) {
    const auto [found, is_new] = ids.try_emplace(text, static_cast<int32_t>(tokens.size()));
    if (is_new) tokens.push_back(text);
    return found->second;
  };
  for (size_t b = 0; b < kByteTokens; ++b) id_of(to_byte_alphabet(std::string(1, static_cast<char>(b))));

  PairCounts pairs(word_counts_);
  const size_t learned = static_cast<size_t>(options_.vocab_size) - options_.special_tokens.size();
  while (tokens.size() < learned) {
    const auto [count, pair] = pairs.most_frequent();
    if (count < std::max<uint64_t>(options_.min_pair_count, 1)) break;
    const std::string left = tokens[static_cast<size_t>(pair.first)], right = tokens[static_cast<size_t>(pair.second)];
    merges.push_back(left + " " + right);
    pairs.join(pair, id_of(left + right));
  }

  std::vector<int64_t> types(tokens.size(), static_cast<int64_t>(TokenType::normal));
  const auto end_of_text = static_cast<int64_t>(tokens.size());
  Metadata metadata("trained vocabulary");
  for (const std::string& special : options_.special_tokens) {
    if (special == "<|im_end|>") metadata.set("tokenizer.ggml.eot_token_id", static_cast<int64_t>(tokens.size()));
    tokens.push_back(special);
    types.push_back(static_cast<int64_t>(TokenType::control));
  }
  metadata.set("tokenizer.ggml.model", std::string("gpt2"));
  metadata.set("tokenizer.ggml.pre", std::string("qwen2"));
  metadata.set("tokenizer.ggml.tokens", std::move(tokens));
  metadata.set("tokenizer.ggml.token_type", std::move(types));
  metadata.set("tokenizer.ggml.merges", std::move(merges));
  for (const std::string_view name : {"bos", "eos", "padding"}) {
    metadata.set(fmt::format("tokenizer.ggml.{}_token_id", name), end_of_text);
  }
  metadata.set("tokenizer.ggml.add_bos_token", false);
  metadata.set("bantam.tokenizer.normalize", std::string("nfc"));
  return Tokenizer::from_metadata(metadata);
}

}  // namespace bantam
