#include "retrieval/asked.h"

#include <gtest/gtest.h>

namespace bantam {
namespace {

bool has(std::string_view question, std::string_view text) { return has_asked(asked_for(question), question, text); }

TEST(Asked, a_question_tells_what_kind_of_thing_it_wants) {
  EXPECT_EQ(asked_for("When did she write it?").kind, AskedKind::date);
  EXPECT_EQ(asked_for("How many horses were there?").kind, AskedKind::number);
  EXPECT_EQ(asked_for("Who wrote it?").kind, AskedKind::name);
  EXPECT_EQ(asked_for("What is a loom?").kind, AskedKind::other);
  EXPECT_EQ(asked_for("Is it known whenever it rains?").kind, AskedKind::other);
  EXPECT_EQ(asked_for("훈민정음은 언제 반포되었나?").kind, AskedKind::date);
  EXPECT_EQ(asked_for("반포된 해는?").kind, AskedKind::date);
  EXPECT_EQ(asked_for("몇 년에 반포되었나?").kind, AskedKind::date);
  EXPECT_EQ(asked_for("그가 쓴 소설의 제목은?").kind, AskedKind::title);
  EXPECT_EQ(asked_for("한글을 만든 사람은?").kind, AskedKind::other);
  EXPECT_EQ(asked_for("").kind, AskedKind::other);
}

TEST(Asked, a_korean_question_for_a_number_names_its_unit) {
  const Asked people = asked_for("모두 몇 명이 참가했나?");
  EXPECT_EQ(people.kind, AskedKind::number);
  EXPECT_EQ(people.unit, "명");
  EXPECT_EQ(asked_for("몇명이 왔나?").unit, "명");
  const Asked years = asked_for("공사는 몇 년 동안 이어졌나?");
  EXPECT_EQ(years.kind, AskedKind::number);
  EXPECT_EQ(years.unit, "년");
  EXPECT_EQ(asked_for("거리는 얼마인가?").unit, "");
}

TEST(Asked, a_date_is_a_number_that_reads_like_one_and_is_not_in_the_question) {
  EXPECT_TRUE(has("When was it built?", "It was built in 1843 by hand."));
  EXPECT_FALSE(has("When was it built?", "It has 120 rooms."));
  EXPECT_FALSE(has("When in 1843 was it built?", "It was built in 1843."));
  EXPECT_TRUE(has("언제 지어졌나?", "궁은 1395년에 지어졌다."));
  EXPECT_TRUE(has("언제 지어졌나?", "궁은 4월 3일에 열렸다."));
  EXPECT_FALSE(has("언제 지어졌나?", "방은 모두 1395개이다."));
  EXPECT_FALSE(has("언제 지어졌나?", "궁은 오래되었다."));
}

TEST(Asked, a_number_has_the_unit_that_is_asked_for) {
  EXPECT_TRUE(has("몇 명이 왔나?", "모두 15명이 왔다."));
  EXPECT_TRUE(has("몇 명이 왔나?", "약 900만 명이 보았다."));
  EXPECT_TRUE(has("몇 개 나라가 왔나?", "16개국이 왔다."));
  EXPECT_FALSE(has("몇 명이 왔나?", "1950년에 왔다."));
  EXPECT_TRUE(has("거리는 얼마인가?", "거리는 1,200킬로미터이다."));
  EXPECT_TRUE(has("How many came?", "There were three of them."));
  EXPECT_FALSE(has("How many came?", "Nobody came."));
}

TEST(Asked, titles_stand_in_quotes_and_names_begin_with_a_capital) {
  EXPECT_TRUE(has("소설의 제목은?", "그는 《무정》을 썼다."));
  EXPECT_FALSE(has("《무정》 다음에 쓴 소설의 제목은?", "그는 《무정》을 썼다."));
  EXPECT_FALSE(has("소설의 제목은?", "그는 〈무정을 썼다."));
  EXPECT_TRUE(has("Who wrote the program?", "The program was written by Ada Lovelace."));
  EXPECT_FALSE(has("Who was Ada?", "It was said that Ada liked horses."));
  EXPECT_FALSE(has("Who wrote it?", "Nobody knows."));
}

}  // namespace
}  // namespace bantam
