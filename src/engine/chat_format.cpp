#include "engine/chat_format.h"

#include <ctime>

namespace bantam {
namespace {

std::tm local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  return parts;
}

// Without the system message at the beginning: its text stands before the next message.
std::vector<ChatMessage> without_system(std::span<const ChatMessage> messages) {
  std::vector<ChatMessage> out(messages.begin() + 1, messages.end());
  if (!out.empty()) out[0].content = messages[0].content + "\n\n" + out[0].content;
  return out;
}

}  // namespace

ChatFormat::ChatFormat(const Tokenizer& tokenizer, const Metadata& metadata)
    : tokenizer_(tokenizer), template_(chat_template_of(metadata)) {}

std::vector<int32_t> ChatFormat::templated(std::span<const ChatMessage> messages) const {
  return encode_chat(tokenizer_, *template_, {.messages = messages, .tools = {}, .now = local_time()}).ids;
}

std::vector<int32_t> ChatFormat::prompt(std::span<const ChatMessage> messages) const {
  if (!template_) return encode_chat(tokenizer_, messages).ids;
  try {
    return templated(messages);
  } catch (const TemplateRefusal&) {
    if (messages.size() < 2 || messages[0].role != "system") throw;
    return templated(without_system(messages));
  }
}

std::vector<std::string> ChatFormat::stops() const {
  if (template_ || tokenizer_.find("<|im_end|>")) return {};
  return {"\nUser:"};
}

}  // namespace bantam
