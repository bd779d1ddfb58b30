// Questions that a whole sentence answers: one that stands as a heading, as in a list of questions and answers, and one
// to be answered with yes or no, where no few words of a sentence would say it.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "retrieval/index.h"
#include "retrieval/sentences.h"

namespace bantam {

struct StatedAnswer {
  size_t hit = 0;
  TextRange range;        // of the sentence, in bytes of the file's extracted text
  double confidence = 0;  // 0 to 1: the share of the question that the heading or the sentence has
};

// "Does it ...?", "... 필요합니까?"; not "What does it ...?" and not "... 무엇입니까?".
bool is_yes_no_question(std::string_view question);

// The sentence after a heading that asks the question, else for a yes-or-no question the sentence that has most of its
// words, where that is nearly all of them. weight: how much a term counts, at least 0.
std::optional<StatedAnswer> stated_answer(std::string_view question, const Results& results,
                                          const std::function<double(std::string_view term)>& weight);

}  // namespace bantam
