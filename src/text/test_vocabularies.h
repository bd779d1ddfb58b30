// Small vocabularies for the tests of this folder.
#pragma once

#include <cstdint>
#include <cstdio>
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
