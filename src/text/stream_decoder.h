// Turns token ids, as they are generated, into text that can be shown at once: whole characters only.
#pragma once

#include <cstdint>
#include <string>

#include "text/tokenizer.h"

namespace bantam {

// The strings returned, one after the other, are what decode() gives for all ids; only bytes that are not UTF-8
// differ, each becomes U+FFFD. The tokenizer must outlive the decoder.
class StreamDecoder {
 public:
  // `previous` is the token before the first one pushed, -1 for none: after text the space in front of a word stays.
  explicit StreamDecoder(const Tokenizer& tokenizer, int32_t previous = -1, DecodeOptions options = {})
      : tokenizer_(tokenizer), options_(options), previous_(previous) {}

  // Text that became complete with this token; often empty inside a character. Throws UsageError for an unknown id.
  std::string push(int32_t id);
  // What is left at the end: U+FFFD for each byte of a character that was never completed.
  std::string finish();

 private:
  const Tokenizer& tokenizer_;
  DecodeOptions options_;
  int32_t previous_;
  std::string pending_;  // the beginning of a character, at most 3 bytes
};

}  // namespace bantam
