// An answer in a language model's words: each sentence is held against the passage it cites, and what that passage does
// not say is left out.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "retrieval/answer.h"
#include "text/cited_text.h"

namespace bantam {

// What a writer made of the sources: sentences that cite them, or nothing when they do not say.
struct Draft {
  std::vector<CitedSentence> sentences;
  size_t sources_read = 0;  // the first ones
  bool not_found = false;
};

// The language model, as this folder sees it. on_sentence: called for each sentence as it is finished.
using WriteSentences = std::function<Draft(std::string_view question, std::span<const Source> sources,
                                           const std::function<void(const CitedSentence&)>& on_sentence)>;

// An answer that grows as a writer finishes its sentences; written_answer() is made of it. Looks at `findings`.
class WrittenAnswer {
 public:
  WrittenAnswer(const Findings& findings, const AnswerOptions& options);

  // What to write from, best first; empty where nothing was found.
  std::span<const Source> sources() const { return sources_; }
  // Holds a sentence against what it cites; supported, it is part of the answer.
  const Statement& add(const CitedSentence& said);
  const Answer& so_far() const { return answer_; }
  // The answer as written_answer() says.
  Answer finish(const Draft& draft, double write_ms);

 private:
  const Findings& findings_;
  AnswerOptions options_;
  std::vector<size_t> order_;  // passages
  std::vector<Source> sources_;
  Answer answer_;
};

// Asks the writer with the passages found, best sentence first. The answer has the supported sentences with the numbers
// of their citations, and its confidence is the smallest share of a sentence's terms in its passage. When the writer
// finds no answer it abstains; when nothing it wrote is supported, the answer is the reader's as answer_from() gives
// it, with the rejected sentences in `statements`. on_statement: each sentence once it is checked. Throws as `write`
// does.
Answer written_answer(const Findings& findings, const WriteSentences& write, std::string_view question,
                      const AnswerOptions& options,
                      const std::function<void(const Answer&, const Statement&)>& on_statement = {});

}  // namespace bantam
