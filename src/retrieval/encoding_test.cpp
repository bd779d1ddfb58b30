#include "retrieval/encoding.h"

#include <gtest/gtest.h>
#include <iconv.h>

#include <algorithm>

#include "base/error.h"
#include "base/rng.h"

namespace bantam {
namespace {

constexpr std::string_view kKorean =
    "세종대왕은 1443년에 훈민정음을 만들었다. 한글은 자음과 모음을 모아 글자를 이룬다.\n"
    "부산에서 서울까지 기차로 2시간 30분쯤 걸립니다.\n";
constexpr std::string_view kFrench = "Le café est fermé l’été; “déjà vu”, naïve façade – 5 € la pièce.\n";

std::string encoded(std::string_view utf8, const char* encoding) {
  const iconv_t handle = ::iconv_open(encoding, "UTF-8");
  std::string out(4 * utf8.size() + 16, '\0');
  char *in = const_cast<char*>(utf8.data()), *to = out.data();
  size_t in_left = utf8.size(), to_left = out.size();
  EXPECT_EQ(::iconv(handle, &in, &in_left, &to, &to_left), 0u) << encoding;
  ::iconv_close(handle);
  out.resize(out.size() - to_left);
  return out;
}

TEST(Encoding, korean_is_read_in_every_encoding_it_comes_in) {
  EXPECT_EQ(decode_text(kKorean, "a"), kKorean);
  EXPECT_EQ(decode_text("\xEF\xBB\xBF" + std::string(kKorean), "a"), kKorean);
  for (const char* name : {"UTF-16LE", "UTF-16BE", "UTF-16", "EUC-KR", "CP949"}) {
    EXPECT_EQ(decode_text(encoded(kKorean, name), "a"), kKorean) << name;
  }
  EXPECT_EQ(decode_text("\xFE\xFF" + encoded(kKorean, "UTF-16BE"), "a"), kKorean);
  EXPECT_EQ(detect_encoding(encoded(kKorean, "EUC-KR"), "a"), Encoding::cp949);
}

TEST(Encoding, syllables_outside_ks_x_1001_are_read_from_cp949) {
  constexpr std::string_view kRare = "펲시맨이 똠방각하를 만났다. 오늘은 날씨가 좋다.";
  EXPECT_EQ(decode_text(encoded(kRare, "CP949"), "a"), kRare);
}

TEST(Encoding, a_korean_comment_in_ascii_source_is_cp949) {
  const std::string source = "int main() {  // 시작\n  return 0;\n}\n";
  EXPECT_EQ(decode_text(encoded(source, "CP949"), "a"), source);
}

TEST(Encoding, western_text_is_windows_1252_and_never_korean) {
  EXPECT_EQ(decode_text(encoded(kFrench, "CP1252"), "a"), kFrench);
  EXPECT_EQ(decode_text("It\x92s a \x93quote\x94.", "a"), "It’s a “quote”.");
  EXPECT_EQ(decode_text(encoded("Größe, Straße, Übermaß\n", "ISO-8859-1"), "a"), "Größe, Straße, Übermaß\n");
}

TEST(Encoding, utf16_without_a_mark_is_told_by_its_words) {
  for (const char* name : {"UTF-16LE", "UTF-16BE"}) {
    EXPECT_EQ(decode_text(encoded("Plain words, one line.\n", name), "a"), "Plain words, one line.\n") << name;
  }
  const std::string pair = encoded("llama \xF0\x9F\xA6\x99 here\n", "UTF-16LE");
  EXPECT_EQ(decode_text(pair, "a"), "llama \xF0\x9F\xA6\x99 here\n");
}

TEST(Encoding, a_cut_character_at_the_end_becomes_a_replacement) {
  const std::string cut(kKorean.substr(0, kKorean.size() - 3));  // in the middle of its last syllable
  ASSERT_NE(static_cast<uint8_t>(cut.back()) & 0x80, 0);
  const std::string text = decode_text(cut, "a");
  EXPECT_EQ(detect_encoding(cut, "a"), Encoding::utf8);
  EXPECT_NE(text.find("\uFFFD"), std::string::npos);
  EXPECT_TRUE(text.starts_with("세종대왕은"));
}

TEST(Encoding, text_is_composed_and_its_lines_end_in_line_feeds) {
  EXPECT_EQ(clean_text("\u1112\u1161\u11AB\u1100\u1173\u11AF"), "한글");
  EXPECT_EQ(clean_text("a\r\nb\rc\fd\ne"), "a\nb\nc\nd\ne");
  EXPECT_EQ(clean_text("\uFEFFsoft\u00ADware\x07\ttab \u0085 \u0090!"), "software\ttab   !");
  EXPECT_EQ(clean_text("e\x01\u0301"), "\u00E9") << "what is dropped does not keep a mark from its letter";
}

TEST(Encoding, binary_bytes_are_refused_with_the_reason) {
  Rng rng(1);
  std::string random(4096, '\0');
  std::ranges::generate(random, [&] { return static_cast<char>(rng.next()); });
  std::string no_zeros = random;
  std::erase(no_zeros, '\0');
  for (const std::string& bytes : {random, no_zeros,
                                   std::string("\x7F"
                                               "ELF\x02\x01\x01\0\0\0",
                                               10)}) {
    try {
      decode_text(bytes, "photo.txt");
      ADD_FAILURE() << "was read as text";
    } catch (const FormatError& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with("photo.txt: binary file")) << error.what();
    }
  }
}

TEST(Encoding, text_in_an_encoding_we_do_not_know_is_refused_not_garbled) {
  EXPECT_THROW(decode_text(encoded("Широкая электрификация южных губерний", "KOI8-R"), "a"), UnsupportedError);
  EXPECT_THROW(decode_text(encoded("吾輩は猫である。名前はまだ無い。", "SHIFT-JIS"), "a"), UnsupportedError);
}

TEST(Encoding, a_declared_encoding_holds_unless_the_bytes_say_otherwise) {
  const std::string one_syllable = encoded("<p>caf\u00E9</p>", "ISO-8859-1");
  EXPECT_EQ(declared_encoding("EUC-KR", encoded(kKorean, "EUC-KR"), "a"), Encoding::cp949);
  EXPECT_EQ(declared_encoding("euc-kr", kKorean, "a"), Encoding::utf8);
  EXPECT_EQ(declared_encoding("iso-8859-1", one_syllable, "a"), Encoding::windows_1252);
  EXPECT_EQ(declared_encoding("x-unknown", kKorean, "a"), Encoding::utf8);
}

}  // namespace
}  // namespace bantam
