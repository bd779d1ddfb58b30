// What sentences are ranked by (retrieval/clues.h), one line for each sentence of the passages found, for
// bench/fit_ranking.py: question, 1 when the sentence holds an answer, its clues in their order
// usage: ranking_features QUESTIONS.json READER.gguf|- [MOST_QUESTIONS]       -: without a reader
// QUESTIONS.json: as SQuAD; use questions that the reader was not trained on and that nothing is measured with.
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "base/error.h"
#include "engine/reader.h"
#include "retrieval/clues.h"
#include "retrieval/evaluate_reading.h"

namespace bantam {
namespace {

void print_clues(size_t number, const ReadingQuestion& question, const Findings& found, Index& index) {
  const auto all = sentence_clues(question.text, found.results, found.readings, rarity_in(index));
  for (const SentenceClues& s : all) {
    const std::string_view text =
        std::string_view(found.results.passages[s.hit].text).substr(s.range.begin, s.range.size());
    bool right = false;
    for (const std::string& a : question.answers) right = right || text.find(a) != std::string_view::npos;
    std::printf("%zu %d", number, right ? 1 : 0);
    for (const double clue : s.clues) std::printf(" %.4g", clue);
    std::printf("\n");
  }
}

int run(int argc, char** argv) {
  if (argc < 3) throw UsageError("usage: ranking_features QUESTIONS.json READER.gguf|- [MOST_QUESTIONS]");
  ReadingSet set = read_reading_set(argv[1]);
  const size_t most = argc > 3 ? static_cast<size_t>(std::atoll(argv[3])) : set.questions.size();
  std::optional<Reader> reader;
  if (std::string_view(argv[2]) != "-") reader.emplace(Model::load(argv[2]), available_cpus());
  const ReadPassages read = [&](std::string_view question, std::span<const std::string_view> passages) {
    return reader ? reader->read(question, passages) : std::vector<std::vector<AnswerSpan>>(passages.size());
  };
  Index index = index_of(set);
  for (size_t i = 0; i < std::min(most, set.questions.size()); ++i) {
    print_clues(i, set.questions[i], find(index, read, set.questions[i].text, AnswerOptions{}.passages), index);
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
