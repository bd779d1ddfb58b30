#include "retrieval/sentences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/rng.h"

namespace bantam {
namespace {

using testing::ElementsAre;

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  for (const TextRange& s : sentences(text)) out.emplace_back(text.substr(s.begin, s.size()));
  return out;
}

TEST(Sentences, end_at_stops_before_a_capital) {
  EXPECT_THAT(split("It rains. We stay! Do we? Yes... Perhaps."),
              ElementsAre("It rains.", "We stay!", "Do we?", "Yes...", "Perhaps."));
  EXPECT_THAT(split("Yahoo! was bought. It fell to approx. five."),
              ElementsAre("Yahoo! was bought.", "It fell to approx. five."));
}

TEST(Sentences, go_on_after_titles_initials_numbers_and_abbreviations) {
  EXPECT_THAT(split("Dr. Smith met J. K. Rowling vs. Mr. Bean. They won."),
              ElementsAre("Dr. Smith met J. K. Rowling vs. Mr. Bean.", "They won."));
  EXPECT_THAT(split("The U.S. Army paid 3.5 million. See No. 5 and Fig. 2."),
              ElementsAre("The U.S. Army paid 3.5 million.", "See No. 5 and Fig. 2."));
  EXPECT_THAT(split("He lived in the U.S. The army left. Apple Inc. Chairman Jobs spoke."),
              ElementsAre("He lived in the U.S.", "The army left.", "Apple Inc. Chairman Jobs spoke."));
  EXPECT_THAT(split("It is big, e.g. Texas. I take vitamin C. It helps."),
              ElementsAre("It is big, e.g. Texas.", "I take vitamin C.", "It helps."));
  EXPECT_THAT(split("It was in 1995. Then came 1996."), ElementsAre("It was in 1995.", "Then came 1996."));
}

TEST(Sentences, keep_the_quotes_and_brackets_that_close_on_the_stop) {
  EXPECT_THAT(split("He said \"Go.\" Then he left. (It rained.) “Why?” She slept.[12] So did I."),
              ElementsAre("He said \"Go.\"", "Then he left.", "(It rained.)", "“Why?”", "She slept.[12]", "So did I."));
  EXPECT_THAT(split("\"Really?\" he asked. \"Yes.\" \"No.\""),
              ElementsAre("\"Really?\" he asked.", "\"Yes.\"", "\"No.\""));
}

TEST(Sentences, korean_and_chinese_need_no_space_after_the_stop) {
  EXPECT_THAT(split("서울은 수도이다. 부산은 항구예요.인천도 그렇다."),
              ElementsAre("서울은 수도이다.", "부산은 항구예요.", "인천도 그렇다."));
  EXPECT_THAT(split("그는 \"가자.\"라고 말했다. 1995. 3. 2. 태어났다."),
              ElementsAre("그는 \"가자.\"라고 말했다.", "1995. 3. 2. 태어났다."));
  EXPECT_THAT(split("北京是首都。上海是城市！「是吗？」他说。"),
              ElementsAre("北京是首都。", "上海是城市！", "「是吗？」他说。"));
}

TEST(Sentences, a_line_broken_for_its_width_goes_on) {
  EXPECT_THAT(split("The committee that met in the spring of that year\nhad agreed on nothing at all. It met again in\n"
                    "autumn."),
              ElementsAre("The committee that met in the spring of that year\nhad agreed on nothing at all.",
                          "It met again in\nautumn."));
}

TEST(Sentences, list_items_headings_and_table_rows_stand_alone) {
  EXPECT_THAT(
      split("# Fruit\n\n- apples of the kind that grows in every garden here\n- pears\n\n1. First of all\n2. Second\n"
            "name\tprice\npear\t3"),
      ElementsAre("# Fruit", "- apples of the kind that grows in every garden here", "- pears", "1. First of all",
                  "2. Second", "name\tprice", "pear\t3"));
}

TEST(Sentences, a_very_long_one_is_cut_at_a_comma_or_a_word_or_between_characters) {
  std::string text;
  while (text.size() < 3000) text += "word after word, ";
  for (const auto& s : split(text)) {
    EXPECT_LE(s.size(), kMostSentenceBytes);
    EXPECT_EQ(s.back(), ',');
  }
  std::string han;
  while (han.size() < 3000) han += "字";
  size_t total = 0;
  for (const auto& s : split(han)) {
    EXPECT_LE(s.size(), kMostSentenceBytes);
    EXPECT_EQ(s.size() % 3, 0u);
    total += s.size();
  }
  EXPECT_EQ(total, han.size());
}

TEST(Sentences, lose_nothing_but_white_space_whatever_the_text) {
  const std::vector<std::string> pieces = {"Word", " ",   "\n", "\n\n", ".",   "!",   "?",  "\"",   ")",
                                           "U.S.", "Dr.", "1",  "。",   "」",  "다.", "가", "\xff", "\xe3\x80",
                                           "…",    "a",   "- ", "3.5",  "[1]", "\t",  "'"};
  Rng rng(3);
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (uint64_t n = rng.below(20); n > 0; --n) text += pieces[rng.below(pieces.size())];
    size_t at = 0;
    const auto blank = [&](size_t begin, size_t end) {
      return text.substr(begin, end - begin).find_first_not_of(" \t\n\r\f\v") == std::string::npos;
    };
    for (const TextRange& s : sentences(text)) {
      ASSERT_LT(s.begin, s.end) << text;
      ASSERT_LE(at, s.begin) << text;
      ASSERT_TRUE(blank(at, s.begin)) << text;
      ASSERT_FALSE(blank(s.begin, s.begin + 1)) << text;
      ASSERT_FALSE(blank(s.end - 1, s.end)) << text;
      at = s.end;
    }
    ASSERT_TRUE(blank(at, text.size())) << text;
  }
}

}  // namespace
}  // namespace bantam
