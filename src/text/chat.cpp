#include "text/chat.h"

#include <string_view>

#include "base/error.h"

namespace bantam {
namespace {

// The word a plain transcript uses for a role.
std::string_view speaker(std::string_view role) {
  if (role == "system") return "System";
  if (role == "user") return "User";
  if (role == "assistant") return "Assistant";
  throw UsageError("a message has the role '{}', expected system, user or assistant", role);
}

std::string transcript(std::span<const ChatMessage> messages, bool add_generation_prompt) {
  std::string text;
  for (const ChatMessage& message : messages) {
    text += fmt::format("{}: {}\n", speaker(message.role), message.content);
  }
  if (add_generation_prompt) text += "Assistant:";
  return text;
}

void append(ChatTokens& chat, std::span<const int32_t> ids, bool is_answer) {
  chat.ids.insert(chat.ids.end(), ids.begin(), ids.end());
  chat.is_answer.resize(chat.ids.size(), is_answer);
}

void append(ChatTokens& chat, int32_t id, bool is_answer) { append(chat, std::span(&id, 1), is_answer); }

}  // namespace

ChatTokens encode_chat(const Tokenizer& tokenizer, std::span<const ChatMessage> messages, bool add_generation_prompt) {
  ChatTokens chat;
  const auto start = tokenizer.find("<|im_start|>"), end = tokenizer.find("<|im_end|>");
  if (!start || !end || !tokenizer.is_control(*start) || !tokenizer.is_control(*end)) {
    const std::string text = transcript(messages, add_generation_prompt);
    append(chat, tokenizer.encode(text, {.add_bos = tokenizer.wants_bos()}), false);
    return chat;
  }
  if (tokenizer.wants_bos()) append(chat, *tokenizer.bos(), false);
  const std::vector<int32_t> newline = tokenizer.encode("\n");
  const auto append_header = [&](std::string_view role) {
    append(chat, *start, false);
    append(chat, tokenizer.encode(fmt::format("{}\n", role)), false);
  };
  for (const ChatMessage& message : messages) {
    const bool is_answer = speaker(message.role) == "Assistant";
    append_header(message.role);
    append(chat, tokenizer.encode(message.content), is_answer);
    append(chat, *end, is_answer);
    append(chat, newline, false);
  }
  if (add_generation_prompt) append_header("assistant");
  return chat;
}

}  // namespace bantam
