// Chat templates nobody has read: any source ends soon, in text or in a typed error, and what a message says stays
// known as the message's.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "text/template.h"

namespace {

using namespace bantam;

// The message is made of a character that nothing else holds, so each of its bytes must be outside the trusted ranges.
constexpr char kMark = '\x01';

const TemplateValue& context() {
  static const TemplateValue value = TemplateValue::mapping({
      {TemplateValue::text("messages"), TemplateValue::from_json(R"([{"role": "user", "content": "\u0001\u0001 \u0001"},
                                    {"role": "assistant", "content": ["\u0001", {"a": "\u0001\u0001"}]}])",
                                                                 "messages", TextOrigin::outside)},
      {TemplateValue::text("add_generation_prompt"), true},
      {TemplateValue::text("bos_token"), TemplateValue::text("<s>")},
  });
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string source(reinterpret_cast<const char*>(data), size);
  // A template may write the mark itself, as a byte or as an escape.
  const bool writes_mark = source.find(kMark) != std::string::npos || source.find('\\') != std::string::npos;
  try {
    const RenderedChat chat = ChatTemplate(source, "fuzz").render(context(), {});
    size_t before = 0;
    for (const auto& [begin, end] : chat.trusted) {
      if (begin < before || end <= begin || end > chat.text.size()) std::abort();
      before = end;
      const auto from = chat.text.begin() + static_cast<ptrdiff_t>(begin),
                 to = chat.text.begin() + static_cast<ptrdiff_t>(end);
      if (!writes_mark && std::find(from, to, kMark) != to) std::abort();
    }
    for (const auto& [begin, end] : chat.generated) {
      if (begin > end || end > chat.text.size()) std::abort();
    }
  } catch (const Error&) {
  }
  return 0;
}
