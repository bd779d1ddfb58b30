#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "base/rng.h"
#include "text/test_vocabularies.h"
#include "text/unicode.h"

namespace bantam {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace testing_text;

const std::vector<std::string> kPieces = {"\u2581a", "ab", "\u2581ab", "\u2581", "a", "b", "bc",
                                          "c",       "가", "<s",       "s",      "<", ">"};

std::vector<std::string> texts_of(const Tokenizer& tokenizer, std::span<const int32_t> ids) {
  std::vector<std::string> texts;
  for (const int32_t id : ids) texts.emplace_back(tokenizer.piece(id));
  return texts;
}

Metadata saved(const Tokenizer& tokenizer) {
  Metadata metadata("saved");
  tokenizer.to_metadata(metadata);
  return metadata;
}

void expect_format_error(const Metadata& metadata, const std::string& part) {
  try {
    Tokenizer::from_metadata(metadata);
    FAIL() << "accepted";
  } catch (const FormatError& error) {
    EXPECT_THAT(error.what(), HasSubstr(part));
  }
}

TEST(Tokenizer, byte_level_text_comes_back_whatever_its_bytes) {
  const Tokenizer tokenizer = trained();
  Rng rng(3);
  for (int round = 0; round < 200; ++round) {
    const std::string bytes = random_bytes(rng, rng.below(200)), text = random_text(rng, rng.below(200));
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(bytes)), to_nfc(bytes));
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), to_nfc(text));
  }
}

TEST(Tokenizer, sentencepiece_text_comes_back_whatever_its_bytes) {
  const Tokenizer tokenizer = Tokenizer::from_metadata(sentencepiece(kPieces, {"<user>"}));
  Rng rng(4);
  for (int round = 0; round < 200; ++round) {
    const std::string bytes = random_bytes(rng, rng.below(200));
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(bytes)), bytes);
  }
  for (const std::string text : {"", " ", "  ab  c ", "x<user>y", "<user> <user>  a", "가나다", "\n"}) {
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  }
}

TEST(Tokenizer, decomposed_text_has_the_ids_of_composed_text_where_the_vocabulary_asks_for_nfc) {
  const Tokenizer tokenizer = trained();
  EXPECT_EQ(tokenizer.encode("\u1112\u1161\u11A8\u1100\u116D"), tokenizer.encode("학교"));
  Metadata metadata = saved(tokenizer);
  metadata.set("bantam.tokenizer.normalize", std::string("none"));
  const Tokenizer exact = Tokenizer::from_metadata(metadata);
  EXPECT_EQ(exact.decode(exact.encode("\u1112\u1161\u11A8")), "\u1112\u1161\u11A8");
}

TEST(Tokenizer, text_between_added_tokens_is_normalised_by_itself) {
  Metadata metadata = sentencepiece(kPieces, {"<user>"});
  metadata.set("bantam.tokenizer.normalize", std::vector<std::string>{"lowercase", "strip_right"});
  const Tokenizer tokenizer = Tokenizer::from_metadata(metadata);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("AB \n")), "ab");
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("AB <user> CD ")), "ab<user> cd");
  EXPECT_EQ(tokenizer.encode("  "), std::vector<int32_t>());
  EXPECT_EQ(saved(tokenizer).strings("bantam.tokenizer.normalize"), metadata.strings("bantam.tokenizer.normalize"));
  // A mark behind a token does not take the token's last character with it.
  metadata.set("bantam.tokenizer.normalize", std::string("nfc"));
  const Tokenizer nfc = Tokenizer::from_metadata(metadata);
  EXPECT_EQ(nfc.decode(nfc.encode("<user>\u0338")), "<user>\u0338");
  metadata.set("bantam.tokenizer.normalize", std::string("rot13"));
  EXPECT_THROW(Tokenizer::from_metadata(metadata), UnsupportedError);
}

TEST(Tokenizer, a_space_prefix_may_be_left_out_where_there_is_a_space) {
  Metadata metadata = sentencepiece(kPieces);
  EXPECT_EQ(Tokenizer::from_metadata(metadata).encode(" ab").size(),
            Tokenizer::from_metadata(metadata).encode("ab").size() + 1);
  metadata.set("bantam.tokenizer.space_prefix_once", true);
  const Tokenizer once = Tokenizer::from_metadata(metadata);
  EXPECT_EQ(once.encode(" ab"), once.encode("ab"));
  EXPECT_TRUE(saved(once).flag_or("bantam.tokenizer.space_prefix_once", false));
}

TEST(Tokenizer, sentencepiece_joins_the_best_score_first_and_then_from_the_left) {
  const Tokenizer tokenizer = Tokenizer::from_metadata(sentencepiece(kPieces));
  EXPECT_THAT(texts_of(tokenizer, tokenizer.encode("abc")), ElementsAre(" ab", "c"));
  EXPECT_THAT(texts_of(tokenizer, tokenizer.encode("bab")), ElementsAre(" ", "b", "ab"));
  const Tokenizer run = Tokenizer::from_metadata(sentencepiece({"aa", "\u2581", "a"}));
  EXPECT_THAT(texts_of(run, run.encode("aaa")), ElementsAre(" ", "aa", "a"));
}

TEST(Tokenizer, a_character_that_is_only_part_of_tokens_still_joins) {
  const Tokenizer tokenizer = Tokenizer::from_metadata(sentencepiece({"xy", "\u2581"}));
  EXPECT_THAT(texts_of(tokenizer, tokenizer.encode("xyx")), ElementsAre(" ", "xy", "x"));
  EXPECT_EQ(tokenizer.type(tokenizer.encode("xyx").back()), TokenType::byte);
}

TEST(Tokenizer, a_vocabulary_with_spaces_inside_tokens_is_merged_across_words) {
  const Tokenizer tokenizer = Tokenizer::from_metadata(sentencepiece({"a\u2581b", "a\u2581", "\u2581", "a", "b"}));
  EXPECT_THAT(texts_of(tokenizer, tokenizer.encode("a b")), ElementsAre(" ", "a b"));
}

TEST(Tokenizer, extra_spaces_are_removed_where_the_vocabulary_asks_for_it) {
  Metadata metadata = sentencepiece(kPieces);
  metadata.set("tokenizer.ggml.remove_extra_whitespaces", true);
  const Tokenizer tokenizer = Tokenizer::from_metadata(metadata);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("  a   b  ")), "a b");
}

TEST(Tokenizer, unigram_takes_the_pieces_whose_scores_sum_highest) {
  // scores: _a -1, b -2, ab -3, _ab -4, c -5, bc -6, abc -7, _ -8, a -9
  const Tokenizer tokenizer =
      Tokenizer::from_metadata(unigram({"\u2581a", "b", "ab", "\u2581ab", "c", "bc", "abc", "\u2581", "a"}));
  EXPECT_THAT(texts_of(tokenizer, tokenizer.encode("ab")), ElementsAre(" a", "b"));
  EXPECT_THAT(texts_of(tokenizer, tokenizer.encode("abc")), ElementsAre(" a", "bc"));
  EXPECT_THAT(texts_of(tokenizer, tokenizer.encode("babc")), ElementsAre(" ", "b", "abc"));
  EXPECT_FALSE(tokenizer.wants_bos());
  EXPECT_TRUE(tokenizer.wants_eos());
  EXPECT_EQ(tokenizer.eos(), 2);
  for (const std::string text : {"", "abc", "z", "\xFF 가나다 z", " a "}) {
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text) << "by way of byte tokens";
  }
}

TEST(Tokenizer, unigram_without_byte_tokens_has_one_unknown_token_for_a_run) {
  Metadata metadata = unigram({"\u2581a", "b", "\u2581"});
  auto types = metadata.integers_or_empty("tokenizer.ggml.token_type");
  std::ranges::replace(types, 6, 5);
  metadata.set("tokenizer.ggml.token_type", types);
  const Tokenizer tokenizer = Tokenizer::from_metadata(metadata);
  EXPECT_THAT(tokenizer.encode("a가나b다"), ElementsAre(259, 0, 260, 0));
}

TEST(Tokenizer, a_table_of_characters_is_applied_before_pieces_are_sought) {
  Metadata metadata = unigram({"\u2581a", "b", "\u2581"});
  std::vector<int64_t> table;
  for (const char byte : chars_map_bytes({{"A", "a"}, {"\u3000", " "}})) table.push_back(static_cast<uint8_t>(byte));
  metadata.set("tokenizer.ggml.precompiled_charsmap", table);
  const Tokenizer tokenizer = Tokenizer::from_metadata(metadata);
  EXPECT_THAT(texts_of(tokenizer, tokenizer.encode("Ab\u3000A")), ElementsAre(" a", "b", " a"));
  EXPECT_EQ(Tokenizer::from_metadata(saved(tokenizer)).encode("Ab\u3000A"), tokenizer.encode("ab a"));
}

TEST(Tokenizer, a_table_of_characters_that_is_larger_than_any_is_refused) {
  Metadata metadata = unigram({"a"});
  metadata.set("tokenizer.ggml.precompiled_charsmap", std::vector<int64_t>((1 << 20) + 1));
  EXPECT_THAT([&] { Tokenizer::from_metadata(metadata); },
              testing::ThrowsMessage<FormatError>(testing::HasSubstr("has 1048577 bytes, expected at most 1048576")));
}

TEST(Tokenizer, control_tokens_in_a_text_are_text_unless_asked_for) {
  const Tokenizer trained_bpe = trained();
  const int32_t end = *trained_bpe.find("<|im_end|>");
  EXPECT_THAT(trained_bpe.encode("<|im_end|>"), testing::Each(testing::Lt(*trained_bpe.find("<|endoftext|>"))));
  EXPECT_THAT(trained_bpe.encode("<|im_end|>", {.parse_special = true}), ElementsAre(end));

  const Tokenizer spm = Tokenizer::from_metadata(sentencepiece(kPieces));
  EXPECT_THAT(texts_of(spm, spm.encode("<s>")), ElementsAre(" ", "<s", ">")) << "'<s' and '>' must not join to <s>";
  EXPECT_THAT(spm.encode("<0x0A><unk>"), testing::Each(testing::Gt(2)));
  EXPECT_THAT(spm.encode("<s>", {.parse_special = true}), ElementsAre(1));
}

TEST(Tokenizer, user_defined_tokens_are_always_matched_the_longest_first) {
  const Tokenizer tokenizer = Tokenizer::from_metadata(sentencepiece(kPieces, {"<x>", "<x><x>", "<x>>"}));
  EXPECT_THAT(texts_of(tokenizer, tokenizer.encode("<x><x><x>>b")), ElementsAre("<x><x>", "<x>>", " ", "b"));
}

TEST(Tokenizer, an_added_token_takes_the_spaces_and_stands_alone_where_the_vocabulary_says_so) {
  Metadata metadata = sentencepiece(kPieces, {"<l>", "<r>", "<w>"});
  const auto first = static_cast<int64_t>(259 + kPieces.size());
  metadata.set("bantam.tokenizer.lstrip_token_ids", std::vector<int64_t>{first});
  metadata.set("bantam.tokenizer.rstrip_token_ids", std::vector<int64_t>{first + 1});
  metadata.set("bantam.tokenizer.single_word_token_ids", std::vector<int64_t>{first + 2});
  const Tokenizer tokenizer = Tokenizer::from_metadata(metadata);
  EXPECT_THAT(texts_of(tokenizer, tokenizer.encode("a \t<l> b")), ElementsAre(" a", "<l>", " ", " ", "b"));
  EXPECT_THAT(texts_of(tokenizer, tokenizer.encode("a <r>\n b")), ElementsAre(" a", " ", "<r>", " ", "b"));
  EXPECT_EQ(tokenizer.encode("<w> <w>").size(), 4u) << "two tokens, the prefix and a space";
  EXPECT_THAT(tokenizer.encode("<w>b"), testing::Not(testing::Contains(first + 2)));
  EXPECT_EQ(Tokenizer::from_metadata(saved(tokenizer)).encode("a <l> <r> b"), tokenizer.encode("a <l> <r> b"));
  metadata.set("bantam.tokenizer.lstrip_token_ids", std::vector<int64_t>{first + 3});
  expect_format_error(metadata, "'bantam.tokenizer.lstrip_token_ids'");
}

TEST(Tokenizer, a_token_that_ends_a_turn_is_control_even_if_called_user_defined) {
  const Tokenizer tokenizer = Tokenizer::from_metadata(sentencepiece(kPieces, {"<|im_start|>", "<|im_end|>"}));
  const int32_t end = *tokenizer.find("<|im_end|>");
  EXPECT_TRUE(tokenizer.is_control(end));
  EXPECT_TRUE(tokenizer.is_end_of_generation(end));
  EXPECT_FALSE(tokenizer.is_end_of_generation(*tokenizer.find("<|im_start|>")));
  EXPECT_THAT(tokenizer.encode("<|im_end|>"), testing::Not(testing::Contains(end)));
}

TEST(Tokenizer, the_marks_of_a_call_are_text_even_if_called_control) {
  Metadata metadata = sentencepiece(kPieces, {"<tool_call>", "</tool_call>"});
  std::vector<int64_t> types = metadata.integers_or_empty("tokenizer.ggml.token_type");
  types.end()[-2] = types.end()[-1] = 3;
  metadata.set("tokenizer.ggml.token_type", types);
  const Tokenizer tokenizer = Tokenizer::from_metadata(metadata);
  for (const char* mark : {"<tool_call>", "</tool_call>"}) {
    EXPECT_EQ(tokenizer.type(*tokenizer.find(mark)), TokenType::user_defined);
    EXPECT_EQ(tokenizer.decode({{*tokenizer.find(mark)}}), mark);
  }
}

TEST(Tokenizer, bos_and_eos_are_put_where_asked) {
  const Tokenizer tokenizer = Tokenizer::from_metadata(sentencepiece(kPieces));
  EXPECT_TRUE(tokenizer.wants_bos());
  EXPECT_FALSE(tokenizer.wants_eos());
  EXPECT_THAT(tokenizer.encode("", {.add_bos = true, .add_eos = true}), ElementsAre(1, 2));
  EXPECT_EQ(tokenizer.decode({{1, 259 + 4, 2}}), "a");
  EXPECT_EQ(tokenizer.decode({{1, 259 + 4, 2}}, {.keep_control = true}), "<s>a</s>");
}

TEST(Tokenizer, saving_and_loading_gives_the_same_tokenizer) {
  for (const bool bpe : {true, false}) {
    const Tokenizer tokenizer = bpe ? trained() : Tokenizer::from_metadata(sentencepiece(kPieces, {"<user>"}));
    const Tokenizer again = Tokenizer::from_metadata(saved(tokenizer));
    EXPECT_EQ(again.vocab_size(), tokenizer.vocab_size());
    EXPECT_EQ(again.eos(), tokenizer.eos());
    EXPECT_EQ(again.padding(), tokenizer.padding());
    EXPECT_EQ(again.wants_bos(), tokenizer.wants_bos());
    const std::string text = std::string(kEnglish) + kKorean + "<user>ab e\u0301";
    EXPECT_EQ(again.encode(text), tokenizer.encode(text));
  }
}

TEST(Tokenizer, a_byte_the_vocabulary_lacks_becomes_the_replacement_character) {
  Metadata metadata = saved(trained());
  auto tokens = metadata.strings("tokenizer.ggml.tokens");
  ASSERT_EQ(tokens[0xFF], "\u00FF");
  tokens[0xFF] = "[gone]";
  metadata.set("tokenizer.ggml.tokens", tokens);
  const Tokenizer tokenizer = Tokenizer::from_metadata(metadata);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("a\xFFz")), "a\uFFFDz");
  tokens[0xBF] = "[gone too]";
  metadata.set("tokenizer.ggml.tokens", tokens);
  metadata.set("tokenizer.ggml.merges", std::vector<std::string>());
  expect_format_error(metadata, "no token for the byte 0xBF");
}

TEST(Tokenizer, a_pre_tokenizer_that_is_not_known_is_warned_about) {
  Metadata metadata = saved(trained());
  EXPECT_EQ(Tokenizer::from_metadata(metadata).warning(), "");
  metadata.set("tokenizer.ggml.pre", std::string("tomorrow's"));
  const Tokenizer tokenizer = Tokenizer::from_metadata(metadata);
  EXPECT_THAT(tokenizer.warning(), HasSubstr("'tomorrow's'"));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(kEnglish)), kEnglish);
  metadata.set("tokenizer.ggml.pre", std::string("default"));
  EXPECT_EQ(Tokenizer::from_metadata(metadata).warning(), "");
}

TEST(Tokenizer, expressions_of_the_vocabulary_itself_cut_its_words) {
  Metadata metadata = saved(trained());
  const Tokenizer named = Tokenizer::from_metadata(metadata);
  metadata.set("tokenizer.ggml.pre", std::string("custom"));
  metadata.set("bantam.tokenizer.word_patterns", std::vector<std::string>{"the", R"(\p{N})"});
  const Tokenizer tokenizer = Tokenizer::from_metadata(metadata);
  EXPECT_THAT(tokenizer.warning(), HasSubstr("regular expressions"));
  EXPECT_THAT(texts_of(tokenizer, tokenizer.encode("the")), texts_of(named, named.encode("the")));
  EXPECT_NE(tokenizer.encode(kEnglish), named.encode(kEnglish));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(kEnglish)), kEnglish);
  EXPECT_EQ(Tokenizer::from_metadata(saved(tokenizer)).encode(kEnglish), tokenizer.encode(kEnglish));
  metadata.set("bantam.tokenizer.word_patterns", std::vector<std::string>{"("});
  EXPECT_THROW(Tokenizer::from_metadata(metadata), UnsupportedError);
}

TEST(Tokenizer, unknown_models_are_named_with_the_known_ones) {
  Metadata metadata = saved(trained());
  metadata.set("tokenizer.ggml.model", std::string("rwkv"));
  EXPECT_THAT([&] { Tokenizer::from_metadata(metadata); },
              testing::ThrowsMessage<UnsupportedError>(testing::AllOf(HasSubstr("'rwkv'"), HasSubstr("gpt2"))));
}

TEST(Tokenizer, metadata_that_does_not_fit_together_is_refused) {
  const Metadata good = saved(trained());
  const auto with = [&](const char* key, MetaValue value) {
    Metadata changed = good;
    changed.set(key, std::move(value));
    return changed;
  };
  expect_format_error(with("tokenizer.ggml.tokens", std::vector<std::string>()), "0 entries");
  expect_format_error(with("tokenizer.ggml.token_type", std::vector<int64_t>{1, 2}), "2 entries");
  expect_format_error(with("tokenizer.ggml.token_type", std::vector<int64_t>(340, 7)), "entry 0 is 7");
  expect_format_error(with("tokenizer.ggml.merges", std::vector<std::string>{"a b c"}), "entry 0 is 'a b c'");
  expect_format_error(with("tokenizer.ggml.merges", std::vector<std::string>{""}), "entry 0 is ''");
  expect_format_error(with("tokenizer.ggml.eos_token_id", int64_t{340}), "is 340, but the vocabulary has 340 tokens");
  Metadata scores = sentencepiece(kPieces);
  scores.set("tokenizer.ggml.scores", std::vector<double>{1});
  expect_format_error(scores, "'tokenizer.ggml.scores' has 1 entries");
  expect_format_error(Metadata("empty.gguf"), "empty.gguf");
}

TEST(Tokenizer, an_id_outside_the_vocabulary_is_an_error_of_the_caller) {
  const Tokenizer tokenizer = trained();
  EXPECT_THROW(tokenizer.decode({{-1}}), UsageError);
  EXPECT_THROW(tokenizer.piece(tokenizer.vocab_size()), UsageError);
}

// CPU time, so that other work on the machine does not count.
double encode_seconds(const Tokenizer& tokenizer, std::string_view unit, size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += unit;
  const std::clock_t begin = std::clock();
  EXPECT_FALSE(tokenizer.encode(text).empty());
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

TEST(Tokenizer, eight_times_the_text_takes_about_eight_times_as_long) {
  const Tokenizer bpe = trained();
  const Tokenizer spm = Tokenizer::from_metadata(sentencepiece({"aa", "aaaa", "a", "\u2581\u2581", "\u2581"}, {"<x>"}));
  const Tokenizer uni = Tokenizer::from_metadata(unigram({"aa", "aaaa", "a", "\u2581\u2581", "\u2581"}, {"<x>"}));
  for (const Tokenizer* tokenizer : {&bpe, &spm, &uni}) {
    for (const char* unit : {"a", " ", "7", "!", "\n", "\uAC00", "\xFF", "\u0301", "<x>", "<|im_start|"}) {
      const double small = encode_seconds(*tokenizer, unit, size_t{1} << 15);
      const double large = encode_seconds(*tokenizer, unit, size_t{1} << 18);
      EXPECT_LT(large, 0.05 + 24 * small) << testing::PrintToString(unit);
    }
  }
}

}  // namespace
}  // namespace bantam
