#include "text/stream_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"
#include "base/utf8.h"
#include "text/test_vocabularies.h"

namespace bantam {
namespace {

using namespace testing_text;

std::vector<std::string> pushed(const Tokenizer& tokenizer, std::span<const int32_t> ids, int32_t previous = -1) {
  StreamDecoder decoder(tokenizer, previous);
  std::vector<std::string> parts;
  for (const int32_t id : ids) parts.push_back(decoder.push(id));
  parts.push_back(decoder.finish());
  return parts;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += part;
  return text;
}

TEST(StreamDecoder, a_character_split_over_tokens_comes_out_when_it_is_whole) {
  const Tokenizer tokenizer = trained({.vocab_size = 259});  // bytes only
  EXPECT_THAT(pushed(tokenizer, tokenizer.encode("a가")), testing::ElementsAre("a", "", "", "가", ""));
}

TEST(StreamDecoder, the_parts_are_whole_characters_and_together_the_decoded_text) {
  const Tokenizer bpe = trained(), bytes = trained({.vocab_size = 259});
  const Tokenizer spm = Tokenizer::from_metadata(sentencepiece({"\u2581a", "\u2581", "가", "a"}, {"<user>"}));
  const std::string text = std::string(kEnglish) + "<user> " + kKorean + "🦙 é 𝄞";
  for (const Tokenizer* tokenizer : {&bpe, &bytes, &spm}) {
    const auto ids = tokenizer->encode(text);
    const auto parts = pushed(*tokenizer, ids);
    for (const std::string& part : parts) EXPECT_EQ(find_invalid_utf8(part), std::nullopt);
    EXPECT_EQ(joined(parts), tokenizer->decode(ids));
    EXPECT_EQ(joined(parts), text);
  }
}

TEST(StreamDecoder, random_ids_always_give_valid_text) {
  const Tokenizer tokenizer = trained();
  Rng rng(5);
  for (int round = 0; round < 100; ++round) {
    std::vector<int32_t> ids(rng.below(60));
    for (int32_t& id : ids) id = static_cast<int32_t>(rng.below(static_cast<uint64_t>(tokenizer.vocab_size())));
    const std::string text = joined(pushed(tokenizer, ids));
    EXPECT_EQ(find_invalid_utf8(text), std::nullopt);
    const std::string decoded = tokenizer.decode(ids);
    if (!find_invalid_utf8(decoded)) {
      EXPECT_EQ(text, decoded);
    }
  }
}

TEST(StreamDecoder, bytes_that_never_become_a_character_are_replaced) {
  const Tokenizer tokenizer = trained({.vocab_size = 259});
  EXPECT_THAT(pushed(tokenizer, {{0xEA, 'a', 0xFF, 0xEA, 0xB0}}),
              testing::ElementsAre("", "\uFFFDa", "\uFFFD", "", "", "\uFFFD\uFFFD"));
}

TEST(StreamDecoder, text_that_continues_a_prompt_keeps_its_first_space) {
  const Tokenizer tokenizer = Tokenizer::from_metadata(sentencepiece({"\u2581a", "\u2581", "a"}));
  const std::vector<int32_t> ids = tokenizer.encode("a a");
  EXPECT_EQ(joined(pushed(tokenizer, ids)), "a a");
  EXPECT_EQ(joined(pushed(tokenizer, ids, *tokenizer.find("a"))), " a a");
  EXPECT_EQ(joined(pushed(tokenizer, ids, *tokenizer.bos())), "a a");
}

}  // namespace
}  // namespace bantam
