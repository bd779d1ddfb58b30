#include "retrieval/follow_up.h"

#include <gtest/gtest.h>

namespace bantam {
namespace {

Answer said(const std::string& text) {
  Answer a;
  a.text = text;
  a.abstained = text.empty();
  return a;
}

TEST(FollowUp, a_first_question_stands_as_it_is) {
  EXPECT_EQ(Dialogue().resolve("Where was she born?"), "Where was she born?");
}

TEST(FollowUp, a_pronoun_becomes_who_was_asked_about) {
  Dialogue d;
  d.remember("When was Ada Lovelace born?", said("1815"));
  EXPECT_EQ(d.topic(), "Ada Lovelace");
  EXPECT_EQ(d.resolve("Where did she live?"), "Where did Ada Lovelace live?");
  EXPECT_EQ(d.resolve("What was her first program?"), "What was Ada Lovelace's first program?");
  EXPECT_EQ(d.resolve("When was Charles Babbage born?"), "When was Charles Babbage born?");
}

TEST(FollowUp, the_answer_to_who_is_what_comes_next) {
  Dialogue d;
  d.remember("Who wrote the first program?", said("Ada Lovelace"));
  EXPECT_EQ(d.resolve("When did she die?"), "When did Ada Lovelace die?");
  d.remember("Who wrote the second program?", said(""));
  EXPECT_EQ(d.topic(), "Ada Lovelace") << "an answer that was not given changes nothing";
}

TEST(FollowUp, korean_pronouns_take_the_particle_of_the_name) {
  Dialogue d;
  d.remember("세종대왕은 언제 태어났는가?", said("1397년"));
  EXPECT_EQ(d.topic(), "세종대왕");
  EXPECT_EQ(d.resolve("그는 무엇을 만들었는가?"), "세종대왕은 무엇을 만들었는가?");
  d.remember("누가 애플을 세웠는가?", said("스티브 잡스"));
  EXPECT_EQ(d.resolve("그의 고향은?"), "스티브 잡스의 고향은?");
  d.remember("삼성전자는 어디에 있는가?", said("수원"));
  EXPECT_EQ(d.resolve("그 회사는 무엇을 만드는가?"), "삼성전자는 무엇을 만드는가?");
}

TEST(FollowUp, a_question_that_names_nothing_gets_the_topic_in_front) {
  Dialogue d;
  d.remember("When was Ada Lovelace born?", said("1815"));
  EXPECT_EQ(d.resolve("And where?"), "Ada Lovelace And where?");
}

TEST(FollowUp, any_bytes_are_fine) {
  Dialogue d;
  d.remember("\xFF\xFE 그 Who Is\x80 What?", said("\xC3"));
  for (const char* q : {"", "it", "그", "그 ", "\xED\x95 its", "이 \xFF"}) EXPECT_NO_THROW(d.resolve(q));
}

}  // namespace
}  // namespace bantam
