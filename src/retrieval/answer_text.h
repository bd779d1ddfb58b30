// What makes two answers the same, and where a Korean answer ends.
#pragma once

#include <string>
#include <string_view>

#include "retrieval/sentences.h"

namespace bantam {

// The answer as words to compare: folded, without punctuation and English articles. (The normalisation of SQuAD's
// evaluation, arXiv 1606.05250, and of KorQuAD's.)
std::string normalised_answer(std::string_view text);

bool same_answer(std::string_view a, std::string_view b);

// `answer` without the particle at its end, when it ends with the Korean word it is part of and that word is a noun and
// a particle: 하얼빈에서 -> 하얼빈, 1443년에 -> 1443년. As it was where the rest would be shorter than two syllables.
TextRange without_particle(std::string_view text, TextRange answer);

// The answer as it is shown: Latin words and numbers it cuts through made whole, then without_particle().
TextRange tidy_answer(std::string_view text, TextRange answer);

}  // namespace bantam
