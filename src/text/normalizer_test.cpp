#include "text/normalizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace bantam {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::string normalized(const std::vector<std::string>& steps, std::string_view text) {
  return Normalizer(steps, {}, "test").normalize(text);
}

TEST(Normalizer, each_step_does_what_its_name_says) {
  EXPECT_EQ(normalized({"nfc"}, "e\u0301 \uFB01"), "\u00E9 \uFB01");
  EXPECT_EQ(normalized({"nfd"}, "\u00E9\uAC01"), "e\u0301\u1100\u1161\u11A8");
  EXPECT_EQ(normalized({"nfkc"}, "\uFB01\uFF21\u00A0\u2460\u2026"), "fiA 1...");
  EXPECT_EQ(normalized({"nfkd"}, "\u00E9\uFB01"), "e\u0301fi");
  EXPECT_EQ(normalized({"lowercase"}, "AbÇΣ \u0130"), "abçσ i\u0307");
  EXPECT_EQ(normalized({"nfd", "strip_accents"}, "é\u0323ñ각"), "en\u1100\u1161\u11A8");
  EXPECT_EQ(normalized({"strip_left"}, " \t\u3000a b "), "a b ");
  EXPECT_EQ(normalized({"strip_right"}, " a b\u2003\n"), " a b");
  EXPECT_EQ(normalized({"strip_left", "strip_right"}, " \n "), "");
  EXPECT_EQ(normalized({"prepend", "\u2581"}, "a"), "\u2581a");
  EXPECT_EQ(normalized({"prepend", "\u2581"}, ""), "");
  EXPECT_EQ(normalized({"replace", "``", "\""}, "a``b```"), "a\"b\"`");
  EXPECT_EQ(normalized({"replace_pattern", " {2,}", " "}, "a   b  c d"), "a b c d");
}

TEST(Normalizer, steps_follow_each_other) {
  EXPECT_EQ(normalized({"replace", "b", "", "lowercase", "prepend", "B"}, "ABb"), "Bab");
}

TEST(Normalizer, bytes_that_are_not_utf8_stay) {
  for (const char* step : {"nfc", "nfd", "nfkc", "nfkd", "lowercase", "strip_accents", "strip_left", "strip_right"}) {
    EXPECT_EQ(normalized({step}, "a\xFF\xE2\x82z"), "a\xFF\xE2\x82z") << step;
  }
}

TEST(Normalizer, what_is_not_known_is_named_with_what_is) {
  EXPECT_THAT(
      [] {
        normalized({"nfc", "rot13"}, "");
      },
      ThrowsMessage<UnsupportedError>(testing::AllOf(HasSubstr("'rot13'"), HasSubstr("nfkc, nfkd, lowercase"))));
  EXPECT_THAT([] { normalized({"replace", "a"}, ""); }, ThrowsMessage<FormatError>(HasSubstr("has 1 texts")));
  EXPECT_THAT([] { normalized({"replace", "", "a"}, ""); }, ThrowsMessage<FormatError>(HasSubstr("not empty")));
  EXPECT_THAT([] { normalized({"prepend"}, ""); }, ThrowsMessage<FormatError>(HasSubstr("'prepend'")));
  EXPECT_THROW(normalized({"replace_pattern", "(", "a"}, ""), UnsupportedError);
}

}  // namespace
}  // namespace bantam
