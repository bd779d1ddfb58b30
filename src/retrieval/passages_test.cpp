#include "retrieval/passages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"

namespace bantam {
namespace {

using testing::ElementsAre;

std::vector<std::string> texts(const Document& document) {
  std::vector<std::string> out;
  for (const Passage& p : cut_passages(document)) out.push_back(document.text.substr(p.begin, p.end - p.begin));
  return out;
}

std::string repeat(std::string_view piece, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += piece;
  return out;
}

TEST(Passages, short_paragraphs_of_a_section_are_joined) {
  Document d;
  d.text = "One.\n\nTwo.\n\nThree.\n";
  EXPECT_THAT(texts(d), ElementsAre("One.\n\nTwo.\n\nThree."));
}

TEST(Passages, sections_never_mix_and_carry_their_headings) {
  Document d;
  d.text = "Intro.\n\nAnimals\n\nBirds\n\nThey fly.\n\nFish\n\nThey swim.\n\nPlants\n\nGreen.\n\nStones\n";
  d.headings = {{8, 1, "Animals"}, {17, 2, "Birds"}, {35, 2, "Fish"}, {53, 1, "Plants"}, {69, 1, "Stones"}};
  std::vector<std::string> headings;
  for (const Passage& p : cut_passages(d)) headings.push_back(p.heading);
  EXPECT_THAT(texts(d), ElementsAre("Intro.", "They fly.", "They swim.", "Green.", "Stones"));
  EXPECT_THAT(headings, ElementsAre("", "Animals > Birds", "Animals > Fish", "Plants", "Stones"));
}

TEST(Passages, a_long_paragraph_is_split_between_sentences_into_like_parts) {
  Document d;
  d.text = repeat("This is a sentence of a long paragraph. ", 60);
  const auto parts = texts(d);
  ASSERT_EQ(parts.size(), 3u);
  for (const auto& part : parts) {
    EXPECT_EQ(part.substr(0, 4), "This");
    EXPECT_EQ(part.back(), '.');
    EXPECT_NEAR(static_cast<double>(part.size()), 800, 60);
  }
}

TEST(Passages, lines_of_a_table_stay_whole) {
  Document d;
  for (int i = 0; i < 100; ++i) d.text += "Dr. No. " + std::to_string(i) + ". Row of a table. With stops.\n";
  const auto parts = texts(d);
  ASSERT_GT(parts.size(), 2u);
  for (const auto& part : parts) {
    EXPECT_EQ(part.substr(0, 3), "Dr.");
    EXPECT_EQ(part.substr(part.size() - 6), "stops.");
  }
}

TEST(Passages, know_their_page_and_begin_anew_on_the_next) {
  Document d;
  d.text = "First page.\n\nStill first.\n\nSecond page.\n";
  d.page_offsets = {0, 27};
  const auto passages = cut_passages(d);
  EXPECT_THAT(texts(d), ElementsAre("First page.\n\nStill first.", "Second page."));
  EXPECT_EQ(passages[0].page, 1);
  EXPECT_EQ(passages[1].page, 2);
}

TEST(Passages, a_small_rest_joins_the_passage_before_it) {
  Document d;
  d.text = repeat("This is a sentence of a long paragraph. ", 34) + "\n\nThe end.\n";
  const auto parts = texts(d);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].substr(parts[0].size() - 8), "The end.");
}

TEST(Passages, lose_no_text_whatever_the_document) {
  const std::vector<std::string> pieces = {"A sentence here. ",
                                           "\n",
                                           "\n\n",
                                           "word ",
                                           "가나다라. ",
                                           "- item\n",
                                           "A long line that goes on and on without any end at all, it seems to me ",
                                           "\t",
                                           "    code();\n"};
  Rng rng(11);
  for (int round = 0; round < 300; ++round) {
    Document d;
    for (uint64_t n = rng.below(300); n > 0; --n) {
      if (rng.below(20) == 0) {
        if (!d.text.empty() && d.text.back() != '\n') d.text += "\n";
        d.headings.push_back({d.text.size(), static_cast<int>(1 + rng.below(3)), "Heading"});
        d.text += "Heading\n";
      }
      if (rng.below(50) == 0) d.page_offsets.push_back(d.text.size());
      d.text += pieces[rng.below(pieces.size())];
    }
    std::string left = d.text;
    for (const Heading& h : d.headings) left.replace(h.offset, 7, 7, ' ');
    size_t at = 0;
    for (const Passage& p : cut_passages(d)) {
      ASSERT_LE(at, p.begin);
      ASSERT_LT(p.begin, p.end);
      ASSERT_LE(p.end - p.begin, kMostPassageBytes + 800);
      for (size_t i = p.begin; i < p.end; ++i) left[i] = ' ';
      at = p.end;
    }
    ASSERT_EQ(left.find_first_not_of(" \t\n"), std::string::npos) << d.text;
  }
}

}  // namespace
}  // namespace bantam
