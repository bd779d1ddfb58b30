// How well questions are answered from passages: `bantam eval reading`.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "retrieval/answer.h"

namespace bantam {

// A file in the form of SQuAD (arXiv 1606.05250): articles of paragraphs, each with questions and their answers.
struct ReadingQuestion {
  std::string text;
  size_t passage = 0;
  std::vector<std::string> answers;
};
struct ReadingSet {
  struct Passage {
    std::string title, text;
    size_t article = 0;
  };
  std::vector<Passage> passages;
  std::vector<ReadingQuestion> questions;
  bool korean = false;  // most passages are: F1 is then per character, as KorQuAD defines it (arXiv 1909.07005)
};

// Questions without an answer are left out. Throws IoError or FormatError naming the file and the place.
ReadingSet read_reading_set(const std::filesystem::path& path);

// Its passages, as documents named by their numbers.
Index index_of(const ReadingSet& set);

// Overlap of an answer with the best of the right ones, 0 to 1: words, or characters where `by_character`.
double answer_f1(std::string_view answer, const std::vector<std::string>& right, bool by_character);
bool answer_matches(std::string_view answer, const std::vector<std::string>& right);

// A mean over the questions and the middle 95% of 1,000 bootstrap samples of them.
struct Measured {
  double value = 0, low = 0, high = 0;
};

struct ReadingScores {
  size_t passages = 0, questions = 0;
  Measured search_recall1, search_recall5;    // of the passage, by search alone
  Measured passage_recall1, passage_recall5;  // after reading
  Measured sentence_hit1, sentence_hit3;      // an answer is in the sentence, over all passages
  Measured gold_exact, gold_f1;               // of the span when the right passage is given
  Measured open_exact, open_f1;               // end to end
  // Of the confidence that the given passage answers: the right passage against one of another article, taken at random
  // or the one search finds best.
  Measured auroc, auroc_hard;
  Measured exact_quotes;               // citations whose quote is what the document has at their offsets
  double median_ms = 0, worst_ms = 0;  // per question, search and reading
};

// `progress` is told how many questions are done and may throw to stop.
ReadingScores evaluate_reading(const ReadingSet& set, const ReadPassages& read, const AnswerOptions& options = {},
                               const std::function<void(size_t)>& progress = {});

}  // namespace bantam
