#include "text/unicode.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "base/utf8.h"
#include "text/byte_alphabet.h"
#include "text/test_vocabularies.h"

namespace bantam {
namespace {

TEST(Unicode, classes_follow_the_general_category) {
  for (const char32_t letter : {U'a', U'Z', U'é', U'ʰ', U'가', U'中', U'я'}) {
    EXPECT_EQ(char_class(letter), CharClass::letter) << static_cast<uint32_t>(letter);
  }
  for (const char32_t number : {U'0', U'٣', U'½', U'Ⅷ'}) EXPECT_EQ(char_class(number), CharClass::number);
  for (const char32_t space : {U' ', U'\t', U'\u0085', U'\u00A0', U'\u2028', U'\u3000'}) {
    EXPECT_EQ(char_class(space), CharClass::space);
  }
  for (const char32_t other : {U'!', U'\u0301', U'\u200B', U'🦙', U'_', U'\uFFFE', U'\U0010FFFF'}) {
    EXPECT_EQ(char_class(other), CharClass::other) << static_cast<uint32_t>(other);
  }
}

TEST(Unicode, nfc_composes_letters_and_hangul) {
  EXPECT_EQ(to_nfc("e\u0301te\u0301"), "\u00E9t\u00E9");
  EXPECT_EQ(to_nfc("x \u1112\u1161\u11AB\u1100\u1173\u11AF y"), "x 한글 y");
  EXPECT_EQ(to_nfc("\uAC00\u11A8"), "\uAC01");
  EXPECT_EQ(to_nfc("a\u0301\u0323"), "\u1EA1\u0301") << "marks are put in canonical order";
}

TEST(Unicode, nfc_leaves_composed_text_and_broken_bytes_alone) {
  for (const std::string text :
       {"", "plain", "한국어와 中文, “quotes” – ½", "\xFF", "e\xCC", "a\xFF\u0301 가", "Ω≠\u00C5"}) {
    EXPECT_EQ(to_nfc(text), text);
  }
}

TEST(Unicode, a_broken_byte_does_not_hide_what_follows_it) {
  EXPECT_EQ(to_nfc("\xFF"
                   "e\u0301\xFF"),
            "\xFF\u00E9\xFF");
}

TEST(Unicode, nfc_of_nfc_is_the_same) {
  Rng rng(1);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (int i = 0; i < 40; ++i)
      append_utf8(text, static_cast<char32_t>(rng.below(2) ? rng.below(0x400) : 0x1100 + rng.below(0x100)));
    EXPECT_EQ(to_nfc(to_nfc(text)), to_nfc(text));
  }
}

TEST(Unicode, a_long_run_of_marks_out_of_order_stays_fast) {
  std::string text = "a";
  for (int i = 0; i < 200'000; ++i) text += i % 2 ? "\u0316" : "\u0301";
  EXPECT_EQ(to_nfc(text).size(), text.size() - 1)
      << "only the first mark composes; quadratic sorting would take minutes";
}

TEST(ByteAlphabet, every_byte_has_its_own_printable_character) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  EXPECT_EQ(from_byte_alphabet(to_byte_alphabet(all)), all);
  EXPECT_EQ(to_byte_alphabet(" a\n"), "\u0120a\u010A");
  EXPECT_EQ(from_byte_alphabet("\uAC00 "), "\uAC00 ") << "characters outside stand for themselves";
}

}  // namespace
}  // namespace bantam
