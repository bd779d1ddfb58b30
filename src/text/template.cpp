#include "text/template.h"

#include "text/template/interpreter.h"
#include "text/template/parser.h"

namespace bantam {
namespace {

constexpr size_t kMaxSourceBytes = size_t{1} << 16;  // the largest of a known model has 17 KB

// What is rendered becomes tokens next, which takes longer than rendering it: published templates write some thousand
// bytes around what they are given.
constexpr size_t kOutputBytes = size_t{64} << 10, kOutputBytesPerByte = 16;

std::vector<RenderedChat::Range> trusted_ranges(const jinja::Text& text) {
  std::vector<RenderedChat::Range> ranges;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    while (end < text.size() && text.origin(end) == text.origin(begin)) ++end;
    if (text.origin(begin) == TextOrigin::trusted) ranges.emplace_back(begin, end);
    begin = end;
  }
  return ranges;
}

}  // namespace

struct ChatTemplate::Program {
  jinja::Body body;
};

ChatTemplate::ChatTemplate(const std::string& source, std::string name) : name_(std::move(name)) {
  if (source.size() > kMaxSourceBytes) {
    throw FormatError("{}: the template has {} bytes, expected at most {}", name_, source.size(), kMaxSourceBytes);
  }
  program_ = std::make_unique<Program>(Program{jinja::parse_template(source, name_)});
}
ChatTemplate::~ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;

RenderedChat ChatTemplate::render(const TemplateValue& context, const std::tm& now) const {
  if (!context.as_mapping()) throw UsageError("a chat template is given a {}, expected a dict", context.type_name());
  jinja::Interpreter interpreter(context, now);
  try {
    interpreter.run(program_->body);
  } catch (const jinja::Fault& fault) {
    using Kind = jinja::Fault::Kind;
    if (fault.kind() == Kind::refusal) throw TemplateRefusal("{}", fault.what());
    if (fault.kind() == Kind::limit)
      throw TemplateLimitError("{}: line {}: {}", name_, interpreter.line(), fault.what());
    throw FormatError("{}: line {}: {}", name_, interpreter.line(), fault.what());
  }
  const size_t bytes = interpreter.output().size(), most = kOutputBytes + kOutputBytesPerByte * context.bytes();
  if (bytes > most) {
    throw TemplateLimitError("{}: the template writes {} bytes, expected at most {} for this conversation", name_,
                             bytes, most);
  }
  return {interpreter.output().bytes(), trusted_ranges(interpreter.output()), interpreter.generated()};
}

}  // namespace bantam
