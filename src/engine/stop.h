// Stop strings over streamed text: a stop string may straddle pieces, and none of it is ever shown.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bantam {

class StopMatcher {
 public:
  // Throws UsageError when a stop string is empty.
  explicit StopMatcher(std::vector<std::string> stops);

  // Appends to `out` the text that can no longer become part of a stop string and holds the rest back. True when a stop
  // string is complete: `out` then got all text before it, the rest is dropped and the matcher wants no more. Of
  // several, the one completed first counts, the longest when two end together. Time is linear in the text, per stop
  // string.
  bool push(std::string_view piece, std::string& out);

  // The end of the text without a stop string: appends what was held back.
  void finish(std::string& out);

  // The stop string that is complete; empty before.
  const std::string& found() const { return found_; }

 private:
  // Knuth-Morris-Pratt: `matched` is the longest prefix of `text` that ends at the last character seen, and
  // `fallback[n]` the longest proper prefix of text[0, n) that also ends it.
  struct Pattern {
    std::string text;
    std::vector<size_t> fallback;
    size_t matched = 0;

    void advance(char c);
  };

  std::vector<Pattern> patterns_;
  std::string held_, found_;
};

}  // namespace bantam
