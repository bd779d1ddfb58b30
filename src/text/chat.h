// Conversations as token ids, in the ChatML form our own models are trained on. Used by training, the engine's clients
// and the chat command.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace bantam {

struct ChatMessage {
  std::string role;  // "system", "user" or "assistant"
  std::string content;
};

struct ChatTokens {
  std::vector<int32_t> ids;
  // [ids.size()] Whether the assistant writes this token: the content of its messages and the <|im_end|> after it.
  std::vector<bool> is_answer;
};

// <|im_start|>role\ncontent<|im_end|>\n for every message, then <|im_start|>assistant\n when an answer is to be
// generated. Role and content are encoded as plain text, each on its own, so no text can become a control token and a
// generated answer has the same ids when it is sent back as history.
// Vocabularies without <|im_start|> and <|im_end|> get "User: content\n" lines and "Assistant:" instead, as one text.
// Throws UsageError for another role.
ChatTokens encode_chat(const Tokenizer& tokenizer, std::span<const ChatMessage> messages,
                       bool add_generation_prompt = true);

}  // namespace bantam
