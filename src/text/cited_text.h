// The form of an answer that a language model writes from numbered sources: every sentence names the sources it rests
// on, as in "The Sheffield mill has 12 looms [2]. It closed in 1931 [1][3].", or the whole answer is NOT_FOUND. Its
// rules byte by byte, so that nothing else can be generated, and its parts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bantam {

inline constexpr std::string_view kNotFound = "NOT_FOUND";

// How far a text has come; a small value to copy. The text stays UTF-8 on one line per sentence. A stop ends a sentence
// when a space follows, unless it belongs to an abbreviation or an initial or the next word is in lower case.
class CitedText {
 public:
  // sources: 1 to 99.
  explicit CitedText(int sources) : sources_(static_cast<uint8_t>(sources)) {}

  // False, and not to be used on, when no text of this form goes on with `byte`.
  bool push(unsigned char byte);
  // True when the text may end here.
  bool complete() const;

 private:
  enum class Phase : uint8_t { before, text, stopped, after_stop, open, number, cited, after_cited, not_found };

  bool push_text(unsigned char byte);
  bool push_number(unsigned char byte);
  bool start_character(unsigned char byte);
  void end_word();

  uint8_t sources_;
  Phase phase_ = Phase::before;
  uint8_t not_found_ = 0;             // bytes of kNotFound that the text is so far
  uint8_t pending_ = 0;               // bytes that the character lacks
  uint8_t low_ = 0x80, high_ = 0xBF;  // of its next byte
  uint8_t spaces_ = 0;                // in a row
  bool first_ = true;                 // sentence
  bool said_ = false;                 // the sentence has more than spaces
  uint16_t bytes_ = 0;                // of the sentence
  uint8_t number_ = 0, word_size_ = 0;
  uint32_t word_ = 0;  // its last four letters, in lower case
};

// What a writer is given to write from.
struct Source {
  std::string_view title, text;
};

struct CitedSentence {
  std::string text;          // without the numbers
  std::vector<int> sources;  // counted from 1, each once, in order of appearance
};

// The finished sentences of a text of this form; what follows the last number is left out. Empty for NOT_FOUND.
std::vector<CitedSentence> parse_cited_text(std::string_view text);

}  // namespace bantam
