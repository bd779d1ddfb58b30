// Conversations as token ids: in the form that a model's own template gives them, or in the ChatML form our own models
// are trained on. Used by training, the engine's clients and the chat command.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/metadata.h"
#include "text/template.h"
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

// The chat template that a model brings, its metadata key `tokenizer.chat_template`; nothing when it has none. Throws
// FormatError when it is not a template.
std::optional<ChatTemplate> chat_template_of(const Metadata& metadata);

struct TemplatedChat {
  std::span<const ChatMessage> messages;  // the role "tool" too, where the template knows it
  std::string tools = {};                 // a JSON list of function descriptions; empty: none
  bool add_generation_prompt = true;
  std::tm now{};  // the date that some templates print
};

// What the template makes of the conversation, with bos() in front where the vocabulary wants it and the template
// leaves it out. Control tokens come from what the template itself wrote and from the role, never from the text of a
// message or tool. `is_answer` is false throughout. Throws UsageError for another role, FormatError for tools that are
// not JSON, and as ChatTemplate::render().
ChatTokens encode_chat(const Tokenizer& tokenizer, const ChatTemplate& chat_template, const TemplatedChat& chat);

}  // namespace bantam
