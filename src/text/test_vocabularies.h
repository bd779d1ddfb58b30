// Small vocabularies for the tests of this folder.
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "base/metadata.h"
#include "base/rng.h"
#include "text/bpe_trainer.h"
#include "text/tokenizer.h"

namespace bantam::testing_text {

inline const char* const kEnglish =
    "The quick brown fox jumps over the lazy dog. A model learns which letters stand together, and the more often two "
    "of "
    "them stand together the sooner they are joined. The cat sat on the mat; the dog, in 1984, didn't.\n\n"
    "It is the same with words: those that are often seen become one token, those that are seldom seen stay in "
    "parts.\n";
inline const char* const kKorean =
    "나는 오늘 학교에 갔다. 학교에는 친구가 많이 있었다. 친구는 오늘 학교에서 책을 읽었다. 책은 재미있었다.\n"
    "오늘은 날씨가 좋았다. 그래서 친구와 함께 공원에 갔다. 공원에는 사람이 많이 있었다.\n";

// Learned from the two texts above.
inline Tokenizer trained(BpeTrainerOptions options = {.vocab_size = 340}) {
  BpeTrainer trainer(std::move(options));
  trainer.add(kEnglish);
  trainer.add(kKorean);
  return trainer.train();
}

// A SentencePiece vocabulary: <unk> <s> </s>, 256 bytes, then `pieces` with falling scores, then `user_defined` ones.
inline Metadata sentencepiece(const std::vector<std::string>& pieces,
                              const std::vector<std::string>& user_defined = {}) {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<int64_t> types = {2, 3, 3};
  std::vector<double> scores = {0, 0, 0};
  const auto add = [&](std::string text, int64_t type, double score) {
    tokens.push_back(std::move(text));
    types.push_back(type);
    scores.push_back(score);
  };
  for (int byte = 0; byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte), 6, 0);
  double score = 0;
  for (const std::string& piece : pieces) add(piece, 1, --score);
  for (const std::string& text : user_defined) add(text, 4, 0);
  Metadata metadata("test vocabulary");
  metadata.set("tokenizer.ggml.model", std::string("llama"));
  metadata.set("tokenizer.ggml.tokens", std::move(tokens));
  metadata.set("tokenizer.ggml.token_type", std::move(types));
  metadata.set("tokenizer.ggml.scores", std::move(scores));
  metadata.set("tokenizer.ggml.unknown_token_id", int64_t{0});
  metadata.set("tokenizer.ggml.bos_token_id", int64_t{1});
  metadata.set("tokenizer.ggml.eos_token_id", int64_t{2});
  return metadata;
}

// The same as a unigram vocabulary; scores are those of the pieces, the best first, 0 -1 -2 ...
inline Metadata unigram(const std::vector<std::string>& pieces, const std::vector<std::string>& user_defined = {}) {
  Metadata metadata = sentencepiece(pieces, user_defined);
  metadata.set("tokenizer.ggml.model", std::string("t5"));
  metadata.set("tokenizer.ggml.add_space_prefix", true);
  return metadata;
}

// What CharsMap reads. Node k of the trie has its children at unit 256 * (k + 1) + byte, its value at byte 0.
inline std::string chars_map_bytes(const std::map<std::string, std::string>& table) {
  std::vector<uint32_t> units = {256 << 10};
  std::string texts;
  std::map<std::string, uint32_t> nodes = {{"", 256}};  // prefix -> where its children are
  units.resize(512);
  for (const auto& [from, to] : table) {
    for (size_t length = 1; length <= from.size(); ++length) {
      const uint32_t unit = nodes[from.substr(0, length - 1)] + static_cast<uint8_t>(from[length - 1]);
      const auto [node, is_new] = nodes.try_emplace(from.substr(0, length), static_cast<uint32_t>(units.size()));
      if (is_new) {
        units.resize(units.size() + 256);
        units[unit] = (unit ^ node->second) << 10 | static_cast<uint8_t>(from[length - 1]);
      }
      if (length < from.size()) continue;
      units[unit] |= 1u << 8;
      units[node->second] = 1u << 31 | static_cast<uint32_t>(texts.size());
      texts += to + '\0';
    }
  }
  const auto size = static_cast<uint32_t>(4 * units.size());
  std::string bytes(reinterpret_cast<const char*>(&size), 4);
  bytes.append(reinterpret_cast<const char*>(units.data()), size);
  return bytes + texts;
}

inline std::string random_bytes(Rng& rng, size_t count) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i) bytes.push_back(static_cast<char>(rng.below(256)));
  return bytes;
}

// Mostly words of the texts above, some of them broken.
inline std::string random_text(Rng& rng, size_t count) {
  const std::string source = std::string(kEnglish) + kKorean;
  std::string text;
  while (text.size() < count) {
    text += source.substr(rng.below(source.size()), rng.below(12));
    if (rng.below(8) == 0) text += random_bytes(rng, 1 + rng.below(3));
    if (rng.below(8) == 0) text += std::string(1 + rng.below(4), " \n\t'"[rng.below(4)]);
  }
  return text;
}

}  // namespace bantam::testing_text
