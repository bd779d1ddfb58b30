#include "retrieval/clues.h"

#include <gtest/gtest.h>

#include <cmath>

namespace bantam {
namespace {

const auto kAlike = [](std::string_view) { return 1.0; };

Results passage(const std::string& text, const std::string& title = "") {
  Results r;
  r.passages.push_back({.passage = 1,
                        .file = "f",
                        .title = title,
                        .heading = {},
                        .page = 0,
                        .begin = 0,
                        .end = text.size(),
                        .score = 2,
                        .text = text});
  return r;
}

std::vector<SentenceClues> clues(const std::string& question, const Results& results,
                                 std::vector<AnswerSpan> spans = {}) {
  return sentence_clues(question, results, {std::move(spans)}, kAlike);
}

TEST(Clues, there_is_one_entry_for_each_sentence_in_order) {
  const std::string text = "Ada wrote a program. It ran in 1843. Nobody saw it.";
  const auto all = clues("When did it run?", passage(text));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(text.substr(all[1].range.begin, all[1].range.size()), "It ran in 1843.");
  EXPECT_EQ(all[1].clues[kHasDate], 1);
  EXPECT_EQ(all[0].clues[kHasDate], 0);
}

TEST(Clues, terms_are_counted_where_they_stand) {
  const auto all = clues("Which horses did Ada Lovelace feed?",
                         passage("Lovelace had a garden. She would feed two horses.", "Ada Lovelace"));
  // horses, ada, lovelace, feed
  EXPECT_DOUBLE_EQ(all[0].clues[kHeld], 0.25);
  EXPECT_DOUBLE_EQ(all[1].clues[kHeld], 0.5);
  EXPECT_DOUBLE_EQ(all[1].clues[kHeldBefore], 0.25) << "lovelace";
  EXPECT_DOUBLE_EQ(all[0].clues[kHeldBefore], 0) << "the first has none before it";
  EXPECT_DOUBLE_EQ(all[0].clues[kHeldTitle], 0.25) << "ada; lovelace is in the sentence";
  EXPECT_DOUBLE_EQ(all[1].clues[kHeldTitle], 0.5);
}

TEST(Clues, what_all_sentences_share_counts_little_here) {
  const auto all = clues("Which loom weaves silk?", passage("The loom is old. The loom has silk. The loom is red."));
  const double loom = std::log(2.0), silk = std::log(4.0);
  EXPECT_DOUBLE_EQ(all[0].clues[kHeldHere], loom / (loom + silk));
  EXPECT_DOUBLE_EQ(all[1].clues[kHeldHere], 1);
}

TEST(Clues, korean_words_meet_by_how_they_begin) {
  const auto all = clues("세종대왕이 반포한 것은?", passage("훈민정음은 세종대왕의 글이다. 왕은 반대하였다."));
  const auto longer = clues("세종대왕이 반포한 것은?", passage("세종대왕이 반포한 글이다."));
  EXPECT_DOUBLE_EQ(all[0].clues[kWords], 0.8 / 3) << "four of five syllables of one of three words";
  EXPECT_GT(longer[0].clues[kWords], all[0].clues[kWords]);
  EXPECT_GT(all[0].clues[kWords], all[1].clues[kWords]) << "one syllable in common is chance";
  EXPECT_GT(longer[0].clues[kRun], 0.6) << "세종대왕이반포한 of 세종대왕이반포한것은";
  EXPECT_GT(longer[0].clues[kPairs], all[0].clues[kPairs]);
}

TEST(Clues, the_numbers_of_the_question_are_looked_for) {
  const auto all = clues("2002년에 우승한 나라는?", passage("2002년의 일이다. 1998년의 일이다."));
  EXPECT_EQ(all[0].clues[kNumbers], 1);
  EXPECT_EQ(all[1].clues[kNumbers], 0);
  EXPECT_EQ(clues("우승한 나라는?", passage("1998년의 일이다."))[0].clues[kNumbers], 1) << "none asked for";
}

TEST(Clues, the_readers_spans_are_added_up_in_the_sentence_of_their_middle) {
  const std::string text = "Ada wrote it. It ran in 1843.";
  const size_t year = text.find("1843");
  const auto all = clues("When?", passage(text), {{year, year + 4, 2}, {year - 3, year + 4, 1}, {0, 3, 0}});
  ASSERT_TRUE(all[1].answer);
  EXPECT_EQ(all[1].answer->begin, year);
  ASSERT_TRUE(all[0].answer);
  EXPECT_EQ(all[0].answer->end, 3u);
  const double unread = std::exp(-2.0);  // what may lie below the last span given
  const double first = std::exp(0.0) + unread, second = std::exp(2.0) + std::exp(1.0) + unread;
  EXPECT_NEAR(all[0].clues[kSpans], std::log(first), 1e-9);
  EXPECT_NEAR(all[1].clues[kSpans], std::log(second), 1e-9);
  EXPECT_NEAR(all[1].clues[kSpansHere], std::log(second / (first + second - unread)), 1e-9);
}

TEST(Clues, a_passage_without_spans_and_a_question_without_words_are_no_trouble) {
  for (const std::string question : {"?", "", "what", "무엇인가?"}) {
    for (const SentenceClues& s : clues(question, passage("Ada wrote it. 그것은 글이다."))) {
      EXPECT_FALSE(s.answer);
      for (const double clue : s.clues) EXPECT_TRUE(std::isfinite(clue)) << question;
    }
  }
  EXPECT_TRUE(clues("Ada?", passage("")).empty());
}

TEST(Clues, search_scores_are_shares_of_the_best) {
  Results r = passage("Ada wrote it. It ran.");
  r.sentences = {{0, 0, 13, 3}, {0, 14, 21, 6}};
  r.passages.push_back(r.passages[0]);
  r.passages[1].score = 1;
  const auto all = sentence_clues("Ada?", r, {{}, {}}, kAlike);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].clues[kSentenceScore], 0.5);
  EXPECT_EQ(all[1].clues[kSentenceScore], 1);
  EXPECT_EQ(all[2].clues[kSentenceScore], 0) << "not among those found";
  EXPECT_EQ(all[2].clues[kPassageScore], 0.5);
}

}  // namespace
}  // namespace bantam
