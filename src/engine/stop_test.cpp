#include "engine/stop.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/error.h"

namespace bantam {
namespace {

struct Shown {
  std::string text;
  bool stopped = false;
  std::string found = {};
};

Shown stream(std::vector<std::string> stops, const std::vector<std::string>& pieces) {
  StopMatcher matcher(std::move(stops));
  Shown shown;
  for (const std::string& piece : pieces) {
    shown.stopped = matcher.push(piece, shown.text);
    shown.found = matcher.found();
    if (shown.stopped) return shown;
  }
  matcher.finish(shown.text);
  return shown;
}

TEST(Stop, a_stop_string_split_across_pieces_is_found_and_not_shown) {
  const Shown shown = stream({"END"}, {"one E", "N", "D two"});
  EXPECT_TRUE(shown.stopped);
  EXPECT_EQ(shown.text, "one ");
}

TEST(Stop, a_beginning_that_comes_to_nothing_is_shown_in_the_end) {
  EXPECT_EQ(stream({"END"}, {"EN", "EN"}).text, "ENEN");
  EXPECT_EQ(stream({"aab"}, {"aaa", "ac"}).text, "aaaac");
}

TEST(Stop, only_what_may_still_become_a_stop_string_is_held_back) {
  StopMatcher matcher({"abac"});
  std::string out;
  EXPECT_FALSE(matcher.push("xxaba", out));
  EXPECT_EQ(out, "xx");
  EXPECT_FALSE(matcher.push("b", out));  // "ab" of "abab" may still begin a stop string
  EXPECT_EQ(out, "xxab");
  EXPECT_TRUE(matcher.push("ac", out));
  EXPECT_EQ(out, "xxab");
}

TEST(Stop, the_string_completed_first_counts_and_the_longest_of_two_that_end_together) {
  EXPECT_EQ(stream({"abcd", "bc"}, {"xabcd"}).text, "xa");
  EXPECT_EQ(stream({"abcd", "bc"}, {"xabcd"}).found, "bc");
  EXPECT_EQ(stream({"c", "abc"}, {"xabc"}).text, "x");
  EXPECT_EQ(stream({"c", "abc"}, {"xabc"}).found, "abc");
  EXPECT_EQ(stream({"c", "abc"}, {"xab"}).found, "");
}

TEST(Stop, every_way_to_cut_a_text_gives_the_same_result) {
  const std::string text = "자 aabaabaaab 끝났다";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    for (size_t next = cut; next <= text.size(); ++next) {
      const Shown shown =
          stream({"aabaaa", "끝나"}, {text.substr(0, cut), text.substr(cut, next - cut), text.substr(next)});
      ASSERT_EQ(shown.text, "자 aab");
      ASSERT_TRUE(shown.stopped);
    }
  }
}

TEST(Stop, without_stop_strings_everything_passes_at_once) {
  StopMatcher matcher({});
  std::string out;
  EXPECT_FALSE(matcher.push("all", out));
  EXPECT_EQ(out, "all");
}

TEST(Stop, an_empty_stop_string_is_refused) { EXPECT_THROW(StopMatcher({"a", ""}), UsageError); }

TEST(Stop, a_long_stop_string_in_a_text_full_of_its_beginnings_takes_linear_time) {
  const std::string beginning(100'000, 'a');
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(stream({beginning + "b"}, std::vector<std::string>(20, beginning)).text.size(), 2'000'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));  // quadratic time would be hours
}

}  // namespace
}  // namespace bantam
