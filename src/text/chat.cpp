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

// A role is one of a few words, so templates may build control tokens from it ('<|' + role + '|>').
TemplateValue message_value(const ChatMessage& message) {
  if (message.role != "tool") speaker(message.role);  // throws for a role nobody knows
  return TemplateValue::mapping(
      {{TemplateValue::text("role"), TemplateValue::text(message.role)},
       {TemplateValue::text("content"), TemplateValue::text(message.content, TextOrigin::outside)}});
}

TemplateValue token_text(const Tokenizer& tokenizer, std::optional<int32_t> id) {
  return TemplateValue::text(id ? std::string(tokenizer.piece(*id)) : std::string());
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

std::optional<ChatTemplate> chat_template_of(const Metadata& metadata) {
  const std::string source = metadata.string_or("tokenizer.chat_template", "");
  if (source.empty()) return std::nullopt;
  return ChatTemplate(source, fmt::format("{}: tokenizer.chat_template", metadata.source()));
}

ChatTokens encode_chat(const Tokenizer& tokenizer, const ChatTemplate& chat_template, const TemplatedChat& chat) {
  std::vector<TemplateValue> messages;
  for (const ChatMessage& message : chat.messages) messages.push_back(message_value(message));
  std::vector<std::pair<TemplateValue, TemplateValue>> context = {
      {TemplateValue::text("messages"), TemplateValue::sequence(std::move(messages))},
      {TemplateValue::text("add_generation_prompt"), chat.add_generation_prompt},
      {TemplateValue::text("bos_token"), token_text(tokenizer, tokenizer.bos())},
      {TemplateValue::text("eos_token"), token_text(tokenizer, tokenizer.eos())}};
  if (!chat.tools.empty()) {
    context.emplace_back(TemplateValue::text("tools"),
                         TemplateValue::from_json(chat.tools, "tools", TextOrigin::outside));
  }
  const RenderedChat rendered = chat_template.render(TemplateValue::mapping(std::move(context)), chat.now);
  ChatTokens result;
  const std::vector<int32_t> ids = tokenizer.encode_marked(rendered.text, rendered.trusted);
  if (tokenizer.wants_bos() && (ids.empty() || ids[0] != *tokenizer.bos())) append(result, *tokenizer.bos(), false);
  append(result, ids, false);
  return result;
}

}  // namespace bantam
