#include "base/utf8.h"

#include <gtest/gtest.h>

namespace bantam {
namespace {

TEST(Utf8, every_scalar_value_survives_encoding_and_decoding) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string bytes;
    append_utf8(bytes, c);
    const auto back = decode_utf8(bytes);
    ASSERT_TRUE(back && back->value == c && static_cast<size_t>(back->bytes) == bytes.size());
  }
}

TEST(Utf8, overlong_forms_surrogates_and_values_past_the_last_plane_are_invalid) {
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE2\x82", "\xC3("}) {
    EXPECT_FALSE(decode_utf8(bad)) << bad;
    EXPECT_EQ(find_invalid_utf8(std::string("ab") + bad), 2u);
  }
  EXPECT_FALSE(find_invalid_utf8("한국어 and English \xF0\x9F\x98\x80"));
}

TEST(Utf8, the_whole_prefix_leaves_out_only_an_unfinished_character) {
  const std::string text = "a\xED\x95\x9C\xF0\x9F\x98\x80";  // a, Hangul (3 bytes), emoji (4 bytes)
  const size_t expected[] = {0, 1, 1, 1, 4, 4, 4, 4, 8};
  for (size_t n = 0; n <= text.size(); ++n) {
    EXPECT_EQ(whole_utf8_prefix(std::string_view(text).substr(0, n)), expected[n]) << n;
  }
  EXPECT_EQ(whole_utf8_prefix("a\xFF"), 2u);      // can never become valid: not held back
  EXPECT_EQ(whole_utf8_prefix("a\xED\xA0"), 3u);  // a surrogate's first two bytes: likewise
}

}  // namespace
}  // namespace bantam
