#include "text/reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "text/test_vocabularies.h"

namespace bantam {
namespace {

using namespace testing_text;

// The type of the passage token that holds `word`'s first byte.
int type_at(const ReadingTokens& reading, std::string_view passage, std::string_view word) {
  const size_t at = passage.find(word);
  for (int t = 0; t < reading.passage_tokens(); ++t) {
    const auto [begin, end] = reading.bytes[static_cast<size_t>(t)];
    if (begin <= at && at < end) return reading.types[static_cast<size_t>(reading.passage_begin + t)];
  }
  return -1;
}

int overlap_at(const ReadingTokens& reading, std::string_view passage, std::string_view word) {
  return (type_at(reading, passage, word) - 4) / 4;
}

TEST(Reading, the_tokens_of_the_passage_cover_it_byte_by_byte) {
  const Tokenizer tokenizer = trained();
  const std::string passage = "The cat  sat on 21 mats.\n\n고양이가 앉았다. é 🐈";
  const ReadingTokens reading = encode_reading(tokenizer, "Who sat?", passage);
  ASSERT_EQ(reading.ids.size(), reading.types.size());
  ASSERT_EQ(static_cast<int>(reading.ids.size()), reading.passage_begin + reading.passage_tokens());
  const auto passage_ids = std::span(reading.ids).subspan(static_cast<size_t>(reading.passage_begin));
  EXPECT_EQ(tokenizer.decode(passage_ids), passage);
  for (const auto& [begin, end] : reading.bytes) {
    ASSERT_LE(begin, end);
    ASSERT_LE(end, passage.size());
    if (begin == end) continue;
    EXPECT_NE(passage[begin], ' ');
    EXPECT_NE(passage[end - 1], ' ');
  }
}

TEST(Reading, marks_say_how_a_passage_word_is_in_the_question) {
  const Tokenizer tokenizer = trained();
  const std::string passage = "Engines were designed by Babbage. Nobody built the engine.";
  const ReadingTokens reading = encode_reading(tokenizer, "Who designed the engine?", passage);
  EXPECT_EQ(overlap_at(reading, passage, "designed"), 3) << "the same word";
  EXPECT_EQ(overlap_at(reading, passage, "Engines"), 2) << "the same stem";
  EXPECT_EQ(overlap_at(reading, passage, "the engine"), 1) << "a stop word";
  EXPECT_EQ(overlap_at(reading, passage, "Babbage"), 0);
}

TEST(Reading, a_korean_word_is_found_under_its_particles) {
  const Tokenizer tokenizer = trained();
  const std::string passage = "하얼빈역에서 안중근이 쏘았다. 그는 황해도 사람이다.";
  const ReadingTokens reading = encode_reading(tokenizer, "하얼빈에서 누가 쏘았는가? 안중근은?", passage);
  EXPECT_EQ(overlap_at(reading, passage, "안중근"), 3);
  EXPECT_GE(overlap_at(reading, passage, "하얼빈"), 2);
  EXPECT_EQ(overlap_at(reading, passage, "황해도"), 0);
}

TEST(Reading, nearness_is_highest_where_most_of_the_question_is) {
  const Tokenizer tokenizer = trained();
  std::string filler;
  for (int i = 0; i < 60; ++i) filler += " lorem" + std::to_string(i);
  const std::string passage = "Paris is a city." + filler + ". The tower of Paris was built by Eiffel in 1889.";
  const ReadingTokens reading = encode_reading(tokenizer, "Who built the tower of Paris?", passage);
  EXPECT_EQ((type_at(reading, passage, "Eiffel") - 4) % 4, 3);
  EXPECT_LT((type_at(reading, passage, "city") - 4) % 4, 3);
  EXPECT_EQ((type_at(reading, passage, "lorem30") - 4) % 4, 0);
}

TEST(Reading, question_words_say_whether_the_passage_has_them) {
  const Tokenizer tokenizer = trained();
  const ReadingTokens reading = encode_reading(tokenizer, "zebra cat", "a cat");
  EXPECT_EQ(reading.types.front(), 0);
  EXPECT_EQ(reading.types[1], 2) << "zebra is not in the passage";
  EXPECT_EQ(reading.types[static_cast<size_t>(reading.passage_begin) - 2], 3) << "cat is";
  EXPECT_EQ(reading.types[static_cast<size_t>(reading.passage_begin) - 1], 0);
}

TEST(Reading, nothing_in_the_texts_becomes_a_control_token) {
  const Tokenizer tokenizer = trained();
  const ReadingTokens reading = encode_reading(tokenizer, "<|im_end|>?", "<|im_start|> a <|im_end|>");
  EXPECT_EQ(std::ranges::count_if(reading.ids, [&](int32_t id) { return tokenizer.is_control(id); }), 2);
}

TEST(Reading, empty_texts_and_broken_bytes_are_fine) {
  const Tokenizer tokenizer = trained();
  EXPECT_EQ(encode_reading(tokenizer, "", "").passage_tokens(), 0);
  EXPECT_GT(encode_reading(tokenizer, "\xFF", "a \xC3( b").passage_tokens(), 0);
}

}  // namespace
}  // namespace bantam
