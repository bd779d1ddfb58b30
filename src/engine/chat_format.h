// How a model wants to be talked to: by its own chat template, else in ChatML or as a plain transcript (text/chat.h).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/metadata.h"
#include "text/chat.h"

namespace bantam {

class ChatFormat {
 public:
  // The tokenizer must outlive it. Throws FormatError when the model's template is not one.
  ChatFormat(const Tokenizer& tokenizer, const Metadata& metadata);

  // The conversation up to where the assistant's answer begins. A template that takes no system message gets its text
  // before the first one of the user. Throws TemplateRefusal when the template does not take the conversation, and as
  // encode_chat().
  std::vector<int32_t> prompt(std::span<const ChatMessage> messages) const;

  // What ends an answer besides the tokenizer's tokens: a transcript without marks goes on with the user's next line.
  std::vector<std::string> stops() const;

 private:
  std::vector<int32_t> templated(std::span<const ChatMessage> messages) const;

  const Tokenizer& tokenizer_;
  std::optional<ChatTemplate> template_;
};

}  // namespace bantam
