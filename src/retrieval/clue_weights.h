// What each clue counts when sentences are ranked, in log odds: made by bench/fit_ranking.py, which says on what.
#pragma once

#include "retrieval/clues.h"

namespace bantam {

inline constexpr Clues kEnglishWeights = {
    3.31,     // kSentenceScore
    4.7,      // kPassageScore
    1.49,     // kHeld
    4.13,     // kHeldBefore
    3.96,     // kHeldTitle
    3.31,     // kHeldHere
    -1.16,    // kPairs
    2.92,     // kWords
    0.323,    // kLastWord
    2.58,     // kRun
    0.961,    // kNumbers
    -0.0236,  // kLength
    1.78,     // kHasDate
    1.57,     // kHasNumber
    0,        // kHasUnit
    0,        // kHasTitle
    1.47,     // kHasName
    0.3,      // kSpans
    0.1,      // kSpansHere
};
inline constexpr Clues kKoreanWeights = {
    3.91,    // kSentenceScore
    3.46,    // kPassageScore
    3.59,    // kHeld
    2.47,    // kHeldBefore
    8.73,    // kHeldTitle
    4.35,    // kHeldHere
    -4.71,   // kPairs
    3.27,    // kWords
    1.07,    // kLastWord
    4.04,    // kRun
    0.511,   // kNumbers
    -0.371,  // kLength
    4.11,    // kHasDate
    2.47,    // kHasNumber
    3.36,    // kHasUnit
    4.32,    // kHasTitle
    0,       // kHasName
    0.1,     // kSpans
    0.05,    // kSpansHere
};

}  // namespace bantam
