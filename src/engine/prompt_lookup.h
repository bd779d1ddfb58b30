// Guesses what a text says next from what it said before: where its last few tokens occurred already, it may go on as
// it did then. The guesses are checked by running them, so they never change what is written.
// (Prompt lookup decoding, a case of speculative decoding: arXiv 2211.17192)
#pragma once

#include <cstdint>
#include <span>

namespace bantam {

class PromptLookup {
 public:
  // At most `most` tokens that may follow, a part of `tokens`; none where nothing matches or guessing has not paid.
  std::span<const int32_t> draft(std::span<const int32_t> tokens, int most);
  // How many of the drafted tokens were right. Where few are, drafting pauses, longer each time.
  void observe(int drafted, int accepted);

 private:
  double rate_ = 0.5;  // of drafted tokens that were right, lately
  int pause_ = 0;      // calls of draft() that still find nothing
  int next_pause_ = 16;
};

}  // namespace bantam
