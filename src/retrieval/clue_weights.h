// What each clue counts when sentences are ranked: made by bench/fit_ranking.py, which says on what.
#pragma once

#include "retrieval/clues.h"

namespace bantam {

inline constexpr Clues kEnglishWeights = {
    1.33,   // kSentenceScore
    5.63,   // kPassageScore
    0,      // kHeld
    1.07,   // kHeldBefore
    0,      // kHeldTitle
    0.797,  // kHeldHere
    0,      // kPairs
    1.27,   // kWords
    0,      // kLastWord
    0,      // kRun
    0,      // kNumbers
    0,      // kLength
    0,      // kHasDate
    0,      // kHasNumber
    0,      // kHasUnit
    0,      // kHasTitle
    0,      // kHasName
    0.253,  // kSpans
    0.227,  // kSpansHere
};

inline constexpr Clues kKoreanWeights = {
    3.91,    // kSentenceScore
    3.46,    // kPassageScore
    3.6,     // kHeld
    2.47,    // kHeldBefore
    8.73,    // kHeldTitle
    4.35,    // kHeldHere
    -4.71,   // kPairs
    3.27,    // kWords
    1.07,    // kLastWord
    4.04,    // kRun
    0.513,   // kNumbers
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
