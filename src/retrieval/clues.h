// What tells whether a sentence that search found answers the question: how much of the question is in it, around it
// and in its title, whether it has what is asked for, and what the reader makes of it. answer.cpp ranks sentences by
// it.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "retrieval/index.h"
#include "retrieval/sentences.h"
#include "text/reading.h"

namespace bantam {

enum Clue : size_t {
  kSentenceScore,  // of search, beside the best sentence
  kPassageScore,   // of search, beside the best passage
  // Shares of the question's terms, weighed by their rarity in all documents.
  kHeld,        // in the sentence
  kHeldBefore,  // in the sentence before it and not in it
  kHeldTitle,   // in title or heading and not in the sentence
  kHeldHere,    // as kHeld, weighed by the rarity among the sentences found: the subject of all of them counts little
  kPairs,       // terms that follow each other as in the question
  kWords,       // of the question's words, how much of each a word of the sentence begins with
  kLastWord,    // the same for its last word that says something alone: what is asked for, or the verb
  kRun,         // longest run of letters and digits in common, beside all of the question's
  kNumbers,     // share of the question's numbers that the sentence has; 1 where there are none
  kLength,      // ln(1 + terms)
  // 1 when the sentence has what is asked for (asked.h).
  kHasDate,
  kHasNumber,
  kHasUnit,
  kHasTitle,
  kHasName,
  // Of the reader's spans whose middle is in the sentence, together.
  kSpans,      // log odds
  kSpansHere,  // log of their share of all spans of the passage
  kClues,
};
using Clues = std::array<double, kClues>;

// One sentence of results.passages[hit].
struct SentenceClues {
  size_t hit = 0;
  TextRange range;                   // of the passage's text
  std::optional<AnswerSpan> answer;  // the best span whose middle is in the sentence, in bytes of the passage's text
  Clues clues{};
};

// All sentences of the passages, in order. readings[i]: the reader's spans of results.passages[i], best first. weight:
// how much a term counts, at least 0.
std::vector<SentenceClues> sentence_clues(std::string_view question, const Results& results,
                                          const std::vector<std::vector<AnswerSpan>>& readings,
                                          const std::function<double(std::string_view term)>& weight);

}  // namespace bantam
