// A question and a passage as the reader model sees them: one sequence of tokens, each with a type that says whether it
// is question or passage and how it bears on the other. Used by training and by the engine's reader.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace bantam {

// Types of tokens: what they are, and the marks a small model cannot work out by itself.
//   0       the first token, which stands for NOT_FOUND, and the one between question and passage
//   1 - 3   question: a stop word, a content word the passage does not have, one it has
//   4 - 19  passage: 4 + 4 * overlap + nearness. Overlap: 0 none, 1 a stop word of the question, 2 shares a stem or a
//           syllable pair with it, 3 the same word. Nearness: how much of the question, its words weighed by their
//           rarity in the passage, is found around the token, beside the best place of the passage: 0 less than 30%,
//           1 less than 60%, 2 less than 90%, 3 more.
inline constexpr int kReadingTypes = 20;

struct ReadingTokens {
  std::vector<int32_t> ids, types;
  int passage_begin = 0;  // ids[passage_begin] is the passage's first token; ids[0] stands for NOT_FOUND
  // For each token of the passage the bytes it stands for, without the spaces around them.
  struct Bytes {
    size_t begin, end;
  };
  std::vector<Bytes> bytes;

  int passage_tokens() const { return static_cast<int>(bytes.size()); }
};

// A place of a passage that a reader takes for the answer.
struct AnswerSpan {
  size_t begin, end;  // bytes of the passage
  float log_odds;     // of this span against NOT_FOUND: above 0 it is the likelier one
};

// Both texts in NFC. Throws UsageError when the vocabulary has no <|im_start|> and <|im_end|> to set them apart, or
// does not give the passage back byte by byte.
ReadingTokens encode_reading(const Tokenizer& tokenizer, std::string_view question, std::string_view passage);

}  // namespace bantam
