#include "retrieval/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retrieval/answer_text.h"
#include "retrieval/evaluate_reading.h"

namespace bantam {
namespace {

const std::string kAda = "Ada Lovelace was born in London. She wrote the first program in 1843. She liked horses.";
const std::string kAlan = "Alan Turing was born in London too. He described a universal machine in 1936.";
const std::string kKorea = "훈민정음은 세종대왕이 창제하였다. 반포된 해는 1446년이다.";

Index library() {
  Index index = Index::in_memory();
  const auto given = [](const std::string& name, const std::string& text) {
    return GivenDocument{name, {name, text, {}, {}}, {{.begin = 0, .end = text.size(), .heading = "Life", .page = 2}}};
  };
  const std::vector<GivenDocument> documents = {given("ada.txt", kAda), given("alan.txt", kAlan),
                                                given("korea.txt", kKorea)};
  index.add(documents);
  return index;
}

// A reader that knows one phrase, and is as sure of it as told.
ReadPassages knows(const std::string& phrase, float log_odds) {
  return [=](std::string_view, std::span<const std::string_view> passages) {
    std::vector<std::vector<AnswerSpan>> all;
    for (const std::string_view p : passages) {
      all.emplace_back();
      const size_t at = p.find(phrase);
      if (at != std::string_view::npos) all.back().push_back({at, at + phrase.size(), log_odds});
    }
    return all;
  };
}

TEST(Answer, cites_the_sentence_of_the_span_with_offsets_into_the_document) {
  Index index = library();
  const Answer a = answer(index, knows("1843", 3), "When did Ada write the first program?");
  ASSERT_FALSE(a.abstained);
  EXPECT_EQ(a.text, "1843");
  ASSERT_EQ(a.citations.size(), 1u);
  const Citation& c = a.citations[0];
  EXPECT_EQ(c.file, "ada.txt");
  EXPECT_EQ(c.heading, "Life");
  EXPECT_EQ(c.page, 2);
  EXPECT_EQ(c.quote, "She wrote the first program in 1843.");
  EXPECT_EQ(kAda.substr(c.begin, c.end - c.begin), c.quote);
  EXPECT_EQ(kAda.substr(c.answer_begin, c.answer_end - c.answer_begin), "1843");
  EXPECT_GT(a.confidence, 0.9);
}

TEST(Answer, abstains_below_the_wanted_confidence_and_shows_the_nearest_sentences) {
  Index index = library();
  const Answer a = answer(index, knows("1843", -2), "When did Ada write the first program?");
  EXPECT_TRUE(a.abstained);
  EXPECT_EQ(a.text, "");
  EXPECT_LT(a.confidence, 0.5);
  ASSERT_FALSE(a.citations.empty());
  EXPECT_EQ(a.citations[0].file, "ada.txt");
  EXPECT_FALSE(answer(index, knows("1843", -2), "When did Ada write?", {.confidence = 0.05}).abstained);
}

TEST(Answer, the_same_answer_in_another_document_is_a_second_source) {
  Index index = library();
  const Answer a = answer(index, knows("London", 3), "Where was Ada Lovelace born, where Alan Turing?");
  ASSERT_EQ(a.citations.size(), 2u);
  EXPECT_NE(a.citations[0].file, a.citations[1].file);
  EXPECT_EQ(a.citations[1].answer(), "London");
}

TEST(Answer, a_quote_covers_an_answer_of_two_sentences) {
  Index index = library();
  const Answer a = answer(index, knows("London. She wrote", 3), "Where was Ada Lovelace born?");
  ASSERT_FALSE(a.citations.empty());
  EXPECT_EQ(a.citations[0].quote, "Ada Lovelace was born in London. She wrote the first program in 1843.");
}

TEST(Answer, a_korean_answer_leaves_its_particle_behind) {
  Index index = library();
  const Answer a = answer(index, knows("훈민정음은", 3), "세종대왕이 창제한 것은?");
  ASSERT_FALSE(a.abstained);
  EXPECT_EQ(a.text, "훈민정음은") << "은 ends too many names to be taken off";
  EXPECT_EQ(without_particle("하얼빈에서 쏘았다", {0, std::string("하얼빈에서").size()}).end,
            std::string("하얼빈").size());
  EXPECT_EQ(without_particle("대통령을 뽑았다", {0, std::string("대통령을").size()}).end, std::string("대통령").size());
  EXPECT_EQ(without_particle("1443년에 만들었다", {0, std::string("1443년에").size()}).end,
            std::string("1443년").size());
  EXPECT_EQ(tidy_answer("wrote Analytical Engine", {7, 17}).begin, 6u);
  EXPECT_EQ(tidy_answer("wrote Analytical Engine", {6, 9}).end, 16u);
  EXPECT_EQ(without_particle("1443년", {0, std::string("1443년").size()}).end, std::string("1443년").size());
  EXPECT_EQ(without_particle("가을", {0, std::string("가을").size()}).end, std::string("가을").size()) << "too short";
  EXPECT_EQ(without_particle("하얼빈에서는", {0, std::string("하얼빈에").size()}).end, std::string("하얼빈에").size())
      << "the word goes on";
}

TEST(Answer, nothing_is_found_in_an_empty_library_or_for_no_words) {
  Index empty = Index::in_memory();
  EXPECT_TRUE(answer(empty, knows("x", 9), "Who?").abstained);
  Index index = library();
  const Answer a = answer(index, knows("x", 9), "");
  EXPECT_TRUE(a.abstained);
  EXPECT_TRUE(a.citations.empty());
}

TEST(AnswerText, answers_are_compared_without_case_punctuation_and_articles) {
  EXPECT_TRUE(same_answer("The  Beatles.", "beatles"));
  EXPECT_TRUE(same_answer("《훈민정음》", "훈민정음"));
  EXPECT_FALSE(same_answer("1843", "1844"));
  EXPECT_EQ(answer_f1("the cat sat", {"cat", "a cat"}, false), 2.0 / 3);
  EXPECT_EQ(answer_f1("세종대왕이", {"세종대왕"}, true), 2 * 0.8 / 1.8);
  EXPECT_EQ(answer_f1("", {"cat"}, false), 0);
}

TEST(EvaluateReading, a_reader_that_knows_everything_scores_full_marks_and_one_that_guesses_does_not) {
  ReadingSet set;
  set.passages = {{"Ada", kAda, 0}, {"Alan", kAlan, 1}};
  set.questions = {{"When did Ada write the first program?", 0, {"1843", "in 1843"}},
                   {"When did Turing describe a universal machine?", 1, {"1936"}}};
  const ReadPassages all_knowing = [](std::string_view question, std::span<const std::string_view> passages) {
    const std::string year = question.find("Ada") != std::string_view::npos ? "1843" : "1936";
    return knows(year, 5)(question, passages);
  };
  const ReadingScores s = evaluate_reading(set, all_knowing);
  EXPECT_EQ(s.questions, 2u);
  for (const Measured& m : {s.passage_recall1, s.passage_recall5, s.sentence_hit1, s.sentence_hit3, s.gold_exact,
                            s.gold_f1, s.open_exact, s.open_f1, s.auroc, s.exact_quotes}) {
    EXPECT_EQ(m.value, 1);
    EXPECT_LE(m.low, m.value);
    EXPECT_GE(m.high, m.value);
  }
  const ReadingScores none = evaluate_reading(set, knows("London", 1));
  EXPECT_EQ(none.gold_exact.value, 0);
  EXPECT_EQ(none.auroc.value, 0.5) << "London is in both";
}

}  // namespace
}  // namespace bantam
