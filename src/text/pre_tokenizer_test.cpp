#include "text/pre_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "text/pattern.h"
#include "text/test_vocabularies.h"

namespace bantam {
namespace {

using testing::ElementsAre;

struct Published {
  const char* name;
  std::vector<const char*> expressions;  // one for each stage
};

constexpr const char* kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen2 =
    R"('(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kLlama3 =
    R"('(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// From the tokenizer.json files of the models; (?i:...) is written out, as it would also take U+017F for an s.
const std::vector<Published>& published() {
  static const std::vector<Published> list = {
      {"default", {R"([\p{P}\$\+<=>\^~\|]+)", kGpt2, R"(\p{N}+)", "[0-9][0-9][0-9]"}},
      {"gpt-2", {kGpt2}},
      {"starcoder", {R"(\p{N})", kGpt2}},
      {"falcon", {R"([\p{P}\$\+<=>\^~\|`]+)", kGpt2, "[0-9][0-9][0-9]"}},
      {"bloom", {R"( ?[^(\s|.,!?…。，、।۔،)]+)"}},
      {"viking", {R"( ?[^(\s|.,!?…。，、।۔،)]+)", R"(\p{N})"}},
      {"llama-bpe", {kLlama3}},
      {"qwen2", {kQwen2}},
      {"qwen35",
       {R"('(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
      {"seed-coder",
       {R"('(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
      {"ufakzeka", {R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
      {"bailingmoe",
       {R"('(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)"}},
      {"minicpm5", {R"(\p{N}{1,3})", kLlama3}},
      {"laguna", {R"([^\n]+|[\n]+)", kQwen2}},
      {"tekken",
       {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
      {"gpt-4o",
       {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+('(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL]))?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*('(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL]))?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
      {"kimi-k2",
       {R"(\p{sc:Han}+|[^\r\n\p{L}\p{N}]?(?:(?!\p{sc:Han})[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])*(?:(?!\p{sc:Han})[\p{Ll}\p{Lm}\p{Lo}\p{M}])+('(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL]))?|[^\r\n\p{L}\p{N}]?(?:(?!\p{sc:Han})[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])+(?:(?!\p{sc:Han})[\p{Ll}\p{Lm}\p{Lo}\p{M}])*('(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL]))?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
      {"deepseek-coder", {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", R"([一-龥ࠀ-一가-퟿]+)", R"(\p{N})"}},
      {"deepseek-v3",
       {R"(\p{N}{1,3})", R"([一-龥぀-ゟ゠-ヿ]+)",
        R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
  };
  return list;
}

// Letters with and without case, marks, digits, symbols, Han, Kana, Hangul, spaces of all kinds, in short runs.
std::string random_characters(Rng& rng) {
  static constexpr std::u32string_view kKinds[] = {U"aztsmdl",
                                                   U"AZTSMDL",
                                                   U"éñßаж",
                                                   U"ÉÑАЖǅ",
                                                   U"ªʰــ",
                                                   U"אبกあア",
                                                   U"中文々〇",
                                                   U"나는학교",
                                                   U"\u0301\u0308\u0E31\u0903",
                                                   U"0123456789",
                                                   U"½Ⅷ٣²",
                                                   U" ",
                                                   U"\t\v\u00A0\u3000\u2028\u0085",
                                                   U"\n\r",
                                                   U"'",
                                                   U"!?.,;:-_()[]{}/\\",
                                                   U"$+<=>^`|~",
                                                   U"…。，、।۔،«»",
                                                   U"€©→😀",
                                                   U"\u200B\u200D\x01\x1F\u0378"};
  std::string text;
  for (size_t runs = rng.below(24); runs > 0; --runs) {
    const std::u32string_view kind = kKinds[rng.below(std::size(kKinds))];
    for (size_t n = 1 + rng.below(4); n > 0; --n) append_utf8(text, kind[rng.below(kind.size())]);
  }
  return text;
}

TEST(PreTokenizer, every_scanner_cuts_as_its_published_expression_does) {
  for (const auto& [name, expressions] : published()) {
    const std::vector<Pattern> stages(expressions.begin(), expressions.end());
    const PreTokenizer kind = find_pre_tokenizer(name).value().kind;
    Rng rng(5);
    for (int round = 0; round < 2000; ++round) {
      const std::string text = random_characters(rng);
      ASSERT_EQ(split_words(kind, text), split_words(stages, text)) << name << " in " << testing::PrintToString(text);
    }
  }
}

TEST(PreTokenizer, gpt2_keeps_one_space_with_a_word_and_joins_digits) {
  EXPECT_THAT(split_words(PreTokenizer::gpt2, "it's  42 we'LL \n x!?\n"),
              ElementsAre("it", "'s", " ", " 42", " we", "'", "LL", " \n", " x", "!?", "\n"));
}

TEST(PreTokenizer, llama3_takes_three_digits_and_newlines_after_punctuation) {
  EXPECT_THAT(split_words(PreTokenizer::llama3, "it'S 12345 (see)\n\n\n  we \n x  "),
              ElementsAre("it", "'S", " ", "123", "45", " (", "see", ")\n\n\n", " ", " we", " \n", " x", "  "));
}

TEST(PreTokenizer, qwen2_takes_single_digits) {
  EXPECT_THAT(split_words(PreTokenizer::qwen2, "a\t123 나는-\u00BD"),
              ElementsAre("a", "\t", "1", "2", "3", " 나는", "-", "\u00BD"));
}

TEST(PreTokenizer, starcoder_cuts_digits_out_before_words) {
  EXPECT_THAT(split_words(PreTokenizer::starcoder, "x 12  y"), ElementsAre("x", " ", "1", "2", " ", " y"));
}

TEST(PreTokenizer, deepseek_llm_cuts_in_stages) {
  EXPECT_THAT(split_words(PreTokenizer::deepseek_llm, "Hi there, \u4E2D\u6587 3.5\n  "),
              ElementsAre("Hi", " there", ",", " ", "\u4E2D\u6587", " ", "3", ".", "5", "\n", "  "));
}

TEST(PreTokenizer, a_broken_byte_is_a_symbol) {
  EXPECT_THAT(split_words(PreTokenizer::qwen2,
                          "a\xFF\xFE"
                          "b"),
              ElementsAre("a", "\xFF\xFE", "b"));
}

TEST(PreTokenizer, the_words_together_are_the_text) {
  Rng rng(2);
  for (int round = 0; round < 200; ++round) {
    const std::string text = testing_text::random_text(rng, rng.below(200));
    for (const Published& known : published()) {
      std::string together;
      for (const std::string_view word : split_words(find_pre_tokenizer(known.name)->kind, text)) {
        EXPECT_FALSE(word.empty());
        together += word;
      }
      EXPECT_EQ(together, text);
    }
  }
}

TEST(Pattern, an_expression_that_is_none_is_refused_with_the_place) {
  EXPECT_THAT([] { Pattern("a(b"); },
              testing::ThrowsMessage<UnsupportedError>(testing::HasSubstr("'a(b' is not one at byte 3")));
}

TEST(Pattern, backtracking_without_end_is_stopped) {
  const Pattern pattern("(a+)+$");
  EXPECT_THROW(pattern.find_all(std::string(64, 'a') + "b"), UsageError);
}

TEST(Pattern, bytes_that_are_not_utf8_count_as_control_characters) {
  const std::vector<Pattern> letters = {Pattern(R"(\p{L}+)")};
  EXPECT_THAT(split_words(letters, "a\xFF\xFE\u00E9"), ElementsAre("a", "\xFF\xFE", "\u00E9"));
}

TEST(PreTokenizer, a_name_says_more_than_how_words_are_cut) {
  EXPECT_EQ(find_pre_tokenizer("llama-bpe")->kind, find_pre_tokenizer("dbrx")->kind);
  EXPECT_TRUE(find_pre_tokenizer("llama-bpe")->whole_words_first);
  EXPECT_FALSE(find_pre_tokenizer("dbrx")->whole_words_first);
  EXPECT_FALSE(find_pre_tokenizer("tomorrow's"));
}

}  // namespace
}  // namespace bantam
