#include "text/pre_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"
#include "text/test_vocabularies.h"

namespace bantam {
namespace {

using testing::ElementsAre;

constexpr PreTokenizer kAll[] = {PreTokenizer::gpt2, PreTokenizer::llama3, PreTokenizer::qwen2, PreTokenizer::starcoder,
                                 PreTokenizer::deepseek_llm};

TEST(PreTokenizer, gpt2_keeps_one_space_with_a_word_and_joins_digits) {
  EXPECT_THAT(split_words(PreTokenizer::gpt2, "it's  42 we'LL \n x!?\n"),
              ElementsAre("it", "'s", " ", " 42", " we", "'", "LL", " \n", " x", "!?", "\n"));
}

TEST(PreTokenizer, llama3_takes_three_digits_and_newlines_after_punctuation) {
  EXPECT_THAT(split_words(PreTokenizer::llama3, "it'S 12345 (see)\n\n\n  we \n x  "),
              ElementsAre("it", "'S", " ", "123", "45", " (", "see", ")\n\n\n", " ", " we", " \n", " x", "  "));
}

TEST(PreTokenizer, qwen2_takes_single_digits) {
  EXPECT_THAT(split_words(PreTokenizer::qwen2, "a\t123 나는-\u00BD"),
              ElementsAre("a", "\t", "1", "2", "3", " 나는", "-", "\u00BD"));
}

TEST(PreTokenizer, starcoder_cuts_digits_out_before_words) {
  EXPECT_THAT(split_words(PreTokenizer::starcoder, "x 12  y"), ElementsAre("x", " ", "1", "2", " ", " y"));
}

TEST(PreTokenizer, deepseek_llm_cuts_in_stages) {
  EXPECT_THAT(split_words(PreTokenizer::deepseek_llm, "Hi there, \u4E2D\u6587 3.5\n  "),
              ElementsAre("Hi", " there", ",", " ", "\u4E2D\u6587", " ", "3", ".", "5", "\n", "  "));
}

TEST(PreTokenizer, a_broken_byte_is_a_symbol) {
  EXPECT_THAT(split_words(PreTokenizer::qwen2,
                          "a\xFF\xFE"
                          "b"),
              ElementsAre("a", "\xFF\xFE", "b"));
}

TEST(PreTokenizer, the_words_together_are_the_text) {
  Rng rng(2);
  for (int round = 0; round < 200; ++round) {
    const std::string text = testing_text::random_text(rng, rng.below(200));
    for (const PreTokenizer kind : kAll) {
      std::string together;
      for (const std::string_view word : split_words(kind, text)) {
        EXPECT_FALSE(word.empty());
        together += word;
      }
      EXPECT_EQ(together, text);
    }
  }
}

TEST(PreTokenizer, names_are_those_of_gguf) {
  EXPECT_EQ(find_pre_tokenizer("llama-bpe"), PreTokenizer::llama3);
  EXPECT_EQ(find_pre_tokenizer("default"), std::nullopt);
  EXPECT_THAT(pre_tokenizer_names(), testing::HasSubstr("deepseek-llm"));
}

}  // namespace
}  // namespace bantam
