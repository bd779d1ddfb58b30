// From a question to an answer that quotes the documents, or the statement that they do not contain it.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/index.h"
#include "retrieval/sentences.h"
#include "retrieval/stated.h"
#include "text/reading.h"

namespace bantam {

// The reader model, as this folder sees it: for each passage its best spans, best first.
using ReadPassages = std::function<std::vector<std::vector<AnswerSpan>>(std::string_view question,
                                                                        std::span<const std::string_view> passages)>;

// A sentence (or the few that the answer spans) of a document. Offsets are bytes of the file's extracted text, and
// `quote` is exactly those bytes.
struct Citation {
  std::string file, title, heading;
  int page = 0;  // 0 where the format has no pages
  size_t begin = 0, end = 0;
  size_t answer_begin = 0, answer_end = 0;  // within begin .. end; the same where nothing was chosen
  std::string quote;

  std::string_view answer() const {
    return std::string_view(quote).substr(answer_begin - begin, answer_end - answer_begin);
  }
};

// A sentence that a language model wrote (retrieval/written_answer.h).
struct Statement {
  std::string text;
  std::vector<size_t> citations;  // places in Answer::citations
  bool supported = false;         // by what they quote; otherwise it is no part of the answer
};

struct Answer {
  std::string text;  // as the first citation has it; empty when abstained
  bool abstained = true;
  double confidence = 0;              // 0 to 1: that the documents say this
  double span_share = 0;              // 0 to 1: of `text` among all spans of its passage; low: better show the sentence
  std::vector<Citation> citations;    // where it stands, best first; when abstained the nearest sentences
  std::vector<Statement> statements;  // of a language model that was asked to write, in its order
  size_t sources_read = 0, sources_found = 0;  // by that model, and for it: fewer are read when its context is full
  double search_ms = 0, read_ms = 0, write_ms = 0;
};

// What to show of a quoted answer: its sentence where the span within is not sure, else `text`.
std::string_view shown_text(const Answer& answer);

struct AnswerOptions {
  size_t passages = 6;      // that are read
  double confidence = 0.5;  // below it: abstained
  size_t most_citations = 3;
};

// A sentence of results.passages[hit] with what search and reader think of it.
struct RankedSentence {
  size_t hit = 0;
  TextRange range;          // bytes of the file's extracted text
  AnswerSpan answer{};      // the best span whose middle is in the sentence, in bytes of the file's extracted text
  bool has_answer = false;  // else `answer` is empty
  double score = 0;         // what they are ordered by
};

// All sentences of the passages found, best first. readings[i] are the spans of results.passages[i]; weight: how much a
// term counts (rarity_in).
std::vector<RankedSentence> rank_sentences(std::string_view question, const Results& results,
                                           const std::vector<std::vector<AnswerSpan>>& readings,
                                           const std::function<double(std::string_view term)>& weight);

// How much a term says: ln(1 + passages / (1 + those that hold it)). Looks into the index, which must outlive it.
std::function<double(std::string_view term)> rarity_in(Index& index);

// What was found for a question and what the reader makes of it.
struct Findings {
  Results results;
  std::vector<std::vector<AnswerSpan>> readings;  // of each passage
  std::vector<RankedSentence> ranked;
  std::optional<StatedAnswer> stated;  // goes before what the reader chose
  double search_ms = 0, read_ms = 0;
};

// Throw as Index::search() and `read` do.
Findings find(Index& index, const ReadPassages& read, std::string_view question, size_t passages);
Answer answer_from(const Findings& findings, const AnswerOptions& options);
Answer answer(Index& index, const ReadPassages& read, std::string_view question, const AnswerOptions& options = {});

}  // namespace bantam
