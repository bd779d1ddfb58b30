#include "text/cited_text.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace bantam {
namespace {

bool may_begin(std::string_view text, int sources = 12) {
  CitedText state(sources);
  for (const char c : text) {
    if (!state.push(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

bool may_be(std::string_view text, int sources = 12) {
  CitedText state(sources);
  for (const char c : text) {
    if (!state.push(static_cast<unsigned char>(c))) return false;
  }
  return state.complete();
}

TEST(CitedText, sentences_with_the_numbers_of_sources_are_allowed) {
  for (const std::string_view text :
       {"It has 12 looms [2].", "It has 12 looms. [2]", " It closed in 1931 [1][12]. He left [3, 4]. ",
        "Dr. J. Smith of the U.S. Navy paid 3.5 million [1]", "He said \"no.\" [1]",
        "휴가는 15일이다 [1]. 신청은 3일 전에 한다. [2]",
        "It is open, e.g. on Sundays [1]\nIt is closed on Mondays [2]"}) {
    EXPECT_TRUE(may_be(text)) << text;
  }
}

TEST(CitedText, a_text_ends_only_after_a_number) {
  for (const std::string_view text :
       {"", "It has 12 looms.", "It has 12 looms [", "It has 12 looms [1", "It [1]. And"}) {
    EXPECT_TRUE(may_begin(text)) << text;
    EXPECT_FALSE(may_be(text)) << text;
  }
}

TEST(CitedText, a_second_sentence_does_not_begin_before_the_first_names_its_source) {
  for (const std::string_view text :
       {"It closed. He left", "It closed! He", "(It closed.) He", "문을 닫았다. 그는", "It closed\n"}) {
    EXPECT_FALSE(may_begin(text)) << text;
  }
}

TEST(CitedText, only_sources_that_exist_are_named) {
  for (const std::string_view text : {"It closed [0", "It closed [13", "It closed [01", "It closed [-", "It closed []",
                                      "[1]", " [1", "It closed [1,]", "It closed [1]He"}) {
    EXPECT_FALSE(may_begin(text)) << text;
  }
  EXPECT_FALSE(may_begin("It closed [2", 1));
  EXPECT_TRUE(may_be("It closed [99]", 99));
}

TEST(CitedText, not_found_stands_alone) {
  EXPECT_TRUE(may_be("NOT_FOUND"));
  EXPECT_TRUE(may_be(" NOT_FOUND"));
  EXPECT_FALSE(may_begin("NOT_FOUND "));
  EXPECT_FALSE(may_begin("NOT_FOUND ["));
  EXPECT_TRUE(may_be("NOT so [1]"));
  EXPECT_TRUE(may_be("So [1] NOT_FOUND [1]"));
}

TEST(CitedText, only_utf8_is_allowed) {
  for (const std::string_view text :
       {"\x80", "\xC0\x80", "a\xED\xA0\x80", "a\xF5", "\xE0\x80", "\xEA [", "a\x01", "a\x7F"}) {
    EXPECT_FALSE(may_begin(text)) << text;
  }
}

TEST(CitedText, every_text_can_be_finished_and_a_sentence_has_an_end) {
  const std::string long_text(600, 'x');
  CitedText state(3);
  size_t taken = 0;
  while (state.push('x')) ++taken;
  EXPECT_LT(taken, long_text.size());
  CitedText finishing(3);
  for (size_t i = 0; i < taken; ++i) finishing.push('x');
  for (const char c : std::string_view(" [3]")) EXPECT_TRUE(finishing.push(static_cast<unsigned char>(c)));
  EXPECT_TRUE(finishing.complete());
}

TEST(CitedText, the_parts_come_back_with_their_sources) {
  const auto parts = parse_cited_text(" It has looms [2][1][2]. It closed. [3, 12]\nand then");
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].text, "It has looms.");
  EXPECT_EQ(parts[0].sources, (std::vector<int>{2, 1}));
  EXPECT_EQ(parts[1].text, "It closed.");
  EXPECT_EQ(parts[1].sources, (std::vector<int>{3, 12}));
  EXPECT_TRUE(parse_cited_text("NOT_FOUND").empty());
  EXPECT_EQ(parse_cited_text("Last [1].").at(0).text, "Last.");
}

}  // namespace
}  // namespace bantam
