#include "formats/sentencepiece_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <filesystem>

#include "base/error.h"

namespace bantam {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>(value | 0x80));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

std::string number(uint64_t field, uint64_t value) { return varint(field << 3) + varint(value); }
std::string text(uint64_t field, const std::string& bytes) {
  return varint(field << 3 | 2) + varint(bytes.size()) + bytes;
}

std::string piece(const std::string& content, float score, uint64_t type) {
  const auto bits = std::bit_cast<uint32_t>(score);
  std::string fixed(1, static_cast<char>(2 << 3 | 5));
  for (int shift = 0; shift < 32; shift += 8) fixed.push_back(static_cast<char>(bits >> shift));
  return text(1, text(1, content) + fixed + number(3, type));
}

std::string model(uint64_t kind, const std::string& trainer = "", const std::string& normalizer = "") {
  return piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) + piece("\u2581a", -1.5f, 1) +
         text(2, number(3, kind) + trainer) + text(3, normalizer) + text(4, "self test");
}

Metadata read(const std::string& bytes) {
  Metadata metadata("test");
  read_sentencepiece_model(bytes, "tokenizer.model", metadata);
  return metadata;
}

TEST(SentencePieceModel, pieces_scores_and_types_become_ggml_keys) {
  const Metadata bpe = read(model(2));
  EXPECT_EQ(bpe.string("tokenizer.ggml.model"), "llama");
  EXPECT_THAT(bpe.strings("tokenizer.ggml.tokens"), ElementsAre("<unk>", "<s>", "</s>", "\u2581a"));
  EXPECT_THAT(bpe.numbers_or_empty("tokenizer.ggml.scores"), ElementsAre(0, 0, 0, -1.5));
  EXPECT_THAT(bpe.integers_or_empty("tokenizer.ggml.token_type"), ElementsAre(2, 3, 3, 1));
  EXPECT_EQ(bpe.integer("tokenizer.ggml.eos_token_id", 0, 9), 2);
  EXPECT_FALSE(bpe.has("tokenizer.ggml.padding_token_id"));
  EXPECT_TRUE(bpe.flag_or("tokenizer.ggml.add_space_prefix", false));
  EXPECT_EQ(read(model(1)).string("tokenizer.ggml.model"), "t5");
}

TEST(SentencePieceModel, trainer_and_normalizer_say_the_rest) {
  const auto none = static_cast<uint64_t>(int64_t{-1});
  const Metadata metadata =
      read(model(1, number(41, none) + number(42, 1) + number(43, 0), text(2, "\xFF\1") + number(3, 0) + number(4, 0)));
  EXPECT_FALSE(metadata.has("tokenizer.ggml.bos_token_id"));
  EXPECT_EQ(metadata.integer("tokenizer.ggml.eos_token_id", 0, 9), 1);
  EXPECT_EQ(metadata.integer("tokenizer.ggml.padding_token_id", 0, 9), 0);
  EXPECT_THAT(metadata.integers_or_empty("tokenizer.ggml.precompiled_charsmap"), ElementsAre(255, 1));
  EXPECT_FALSE(metadata.flag_or("tokenizer.ggml.add_space_prefix", true));
  EXPECT_FALSE(metadata.flag_or("tokenizer.ggml.remove_extra_whitespaces", true));
}

TEST(SentencePieceModel, what_this_build_does_not_know_is_refused_by_name) {
  const auto expect_refused = [](const std::string& bytes, const char* field) {
    EXPECT_THAT([&] { read(bytes); }, testing::ThrowsMessage<UnsupportedError>(HasSubstr(field)));
  };
  expect_refused(model(3), "'model_type' is 3");
  expect_refused(model(1, number(24, 1)), "treat_whitespace_as_suffix");
  expect_refused(model(1, "", number(5, 0)), "escape_whitespaces");
}

TEST(SentencePieceModel, a_published_model_is_read) {
  const std::filesystem::path path = std::filesystem::path(BANTAM_SHARED_DIR) / "tokenizers/mistral/tokenizer.model.v1";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "skipped: no shared data";
  Metadata metadata("mistral");
  read_sentencepiece_model(path, metadata);
  const auto& tokens = metadata.strings("tokenizer.ggml.tokens");
  ASSERT_EQ(tokens.size(), 32000u);
  EXPECT_EQ(tokens[3], "<0x00>");
  EXPECT_EQ(metadata.integers_or_empty("tokenizer.ggml.token_type")[3], 6);
  EXPECT_EQ(metadata.string("tokenizer.ggml.model"), "llama");
  const auto llama3 = std::filesystem::path(BANTAM_SHARED_DIR) / "tokenizers/llama3/tokenizer.model";
  EXPECT_THROW(read_sentencepiece_model(llama3, metadata), FormatError) << "a list of another program";
}

}  // namespace
}  // namespace bantam
