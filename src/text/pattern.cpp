#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/pattern.h"

#include <pcre2.h>

#include <array>
#include <new>

#include "base/error.h"
#include "base/utf8.h"

namespace bantam {
namespace {

constexpr uint32_t kMaxSteps = 1'000'000;
constexpr uint32_t kMaxHeapKib = 32 * 1024;

std::string reason(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

struct MatchData {
  std::unique_ptr<pcre2_match_context, decltype(&pcre2_match_context_free)> context{pcre2_match_context_create(nullptr),
                                                                                    pcre2_match_context_free};
  std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> data{pcre2_match_data_create(1, nullptr),
                                                                           pcre2_match_data_free};

  MatchData() {
    if (!context || !data) throw std::bad_alloc();
    pcre2_set_match_limit(context.get(), kMaxSteps);
    pcre2_set_heap_limit(context.get(), kMaxHeapKib);
  }
};

// With U+001A for every byte that is not UTF-8: PCRE2 must be given none, and offsets stay.
std::string with_substitutes(std::string_view text) {
  std::string valid(text);
  for (size_t at = 0; at < text.size();) {
    const size_t bytes = find_invalid_utf8(text.substr(at)).value_or(text.size() - at);
    at += bytes;
    if (at < text.size()) valid[at++] = '\x1A';
  }
  return valid;
}

}  // namespace

Pattern::Pattern(std::string expression) : expression_(std::move(expression)) {
  int error = 0;
  PCRE2_SIZE place = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression_.data()), expression_.size(),
                                   PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &place, nullptr);
  if (!code) {
    throw UnsupportedError("the regular expression '{}' is not one at byte {}: {}", expression_, place, reason(error));
  }
  code_ = std::shared_ptr<const void>(code, [](void* owned) { pcre2_code_free(static_cast<pcre2_code*>(owned)); });
}

std::vector<Pattern::Match> Pattern::find_all(std::string_view text) const {
  const auto* code = static_cast<const pcre2_code*>(code_.get());
  std::string substituted;
  if (find_invalid_utf8(text)) {
    substituted = with_substitutes(text);
    text = substituted;
  }
  MatchData match;
  std::vector<Match> matches;
  for (size_t at = 0; at < text.size();) {
    const int found = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at,
                                  PCRE2_NOTEMPTY | PCRE2_NO_UTF_CHECK, match.data.get(), match.context.get());
    if (found == PCRE2_ERROR_NOMATCH) break;
    if (found < 0) {
      throw UsageError("the text cannot be cut into words by the pre-tokenizer's '{}': {}", expression_, reason(found));
    }
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(match.data.get());
    matches.push_back({ends[0], ends[1]});
    at = ends[1];
  }
  return matches;
}

std::vector<std::string_view> split_words(std::span<const Pattern> stages, std::string_view text) {
  std::vector<std::string_view> parts = {text};
  for (const Pattern& stage : stages) {
    std::vector<std::string_view> next;
    for (const std::string_view part : parts) {
      size_t done = 0;
      for (const auto [begin, end] : stage.find_all(part)) {
        if (begin > done) next.push_back(part.substr(done, begin - done));
        next.push_back(part.substr(begin, end - begin));
        done = end;
      }
      if (done < part.size()) next.push_back(part.substr(done));
    }
    parts = std::move(next);
  }
  return parts;
}

}  // namespace bantam
