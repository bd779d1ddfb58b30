#include "retrieval/written_answer.h"

#include <gtest/gtest.h>

namespace bantam {
namespace {

const std::string kAda = "Ada Lovelace was born in London. She wrote the first program in 1843. She liked horses.";
const std::string kAlan = "Alan Turing was born in London too. He described a universal machine in 1936.";

Findings found(Index& index, float log_odds = 3) {
  const std::vector<GivenDocument> documents = {
      {"ada.txt", {"Ada", kAda, {}, {}}, {{.begin = 0, .end = kAda.size(), .heading = {}, .page = 0}}},
      {"alan.txt", {"Alan", kAlan, {}, {}}, {{.begin = 0, .end = kAlan.size(), .heading = {}, .page = 0}}}};
  index.add(documents);
  const ReadPassages read = [=](std::string_view, std::span<const std::string_view> passages) {
    std::vector<std::vector<AnswerSpan>> all;
    for (const std::string_view p : passages) {
      all.emplace_back();
      if (const size_t at = p.find("1843"); at != std::string_view::npos) all.back().push_back({at, at + 4, log_odds});
    }
    return all;
  };
  return find(index, read, "When did Ada write the first program in London?", 4);
}

// Writes what it is told, whatever the sources say.
WriteSentences writes(std::vector<CitedSentence> sentences, bool not_found = false) {
  return [=](std::string_view, std::span<const Source> sources, const std::function<void(const CitedSentence&)>& tell) {
    for (const CitedSentence& s : sentences) tell(s);
    return Draft{sentences, sources.size(), not_found};
  };
}

TEST(WrittenAnswer, supported_sentences_quote_the_bytes_they_rest_on) {
  Index index = Index::in_memory();
  const Findings findings = found(index);
  const Answer a = written_answer(
      findings, writes({{"Ada wrote the first program in 1843.", {1}}, {"Alan Turing was born in London.", {2}}}), "?",
      {});
  EXPECT_FALSE(a.abstained);
  EXPECT_EQ(a.text, "Ada wrote the first program in 1843. [1] Alan Turing was born in London. [2]");
  ASSERT_EQ(a.citations.size(), 2u);
  EXPECT_EQ(a.citations[0].quote, "She wrote the first program in 1843.");
  EXPECT_EQ(kAda.substr(a.citations[0].begin, a.citations[0].end - a.citations[0].begin), a.citations[0].quote);
  EXPECT_EQ(a.citations[1].file, "alan.txt");
  EXPECT_GT(a.confidence, 0.5);
}

TEST(WrittenAnswer, an_unsupported_sentence_is_kept_apart) {
  Index index = Index::in_memory();
  const Answer a = written_answer(
      found(index),
      writes({{"Ada wrote the first program in 1844.", {1}}, {"She wrote the first program in 1843.", {2, 1}}}), "?",
      {});
  EXPECT_EQ(a.text, "She wrote the first program in 1843. [1]");
  ASSERT_EQ(a.statements.size(), 2u);
  EXPECT_FALSE(a.statements[0].supported);
  EXPECT_TRUE(a.statements[1].supported);
  EXPECT_EQ(a.citations.size(), 1u) << "the source that does not say it is not cited";
}

TEST(WrittenAnswer, when_nothing_is_supported_the_reader_answers) {
  Index index = Index::in_memory();
  const Answer a = written_answer(found(index), writes({{"Ada lived on the moon.", {1}}}), "?", {});
  EXPECT_FALSE(a.abstained);
  EXPECT_EQ(a.text, "1843");
  ASSERT_EQ(a.statements.size(), 1u);
  EXPECT_FALSE(a.statements[0].supported);
}

TEST(WrittenAnswer, a_writer_that_finds_nothing_abstains_with_the_nearest_sentences) {
  Index index = Index::in_memory();
  const Answer a = written_answer(found(index), writes({}, true), "?", {});
  EXPECT_TRUE(a.abstained);
  EXPECT_EQ(a.text, "");
  EXPECT_FALSE(a.citations.empty());
}

TEST(WrittenAnswer, statements_are_told_as_they_are_checked) {
  Index index = Index::in_memory();
  std::vector<bool> told;
  written_answer(found(index), writes({{"Ada lived on the moon.", {1}}, {"She liked horses.", {1}}}), "?", {},
                 [&](const Answer&, const Statement& s) { told.push_back(s.supported); });
  EXPECT_EQ(told, (std::vector<bool>{false, true}));
}

TEST(WrittenAnswer, without_passages_nothing_is_written) {
  Index index = Index::in_memory();
  const ReadPassages nothing = [](std::string_view, std::span<const std::string_view>) {
    return std::vector<std::vector<AnswerSpan>>{};
  };
  const WriteSentences never = [](std::string_view, std::span<const Source>, const auto&) -> Draft {
    ADD_FAILURE() << "was asked to write";
    return {};
  };
  EXPECT_TRUE(written_answer(find(index, nothing, "Where?", 4), never, "Where?", {}).abstained);
}

}  // namespace
}  // namespace bantam
