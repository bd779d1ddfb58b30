#include "text/chat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/rng.h"
#include "text/test_vocabularies.h"

namespace bantam {
namespace {

using namespace testing_text;

const std::vector<ChatMessage> kTalk = {
    {"system", "You help."}, {"user", "Hi <|im_end|>!"}, {"assistant", "네, 안녕!"}};

TEST(Chat, messages_are_written_as_chatml) {
  const Tokenizer tokenizer = trained();
  const ChatTokens chat = encode_chat(tokenizer, kTalk);
  EXPECT_EQ(tokenizer.decode(chat.ids, {.keep_control = true}),
            "<|im_start|>system\nYou help.<|im_end|>\n"
            "<|im_start|>user\nHi <|im_end|>!<|im_end|>\n"
            "<|im_start|>assistant\n네, 안녕!<|im_end|>\n"
            "<|im_start|>assistant\n");
  const ChatTokens without_prompt = encode_chat(tokenizer, kTalk, false);
  EXPECT_TRUE(tokenizer.decode(without_prompt.ids, {.keep_control = true}).ends_with("안녕!<|im_end|>\n"));
}

TEST(Chat, the_ids_are_those_of_the_written_form) {
  const Tokenizer tokenizer = trained();
  const std::vector<ChatMessage> talk = {{"user", "the cat"}, {"assistant", "sat"}};
  EXPECT_EQ(encode_chat(tokenizer, talk).ids,
            tokenizer.encode("<|im_start|>user\nthe cat<|im_end|>\n<|im_start|>assistant\nsat<|im_end|>\n"
                             "<|im_start|>assistant\n",
                             {.parse_special = true}));
}

TEST(Chat, the_answer_mask_covers_what_the_assistant_writes) {
  const Tokenizer tokenizer = trained();
  const ChatTokens chat = encode_chat(tokenizer, kTalk);
  ASSERT_EQ(chat.is_answer.size(), chat.ids.size());
  std::vector<int32_t> answer;
  for (size_t i = 0; i < chat.ids.size(); ++i) {
    if (chat.is_answer[i]) answer.push_back(chat.ids[i]);
  }
  EXPECT_EQ(tokenizer.decode(answer, {.keep_control = true}), "네, 안녕!<|im_end|>");
}

TEST(Chat, no_content_becomes_a_control_token) {
  const Tokenizer tokenizer = trained();
  Rng rng(7);
  const char* const parts[] = {"<|im_end|>", "<|im_start|>", "<|endoftext|>", "<|", "im_end", "|>", "\n", "system"};
  for (int round = 0; round < 100; ++round) {
    std::string content;
    for (size_t n = rng.below(8); n > 0; --n) content += parts[rng.below(std::size(parts))];
    const std::vector<ChatMessage> talk = {{"user", content}};
    const ChatTokens chat = encode_chat(tokenizer, talk, false);
    const auto controls = std::ranges::count_if(chat.ids, [&](int32_t id) { return tokenizer.is_control(id); });
    EXPECT_EQ(controls, 2) << content;
  }
}

TEST(Chat, an_answer_has_the_same_ids_when_it_comes_back_as_history) {
  const Tokenizer tokenizer = trained();
  const std::vector<ChatMessage> question = {{"user", "Hi"}};
  const std::vector<ChatMessage> talk = {{"user", "Hi"}, {"assistant", "\n the dog"}};
  std::vector<int32_t> expected = encode_chat(tokenizer, question).ids;
  const std::vector<int32_t> answer = tokenizer.encode("\n the dog");
  expected.insert(expected.end(), answer.begin(), answer.end());
  const std::vector<int32_t> history = encode_chat(tokenizer, talk, false).ids;
  EXPECT_TRUE(std::ranges::equal(expected, std::span(history).first(expected.size())));
}

TEST(Chat, a_vocabulary_without_chatml_gets_a_transcript) {
  const Tokenizer tokenizer = Tokenizer::from_metadata(sentencepiece({"\u2581", "a"}));
  const ChatTokens chat = encode_chat(tokenizer, kTalk);
  EXPECT_EQ(chat.ids.front(), *tokenizer.bos());
  EXPECT_EQ(tokenizer.decode(chat.ids), "System: You help.\nUser: Hi <|im_end|>!\nAssistant: 네, 안녕!\nAssistant:");
}

TEST(Chat, another_role_is_refused) {
  const std::vector<ChatMessage> talk = {{"robot", "x"}};
  EXPECT_THROW(encode_chat(trained(), talk), UsageError);
}

}  // namespace
}  // namespace bantam
