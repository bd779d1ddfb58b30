// What sentences are ranked by, one line for each sentence of the passages found, for bench/fit_ranking.py:
//   question, 1 when the sentence holds an answer, log odds of its best span, of all its spans together, the share of
//   the best sentence's and of the best passage's search score
// usage: ranking_features QUESTIONS.json READER.gguf [MOST_QUESTIONS]
// QUESTIONS.json: as SQuAD; use questions that the reader was not trained on and that nothing is measured with.
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/error.h"
#include "engine/reader.h"
#include "retrieval/evaluate_reading.h"

namespace bantam {
namespace {

// The log odds of all spans whose middle is in the sentence, and of the best of them.
struct SpanOdds {
  double best = -100, all = -100;
};

SpanOdds odds_in(const Hit& hit, const RankedSentence& s, const std::vector<AnswerSpan>& spans) {
  SpanOdds out;
  double sum = 0;
  for (const AnswerSpan& span : spans) {
    const size_t middle = hit.begin + span.begin + (span.end - span.begin) / 2;
    if (middle < s.range.begin || middle >= s.range.end) continue;
    out.best = std::max(out.best, static_cast<double>(span.log_odds));
    sum += std::exp(static_cast<double>(span.log_odds));
  }
  if (sum > 0) out.all = std::log(sum);
  return out;
}

void print_features(size_t number, const ReadingQuestion& question, const Findings& found) {
  double best_sentence = 0, best_passage = 0;
  for (const SentenceHit& s : found.results.sentences) best_sentence = std::max(best_sentence, s.score);
  for (const Hit& h : found.results.passages) best_passage = std::max(best_passage, h.score);
  for (const RankedSentence& s : found.ranked) {
    const Hit& hit = found.results.passages[s.hit];
    const std::string_view text = std::string_view(hit.text).substr(s.range.begin - hit.begin, s.range.size());
    bool right = false;
    for (const std::string& a : question.answers) right = right || text.find(a) != std::string_view::npos;
    double by_search = 0;
    for (const SentenceHit& x : found.results.sentences) {
      if (x.hit == s.hit && x.begin == s.range.begin) by_search = x.score;
    }
    const SpanOdds odds = odds_in(hit, s, found.readings[s.hit]);
    std::printf("%zu %d %.4f %.4f %.4f %.4f\n", number, right ? 1 : 0, odds.best, odds.all,
                best_sentence > 0 ? by_search / best_sentence : 0, best_passage > 0 ? hit.score / best_passage : 0);
  }
}

int run(int argc, char** argv) {
  if (argc < 3) throw UsageError("usage: ranking_features QUESTIONS.json READER.gguf [MOST_QUESTIONS]");
  ReadingSet set = read_reading_set(argv[1]);
  const size_t most = argc > 3 ? static_cast<size_t>(std::atoll(argv[3])) : set.questions.size();
  Reader reader(Model::load(argv[2]), available_cpus());
  const ReadPassages read = [&](std::string_view question, std::span<const std::string_view> passages) {
    return reader.read(question, passages);
  };
  Index index = index_of(set);
  for (size_t i = 0; i < std::min(most, set.questions.size()); ++i) {
    print_features(i, set.questions[i], find(index, read, set.questions[i].text, AnswerOptions{}.passages));
  }
  return 0;
}

}  // namespace
}  // namespace bantam

int main(int argc, char** argv) {
  try {
    return bantam::run(argc, argv);
  } catch (const bantam::Error& error) {
    std::fprintf(stderr, "ranking_features: %s\n", error.what());
    return 2;
  }
}
