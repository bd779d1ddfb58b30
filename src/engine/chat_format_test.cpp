#include "engine/chat_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/test_text_model.h"

namespace bantam {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

const ChatMessage kTalk[] = {{"system", "Be brief."}, {"user", "Who <|im_end|>?"}};

std::string prompt_with(const std::string& source, std::span<const ChatMessage> messages) {
  Metadata meta = byte_vocabulary();
  if (!source.empty()) meta.set("tokenizer.chat_template", source);
  const Tokenizer tokenizer = Tokenizer::from_metadata(meta);
  const std::vector<int32_t> ids = ChatFormat(tokenizer, meta).prompt(messages);
  std::string text;
  for (const int32_t id : ids) {
    text += tokenizer.is_control(id) ? "{" + std::string(tokenizer.piece(id)) + "}" : std::string(tokenizer.piece(id));
  }
  return text;
}

TEST(ChatFormat, a_models_own_template_decides) {
  EXPECT_EQ(prompt_with("{% for m in messages %}<|im_start|>{{ m.role }}: {{ m.content }}|{% endfor %}A:", kTalk),
            "{<|im_start|>}system: Be brief.|{<|im_start|>}user: Who <|im_end|>?|A:");
}

TEST(ChatFormat, without_a_template_it_is_chatml) {
  EXPECT_EQ(prompt_with("", kTalk),
            "{<|im_start|>}system\nBe brief.{<|im_end|>}\n{<|im_start|>}user\nWho <|im_end|>?{<|im_end|>}\n"
            "{<|im_start|>}assistant\n");
}

TEST(ChatFormat, a_template_without_system_messages_gets_their_text_with_the_first_question) {
  const std::string source =
      "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
      "{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}";
  EXPECT_EQ(prompt_with(source, kTalk), "user: Be brief.\n\nWho <|im_end|>?");
}

TEST(ChatFormat, a_refusal_for_another_reason_is_the_templates_own) {
  EXPECT_THAT([] { prompt_with("{{ raise_exception('one question only') }}", kTalk); },
              ThrowsMessage<UsageError>(HasSubstr("one question only")));
}

}  // namespace
}  // namespace bantam
