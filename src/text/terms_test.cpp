#include "text/terms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/rng.h"
#include "base/utf8.h"
#include "text/unicode.h"

namespace bantam {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  for (const Term& term : terms(text)) out.push_back(term.text);
  return out;
}

std::vector<std::string> content(std::string_view text) {
  std::vector<std::string> out;
  for (const Term& term : terms(text)) {
    if (!term.stop) out.push_back(term.text);
  }
  return out;
}

// The source of each term.
std::vector<std::string> sources(std::string_view text) {
  std::vector<std::string> out;
  for (const Term& term : terms(text)) out.emplace_back(text.substr(term.begin, term.end - term.begin));
  return out;
}

TEST(Terms, english_words_meet_in_their_stem_and_case) {
  EXPECT_THAT(content("Connected connections connecting CONNECTS"),
              ElementsAre("connect", "connect", "connect", "connect"));
  EXPECT_THAT(content("What was the highest mountain of it?"), ElementsAre("highest", "mountain"));
}

TEST(Terms, function_words_are_marked_and_kept) {
  const auto list = terms("Who wrote it");
  ASSERT_EQ(list.size(), 3u);
  EXPECT_TRUE(list[0].stop);
  EXPECT_FALSE(list[1].stop);
  EXPECT_TRUE(list[2].stop);
}

TEST(Terms, a_function_word_in_capitals_is_a_name) {
  EXPECT_THAT(content("the WHO in Geneva"), ElementsAre("who", "geneva"));
  EXPECT_THAT(content("A plan"), ElementsAre("plan"));
}

TEST(Terms, numbers_stay_whole) {
  EXPECT_THAT(words("1995, F16 3.5 1,000,000 1990s 1995-96 4,1776 12.5%"),
              ElementsAre("1995", "f16", "3.5", "1000000", "1990", "1995", "96", "4", "1776", "12.5"));
  EXPECT_THAT(sources("in 1,000,000 years."), ElementsAre("in", "1,000,000", "years"));
  EXPECT_THAT(words("It was 1995."), ElementsAre("it", "was", "1995"));
}

TEST(Terms, initials_with_points_are_one_word) {
  EXPECT_THAT(words("The U.S. and U.S.A., e.g. now"), ElementsAre("the", "us", "and", "usa", "eg", "now"));
  EXPECT_THAT(sources("U.S. law"), ElementsAre("U.S", "law"));
  EXPECT_THAT(words("plan a.Then b"), ElementsAre("plan", "a", "then", "b"));
}

TEST(Terms, what_follows_an_apostrophe_of_a_contraction_is_left_out) {
  EXPECT_THAT(words("Tesla's coil, they\u2019re Ryan\u2019s"), ElementsAre("tesla", "coil", "they", "ryan"));
  EXPECT_THAT(words("O'Brien l'\u00e9t\u00e9"), ElementsAre("o", "brien", "l", "ete"));
}

TEST(Terms, accents_width_ligatures_and_strokes_are_folded) {
  EXPECT_THAT(words("Caf\u00e9 CAFE\u0301 cafe"), ElementsAre("cafe", "cafe", "cafe"));
  EXPECT_THAT(words("\u0141\u00f3d\u017a"), ElementsAre("lodz"));
  EXPECT_THAT(words("\uff28\uff12\uff10\uff10"), ElementsAre("h200"));
  EXPECT_THAT(words("\ufb01nd Stra\u00dfe"), ElementsAre("find", "strass"));
  EXPECT_THAT(words("in\u00adfor\u00adma\u00adtion"), ElementsAre("inform"));
  EXPECT_THAT(words("\u039c\u0391\u0398\u0397\u039c\u0391 \u03bc\u03ac\u03b8\u03b7\u03bc\u03b1"),
              ElementsAre("\u03bc\u03b1\u03b8\u03b7\u03bc\u03b1", "\u03bc\u03b1\u03b8\u03b7\u03bc\u03b1"));
}

TEST(Terms, hangul_and_han_become_overlapping_pairs) {
  EXPECT_THAT(words("대한민국의 수도"), ElementsAre("대한", "한민", "민국", "국의", "수도"));
  EXPECT_THAT(words("1995년 LG전자"), ElementsAre("1995", "년", "lg", "전자"));
  EXPECT_THAT(words("東京都 ひらがな"), ElementsAre("東京", "京都", "ひら", "らが", "がな"));
  EXPECT_THAT(sources("서울은"), ElementsAre("서울", "울은"));
}

TEST(Terms, decomposed_hangul_and_kana_equal_composed_with_their_own_offsets) {
  const std::string decomposed = "\u1112\u1161\u11ab\u1100\u116e\u11a8";  // 한국
  EXPECT_THAT(words(decomposed + "은"), ElementsAre("한국", "국은"));
  EXPECT_THAT(sources(decomposed + "은"), ElementsAre(decomposed, "\u1100\u116e\u11a8은"));
  EXPECT_THAT(words("한" + decomposed.substr(9)), ElementsAre("한국"));
  EXPECT_THAT(words("\u304b\u3099\u304f"), ElementsAre("\u304c\u304f"));
  EXPECT_THAT(words("\uac00\uac01\u304b\u3099\u304f"), ElementsAre("\uac00\uac01", "\uac01\u304c", "\u304c\u304f"));
}

TEST(Terms, korean_endings_and_question_words_are_marked) {
  EXPECT_THAT(content("수도는 어디인가?"), ElementsAre("수도", "도는"));
  EXPECT_THAT(content("한국에서"), ElementsAre("한국", "국에"));
}

TEST(Terms, bytes_that_are_not_utf8_separate_words) {
  EXPECT_THAT(words("one\xff"
                    "two\xed\xa0\x80 three\xe2\x82"),
              ElementsAre("one", "two", "three"));
  EXPECT_THAT(words("caf\xc3\xa9\x80s"), ElementsAre("cafe", "s"));
  EXPECT_THAT(words("\xf0\x9f\x98\x80\xc3"), IsEmpty());
  EXPECT_THAT(words(""), IsEmpty());
}

TEST(Terms, offsets_lie_on_characters_and_ascend_whatever_the_bytes) {
  const std::vector<std::string> pieces = {
      "a",  "B",      "9",      ".",      ",",      "'",      " ",      "\u00e9", "\u0301", "\u00df", "가",
      "힣", "\u1100", "\u1161", "東",     "\u3099", "\u304b", "\xff",   "\xc3",   "\uff21", "\ufdfa", "\u00ad",
      "'s", "U.S.",   "ﬁ",      "\u2019", "\u0e01", "\u0e33", "\u00b2", "1,000",  "\uff9e"};
  Rng rng(7);
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (uint64_t n = rng.below(12); n > 0; --n) text += pieces[rng.below(pieces.size())];
    size_t last_begin = 0, last_end = 0;
    for (const Term& term : terms(text)) {
      ASSERT_LT(term.begin, term.end) << text;
      ASSERT_LE(term.end, text.size()) << text;
      ASSERT_GE(term.begin, last_begin) << text;
      ASSERT_GE(term.end, last_end) << text;
      ASSERT_FALSE(term.text.empty()) << text;
      ASSERT_FALSE(find_invalid_utf8(term.text)) << text;
      ASSERT_FALSE(find_invalid_utf8(std::string_view(text).substr(term.begin, term.end - term.begin))) << text;
      last_begin = term.begin;
      last_end = term.end;
    }
    if (!find_invalid_utf8(text)) {
      EXPECT_EQ(words(text), words(to_nfc(text))) << text;
    }
  }
}

TEST(Terms, a_scanner_used_again_forgets_the_text_but_not_the_answer) {
  TermScanner scanner;
  std::vector<std::string> first, second;
  scanner.scan("Running dogs, caf\u00e9", [&](const TermView& t) { first.emplace_back(t.text); });
  scanner.scan("Running dogs, caf\u00e9", [&](const TermView& t) { second.emplace_back(t.text); });
  EXPECT_THAT(first, ElementsAre("run", "dog", "cafe"));
  EXPECT_EQ(first, second);
}

TEST(Terms, a_word_without_end_is_cut_and_takes_linear_time) {
  EXPECT_EQ(terms(std::string(1'000'000, 'x')).size(), 1u);
  std::string marks = "e";
  for (int i = 0; i < 300'000; ++i) marks += "\u0301";
  EXPECT_FALSE(terms(marks).empty());
}

TEST(Terms, hashes_of_different_terms_differ) {
  std::set<uint64_t> seen;
  for (int i = 0; i < 10'000; ++i) seen.insert(term_hash(std::to_string(i)));
  for (const char* word : {"", "a", "b", "ab", "ba", "abcdefgh", "abcdefghi", "abcdefgh\x01"})
    seen.insert(term_hash(word));
  EXPECT_EQ(seen.size(), 10'008u);
  EXPECT_EQ(term_hash("bantam"), term_hash(std::string("bantam")));
}

}  // namespace
}  // namespace bantam
