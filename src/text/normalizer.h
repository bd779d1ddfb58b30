// What a vocabulary does to text before it is cut into tokens, step by step. Used by Tokenizer.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/chars_map.h"
#include "text/pattern.h"

namespace bantam {

class Normalizer {
 public:
  Normalizer() = default;
  // The value of `bantam.tokenizer.normalize`: names of steps, each followed by its texts.
  //   nfc nfd nfkc nfkd          Unicode's normal forms
  //   lowercase                  each character by itself
  //   strip_accents              without combining marks
  //   strip_left strip_right     without white space there
  //   charsmap                   `chars_map`; first when it is not named but there is one
  //   prepend TEXT               unless there is no text
  //   replace TEXT TEXT          the first by the second
  //   replace_pattern EXPR TEXT  matches of a regular expression by the text
  // Throws UnsupportedError naming `source` and the step that is not known, FormatError when its texts are missing.
  Normalizer(std::span<const std::string> steps, CharsMap chars_map, const std::string& source);

  bool changes_nothing() const { return steps_.empty(); }
  std::string normalize(std::string_view text) const;

 private:
  enum class Kind {
    nfc,
    nfd,
    nfkc,
    nfkd,
    lowercase,
    strip_accents,
    strip_left,
    strip_right,
    charsmap,
    prepend,
    replace,
    replace_pattern
  };
  struct Step {
    Kind kind;
    std::string from, to;
    std::vector<Pattern> pattern = {};  // one for replace_pattern
  };
  struct Name {
    std::string_view name;
    Kind kind;
    size_t texts;
  };
  static const Name kNames[];

  std::string apply(const Step& step, std::string_view text) const;

  std::vector<Step> steps_;
  CharsMap chars_map_;
};

}  // namespace bantam
