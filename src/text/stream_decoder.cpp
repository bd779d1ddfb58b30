#include "text/stream_decoder.h"

#include <utility>

#include "base/utf8.h"

namespace bantam {
namespace {

std::string with_replacements(std::string_view text) {
  std::string out;
  while (const auto invalid = find_invalid_utf8(text)) {
    out += text.substr(0, *invalid);
    append_utf8(out, U'\uFFFD');
    text.remove_prefix(*invalid + 1);
  }
  return out += text;
}

}  // namespace

std::string StreamDecoder::push(int32_t id) {
  pending_ += tokenizer_.piece_after(previous_, id, options_);
  previous_ = id;
  const size_t whole = whole_utf8_prefix(pending_);
  std::string text = with_replacements(std::string_view(pending_).substr(0, whole));
  pending_.erase(0, whole);
  return text;
}

std::string StreamDecoder::finish() { return with_replacements(std::exchange(pending_, {})); }

}  // namespace bantam
