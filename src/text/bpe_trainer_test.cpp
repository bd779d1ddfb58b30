#include "text/bpe_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "text/test_vocabularies.h"

namespace bantam {
namespace {

using namespace testing_text;

Metadata saved(const Tokenizer& tokenizer) {
  Metadata metadata;
  tokenizer.to_metadata(metadata);
  return metadata;
}

TEST(BpeTrainer, the_most_frequent_pair_is_joined_first_and_ties_go_to_the_lower_ids) {
  BpeTrainer trainer({.vocab_size = 256 + 3 + 3});
  trainer.add("zz-xy-xy-ab-ab-cd-cd-cd");
  EXPECT_THAT(saved(trainer.train()).strings("tokenizer.ggml.merges"), testing::ElementsAre("- c", "-c d", "- a"));
}

// Joins pairs the slow way: counts everything again before each step.
std::vector<std::string> slow_merges(std::vector<std::vector<std::string>> words, size_t count) {
  std::vector<std::string> order;
  for (int byte = 0; byte < 256; ++byte) order.emplace_back(1, static_cast<char>(byte));
  std::vector<std::string> merges;
  while (merges.size() < count) {
    std::map<std::pair<size_t, size_t>, size_t> counts;
    const auto id = [&](const std::string& text) {
      return static_cast<size_t>(std::ranges::find(order, text) - order.begin());
    };
    for (const auto& word : words) {
      for (size_t i = 0; i + 1 < word.size(); ++i) ++counts[{id(word[i]), id(word[i + 1])}];
    }
    const auto best = std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; });
    const std::string left = order[best->first.first], right = order[best->first.second];
    merges.push_back(left + " " + right);
    if (id(left + right) == order.size()) order.push_back(left + right);
    for (auto& word : words) {
      for (size_t i = 0; i + 1 < word.size(); ++i) {
        if (word[i] != left || word[i + 1] != right) continue;
        word[i] += right;
        word.erase(word.begin() + static_cast<ptrdiff_t>(i) + 1);
      }
    }
  }
  return merges;
}

TEST(BpeTrainer, keeping_counts_up_to_date_gives_what_counting_again_gives) {
  Rng rng(6);
  for (int round = 0; round < 20; ++round) {
    std::string text;
    std::vector<std::vector<std::string>> words;
    for (int i = 0; i < 60; ++i) {
      words.emplace_back();
      for (size_t n = 2 + rng.below(12); n > 0; --n)
        words.back().emplace_back(1, static_cast<char>('a' + rng.below(3)));
      for (const std::string& letter : words.back()) text += letter;
      text += '\n';  // a word of its own
    }
    BpeTrainer trainer({.vocab_size = 256 + 3 + 25});
    trainer.add(text);
    const auto merges = saved(trainer.train()).strings("tokenizer.ggml.merges");
    ASSERT_GE(merges.size(), 25u);
    EXPECT_EQ(merges, slow_merges(words, merges.size()));
  }
}

TEST(BpeTrainer, the_order_of_documents_does_not_matter) {
  BpeTrainer one({.vocab_size = 330}), other({.vocab_size = 330});
  one.add(kEnglish);
  one.add(kKorean);
  other.add(kKorean);
  other.add(kEnglish);
  EXPECT_EQ(saved(one.train()).strings("tokenizer.ggml.tokens"), saved(other.train()).strings("tokenizer.ggml.tokens"));
}

TEST(BpeTrainer, english_and_korean_both_get_shorter) {
  const Tokenizer tokenizer = trained({.vocab_size = 350});
  for (const std::string text : {kEnglish, kKorean}) {
    const double bytes_per_token =
        static_cast<double>(text.size()) / static_cast<double>(tokenizer.encode(text).size());
    EXPECT_GT(bytes_per_token, 1.8) << text;
  }
}

TEST(BpeTrainer, decomposed_documents_teach_composed_characters) {
  BpeTrainer trainer({.vocab_size = 256 + 3 + 2});
  for (int i = 0; i < 4; ++i) trainer.add("\u1112\u1161\u11AB");
  EXPECT_TRUE(trainer.train().encode("한").size() == 1);
}

TEST(BpeTrainer, special_tokens_come_last_and_have_their_roles) {
  const Tokenizer tokenizer =
      trained({.vocab_size = 300, .special_tokens = {"<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|reserved_0|>"}});
  ASSERT_EQ(tokenizer.vocab_size(), 300);
  EXPECT_EQ(tokenizer.find("<|reserved_0|>"), 299);
  EXPECT_EQ(tokenizer.eos(), 296);
  EXPECT_EQ(tokenizer.bos(), 296);
  EXPECT_EQ(tokenizer.padding(), 296);
  for (int32_t id = 296; id < 300; ++id) EXPECT_TRUE(tokenizer.is_control(id));
  EXPECT_TRUE(tokenizer.is_end_of_generation(296));
  EXPECT_FALSE(tokenizer.is_end_of_generation(297));
  EXPECT_TRUE(tokenizer.is_end_of_generation(298));
  EXPECT_FALSE(tokenizer.wants_bos());
}

TEST(BpeTrainer, learning_stops_when_no_pair_occurs_twice) {
  BpeTrainer trainer({.vocab_size = 4096});
  trainer.add("abab xyz");
  EXPECT_EQ(trainer.train().vocab_size(), 256 + 1 + 3);
}

TEST(BpeTrainer, options_without_room_or_sense_are_refused) {
  EXPECT_THROW(BpeTrainer({.vocab_size = 258}), UsageError);
  EXPECT_THROW(BpeTrainer({.special_tokens = {}}), UsageError);
  EXPECT_THROW(BpeTrainer({.special_tokens = {"<x>", "<x>"}}), UsageError);
  EXPECT_THROW(BpeTrainer({.special_tokens = {""}}), UsageError);
}

}  // namespace
}  // namespace bantam
