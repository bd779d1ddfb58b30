#include "retrieval/answer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "retrieval/answer_text.h"
#include "retrieval/clue_weights.h"
#include "retrieval/hangul.h"
#include "retrieval/sentences.h"

namespace bantam {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kSentences = 200;
// A span that has less of its passage's odds than this may be cut wrongly.
constexpr double kSureSpan = 0.4;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double probability(double log_odds) { return 1 / (1 + std::exp(-log_odds)); }

// The sentences of `hit` that share bytes with [begin, end).
TextRange quote_range(const Hit& hit, size_t begin, size_t end) {
  TextRange range{begin, end};
  for (const TextRange& s : sentences(hit.text)) {
    if (hit.begin + s.end <= begin || hit.begin + s.begin >= end) continue;
    range.begin = std::min(range.begin, hit.begin + s.begin);
    range.end = std::max(range.end, hit.begin + s.end);
  }
  return range;
}

Citation cite(const Results& results, const RankedSentence& s) {
  const Hit& hit = results.passages[s.hit];
  Citation c{hit.file, hit.title, hit.heading, hit.page, s.range.begin, s.range.end, s.range.begin, s.range.begin, {}};
  if (s.has_answer) {
    const TextRange range = quote_range(hit, s.answer.begin, s.answer.end);
    c.begin = range.begin;
    c.end = range.end;
    c.answer_begin = s.answer.begin;
    c.answer_end = s.answer.end;
  }
  c.quote = hit.text.substr(c.begin - hit.begin, c.end - c.begin);
  if (s.has_answer) {
    const TextRange tight = tidy_answer(c.quote, {c.answer_begin - c.begin, c.answer_end - c.begin});
    c.answer_begin = c.begin + tight.begin;
    c.answer_end = c.begin + tight.end;
  }
  return c;
}

double share_of(const AnswerSpan& chosen, const std::vector<AnswerSpan>& spans) {
  double all = 1;  // NOT_FOUND
  for (const AnswerSpan& s : spans) all += std::exp(static_cast<double>(s.log_odds));
  return std::exp(static_cast<double>(chosen.log_odds)) / all;
}

}  // namespace

std::vector<RankedSentence> rank_sentences(std::string_view question, const Results& results,
                                           const std::vector<std::vector<AnswerSpan>>& readings,
                                           const std::function<double(std::string_view term)>& weight) {
  const Clues& weights = contains_hangul(question) ? kKoreanWeights : kEnglishWeights;
  std::vector<RankedSentence> ranked;
  for (const SentenceClues& s : sentence_clues(question, results, readings, weight)) {
    const size_t begin = results.passages[s.hit].begin;
    RankedSentence r{s.hit, {begin + s.range.begin, begin + s.range.end}, {}, s.answer.has_value(), 0};
    if (s.answer) r.answer = {begin + s.answer->begin, begin + s.answer->end, s.answer->log_odds};
    r.score = std::inner_product(weights.begin(), weights.end(), s.clues.begin(), 0.0);
    ranked.push_back(r);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const RankedSentence& a, const RankedSentence& b) { return a.score > b.score; });
  return ranked;
}

std::function<double(std::string_view)> rarity_in(Index& index) {
  const auto passages = static_cast<double>(index.stats().passages);
  return [&index, passages](std::string_view term) {
    return std::log(1 + passages / (1 + static_cast<double>(index.document_frequency(term))));
  };
}

std::string_view shown_text(const Answer& answer) {
  const bool quoted = !answer.citations.empty() && answer.citations[0].answer_begin < answer.citations[0].answer_end;
  return quoted && answer.span_share < kSureSpan ? std::string_view(answer.citations[0].quote) : answer.text;
}

Findings find(Index& index, const ReadPassages& read, std::string_view question, size_t passages) {
  Findings out;
  const auto start = Clock::now();
  out.results = index.search(question, passages, kSentences);
  out.search_ms = milliseconds_since(start);
  std::vector<std::string_view> texts;
  for (const Hit& h : out.results.passages) texts.push_back(h.text);
  if (!texts.empty()) out.readings = read(question, texts);
  const auto weight = rarity_in(index);
  out.ranked = rank_sentences(question, out.results, out.readings, weight);
  out.stated = stated_answer(question, out.results, weight);
  out.read_ms = milliseconds_since(start) - out.search_ms;
  return out;
}

Answer answer_from(const Findings& findings, const AnswerOptions& options) {
  const Results& results = findings.results;
  const std::vector<RankedSentence>& ranked = findings.ranked;
  Answer out;
  out.search_ms = findings.search_ms;
  out.read_ms = findings.read_ms;
  if (ranked.empty()) return out;
  if (findings.stated) {
    out.confidence = findings.stated->confidence;
    out.abstained = out.confidence < options.confidence;
    RankedSentence sentence;
    sentence.hit = findings.stated->hit;
    sentence.range = findings.stated->range;
    out.citations.push_back(cite(results, sentence));
    if (!out.abstained) out.text = out.citations[0].quote;
    return out;
  }
  const auto chosen = std::find_if(ranked.begin(), ranked.end(), [](const RankedSentence& s) { return s.has_answer; });
  const RankedSentence& best = chosen == ranked.end() ? ranked.front() : *chosen;
  out.confidence = best.has_answer ? probability(static_cast<double>(best.answer.log_odds)) : 0;
  out.abstained = out.confidence < options.confidence;
  const Citation first = cite(results, best);
  out.citations.push_back(first);
  if (!out.abstained) {
    out.text = std::string(first.answer());
    out.span_share = share_of(best.answer, findings.readings[best.hit]);
  }
  // The answer's other places, or the nearest sentences, each of another passage.
  std::vector<size_t> cited = {best.hit};
  for (const RankedSentence& s : ranked) {
    if (out.citations.size() >= options.most_citations) break;
    if (std::find(cited.begin(), cited.end(), s.hit) != cited.end()) continue;
    const Citation c = cite(results, s);
    if (!out.abstained && (!s.has_answer || !same_answer(c.answer(), first.answer()))) continue;
    out.citations.push_back(c);
    cited.push_back(s.hit);
  }
  return out;
}

Answer answer(Index& index, const ReadPassages& read, std::string_view question, const AnswerOptions& options) {
  return answer_from(find(index, read, question, options.passages), options);
}

}  // namespace bantam
