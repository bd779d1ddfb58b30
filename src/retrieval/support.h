// Does a passage say what a written sentence says? A check by words: strict on numbers, names and negation, tolerant of
// inflection and of a few words that the passage does not have.
#pragma once

#include <string_view>

#include "retrieval/sentences.h"

namespace bantam {

struct Support {
  double share = 0;         // 0 to 1: of the sentence's terms that the passage has
  bool enough = false;      // of them
  bool facts = false;       // the passage has all its numbers and names
  bool same_sense = false;  // what one negates the other does not affirm
  TextRange closest;        // the passage's sentence that has most of its terms; empty when it has none

  bool holds() const;
};

// `title` counts as part of the passage.
Support support(std::string_view sentence, std::string_view passage, std::string_view title = {});

}  // namespace bantam
