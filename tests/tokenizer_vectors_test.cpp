// Real vocabularies against ids written by the tokenizers they were made for.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <sstream>

#include "base/file.h"
#include "formats/gguf.h"
#include "formats/hf_tokenizer.h"
#include "formats/sentencepiece_model.h"
#include "text/corpus.h"
#include "text/tokenizer.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

class TokenizerVectors : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    path_ = fs::path(BANTAM_SHARED_DIR) / "tokenizers" / (std::string("ggml-vocab-") + GetParam() + ".gguf");
    if (!fs::exists(path_)) GTEST_SKIP() << "skipped: " << path_ << " is not there";
  }

  Tokenizer load() const { return Tokenizer::from_metadata(read_gguf(path_).metadata); }
  std::string side_file(const char* ending) const { return read_file(path_.string() + ending); }

  fs::path path_;
};

std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  for (size_t end; (end = text.find(separator)) != std::string_view::npos; text.remove_prefix(end + separator.size())) {
    parts.emplace_back(text.substr(0, end));
  }
  parts.emplace_back(text);
  return parts;
}

std::vector<int32_t> parse_ids(const std::string& line) {
  std::istringstream in(line);
  std::vector<int32_t> ids;
  for (int32_t id; in >> id;) ids.push_back(id);
  return ids;
}

TEST_P(TokenizerVectors, every_text_has_the_expected_ids_and_comes_back) {
  const Tokenizer tokenizer = load();
  const auto inputs = split(side_file(".inp"), "\n__ggml_vocab_test__\n");
  const auto outputs = split(side_file(".out"), "\n");
  ASSERT_GT(inputs.size(), 40u);
  ASSERT_GE(outputs.size(), inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ(tokenizer.encode(inputs[i]), parse_ids(outputs[i])) << "input " << i << ": " << inputs[i];
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(inputs[i])), inputs[i]);
  }
}

TEST_P(TokenizerVectors, saving_and_loading_gives_the_same_tokenizer) {
  const Tokenizer tokenizer = load();
  Metadata saved;
  tokenizer.to_metadata(saved);
  const Tokenizer again = Tokenizer::from_metadata(saved);
  EXPECT_EQ(again.vocab_size(), tokenizer.vocab_size());
  EXPECT_EQ(again.bos(), tokenizer.bos());
  EXPECT_EQ(again.wants_bos(), tokenizer.wants_bos());
  const std::string text = side_file(".inp");
  EXPECT_EQ(again.encode(text), tokenizer.encode(text));
}

TEST_P(TokenizerVectors, control_tokens_in_a_text_are_text_unless_asked_for) {
  const Tokenizer tokenizer = load();
  int controls = 0;
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (!tokenizer.is_control(id)) continue;
    ++controls;
    const std::string text = "a" + std::string(tokenizer.piece(id)) + " b";
    const auto as_text = tokenizer.encode(text), as_control = tokenizer.encode(text, {.parse_special = true});
    EXPECT_TRUE(std::ranges::none_of(as_text, [&](int32_t i) { return tokenizer.is_control(i); })) << text;
    EXPECT_EQ(tokenizer.decode(as_text), text);
    EXPECT_EQ(std::ranges::count(as_control, id), 1) << text;
  }
  EXPECT_GT(controls, 0);
}

std::string mebibyte_of(std::string_view unit) {
  std::string text;
  while (text.size() < size_t{1} << 20) text += unit;
  return text;
}

TEST_P(TokenizerVectors, a_mebibyte_of_any_one_character_takes_less_than_a_second) {
  const Tokenizer tokenizer = load();
  for (const std::string_view unit : {"a", "A", " ", "7", "!", "\n", "\t", "'s", "\u4E2D", "\uAC00", "\U0001F600",
                                      "\u0301", "\xFF", "\xC3", " \n", "a\u0301", "<|im_start|>", "\u2581"}) {
    const std::string text = mebibyte_of(unit);
    const std::clock_t begin = std::clock();  // CPU time: other work on the machine does not count
    EXPECT_FALSE(tokenizer.encode(text).empty());
    EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 1.0) << testing::PrintToString(unit);
  }
}

TEST_P(TokenizerVectors, wikipedia_articles_come_back) {
  const Tokenizer tokenizer = load();
  const fs::path folder = fs::path(BANTAM_SHARED_DIR) / "text";
  if (!fs::exists(folder)) GTEST_SKIP() << "skipped: " << folder << " is not there";
  for (const char* name : {"en-wiki-dev.jsonl.zst", "ko-wiki-dev.jsonl.zst"}) {
    CorpusReader articles(folder / name);
    size_t bytes = 0;
    while (const auto article = articles.next()) {
      ASSERT_EQ(tokenizer.decode(tokenizer.encode(*article)), *article) << name << ", line " << articles.line();
      bytes += article->size();
    }
    EXPECT_GT(bytes, 900'000u) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Real, TokenizerVectors,
                         testing::Values("llama-spm", "phi-3", "llama-bpe", "qwen2", "gpt-2", "starcoder",
                                         "deepseek-llm"));

// Phi-3's files for Hugging Face programs must cut text as the same vocabulary in GGUF does.
TEST(TokenizerFiles, a_sentencepiece_tokenizer_json_gives_the_ids_of_its_gguf) {
  const fs::path folder = fs::path(BANTAM_SHARED_DIR) / "tokenizers";
  if (!fs::exists(folder / "phi3"))
    GTEST_SKIP() << "skipped: " << folder / "phi3"
                 << " is not there";
  Metadata metadata("phi3");
  read_hf_tokenizer(folder / "phi3", metadata);
  const Tokenizer tokenizer = Tokenizer::from_metadata(metadata);
  const auto inputs = split(read_file(folder / "ggml-vocab-phi-3.gguf.inp"), "\n__ggml_vocab_test__\n");
  const auto outputs = split(read_file(folder / "ggml-vocab-phi-3.gguf.out"), "\n");
  for (size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ(tokenizer.encode(inputs[i]), parse_ids(outputs[i])) << "input " << i << ": " << inputs[i];
  }
  const auto chat = tokenizer.encode("<|placeholder1|> \n a<|end|>\n", {.parse_special = true});
  EXPECT_EQ(chat, tokenizer.encode("<|placeholder1|>a<|end|>\n", {.parse_special = true}))
      << "it takes spaces after it";
}

TEST(TokenizerFiles, a_sentencepiece_model_file_is_a_tokenizer) {
  const fs::path path = fs::path(BANTAM_SHARED_DIR) / "tokenizers/mistral/tokenizer.model.v1";
  if (!fs::exists(path)) GTEST_SKIP() << "skipped: " << path << " is not there";
  Metadata metadata("mistral");
  read_sentencepiece_model(path, metadata);
  const Tokenizer tokenizer = Tokenizer::from_metadata(metadata);
  const std::string text = "Hello world, naïve 학교 \xF0\x9F\x98\x80\n  3.14";
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  EXPECT_EQ(tokenizer.encode("Hello world", {.add_bos = true}), (std::vector<int32_t>{1, 22557, 1526}));
}

}  // namespace
}  // namespace bantam
