// The chat template that comes with a model: a Jinja template that turns messages into the text the model was trained
// on. Used by text/chat. Runs as Hugging Face's transformers runs it, bounded in time and memory, without any I/O.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "text/template/value.h"

namespace bantam {

using TemplateValue = jinja::Value;
using TextOrigin = jinja::Origin;

// The template called raise_exception(): it does not take this conversation. The message is the template's own.
class TemplateRefusal : public UsageError {
 public:
  using UsageError::UsageError;
};

// The template would take too long or too much memory.
class TemplateLimitError : public FormatError {
 public:
  using FormatError::FormatError;
};

struct RenderedChat {
  using Range = std::pair<size_t, size_t>;  // bytes [begin, end) of `text`

  std::string text;
  std::vector<Range> trusted;    // what the template and the model's files wrote: all that is not from outside
  std::vector<Range> generated;  // what stands in generation blocks
};

// Immutable: threads may share one.
class ChatTemplate {
 public:
  // `name` stands for the template in errors. Throws FormatError with the line when `source` is not a template.
  ChatTemplate(const std::string& source, std::string name);
  ~ChatTemplate();
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;

  // `context`: a dict of the variables ("messages", "tools", "add_generation_prompt", "bos_token", ...). `now` is what
  // strftime_now() formats. Throws TemplateRefusal, TemplateLimitError, and FormatError with the line for what
  // Python would raise an exception for.
  RenderedChat render(const TemplateValue& context, const std::tm& now) const;

 private:
  struct Program;

  std::string name_;
  std::unique_ptr<const Program> program_;
};

}  // namespace bantam
