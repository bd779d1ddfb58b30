// A regular expression of a tokenizer.json, for the pre-tokenizers that have no scanner of their own. The one user of
// PCRE2.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bantam {

class Pattern {
 public:
  // UTF-8, with \s \d \w and classes by Unicode's properties. Throws UnsupportedError with the expression, the place
  // and the reason when it is not one.
  explicit Pattern(std::string expression);

  struct Match {
    size_t begin, end;  // bytes; not empty
  };
  // The matches, from left to right; a byte that is not UTF-8 counts as a control character. Throws UsageError when the
  // expression backtracks more than a million times for one match.
  std::vector<Match> find_all(std::string_view text) const;

  const std::string& expression() const { return expression_; }

 private:
  std::string expression_;
  std::shared_ptr<const void> code_;  // a pcre2_code; shared, as it never changes
};

// Cuts `text` with the first expression into its matches and what lies between them, each part with the next, and so
// on. Consecutive words that together are `text`.
std::vector<std::string_view> split_words(std::span<const Pattern> stages, std::string_view text);

}  // namespace bantam
