#include "retrieval/stated.h"

#include <gtest/gtest.h>

#include "retrieval/answer.h"

namespace bantam {
namespace {

const std::string kFaq = "No, the tool works without it. Updates come on a disk.";
const std::string kBody =
    "The loom needs electric power. It weaves silk and does not need any water. "
    "Without a fuse the loom needs electric power of another kind. Bring your own thread.";
const std::string kKorean = "베틀에는 전기가 필요합니다. 물은 쓰지 않습니다.";

const ReadPassages kReadNothing = [](std::string_view, std::span<const std::string_view> passages) {
  return std::vector<std::vector<AnswerSpan>>(passages.size());
};

Answer ask(const std::string& question) {
  Index index = Index::in_memory();
  const auto given = [](const std::string& name, const std::string& text, const std::string& heading) {
    return GivenDocument{name, {name, text, {}, {}}, {{.begin = 0, .end = text.size(), .heading = heading, .page = 0}}};
  };
  const std::vector<GivenDocument> documents = {given("faq", kFaq, "Questions > Does the tool need the internet?"),
                                                given("loom", kBody, "Looms"), given("ko", kKorean, "베틀")};
  index.add(documents);
  return answer(index, kReadNothing, question);
}

TEST(Stated, questions_for_yes_or_no_are_told_from_others) {
  for (const std::string_view q :
       {"Does it weave?", "is it new?", "Can I bring thread?", "전기가 필요합니까?", "물을 쓰나요?"}) {
    EXPECT_TRUE(is_yes_no_question(q)) << q;
  }
  for (const std::string_view q :
       {"What does it weave?", "Dogs?", "", "무엇을 쓰나요?", "언제 열립니까?", "베틀을 만든 사람은?", "?"}) {
    EXPECT_FALSE(is_yes_no_question(q)) << q;
  }
}

TEST(Stated, a_question_that_is_a_heading_is_answered_by_what_follows_it) {
  for (const std::string q : {"Does the tool need the internet?", "Does the tool need internet"}) {
    const Answer a = ask(q);
    EXPECT_FALSE(a.abstained) << q;
    EXPECT_EQ(a.text, "No, the tool works without it.") << q;
  }
}

TEST(Stated, a_question_for_yes_or_no_is_answered_by_the_sentence_that_has_its_words) {
  EXPECT_EQ(ask("Does the loom need electric power?").text, "The loom needs electric power.");
  EXPECT_EQ(ask("베틀에 전기가 필요합니까?").text, "베틀에는 전기가 필요합니다.");
}

TEST(Stated, words_that_are_not_there_are_no_answer) {
  EXPECT_TRUE(ask("Does the loom need diesel fuel?").abstained);
  EXPECT_TRUE(ask("Does the tool need a lawyer?").abstained);
  EXPECT_TRUE(ask("What does the loom weave?").abstained) << "not a question for yes or no";
}

}  // namespace
}  // namespace bantam
