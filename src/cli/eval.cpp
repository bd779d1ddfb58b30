// bantam eval reading: how well questions are answered from passages.
#include <algorithm>

#include "base/json.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/reader_option.h"
#include "cli/terminal.h"
#include "retrieval/evaluate_reading.h"

namespace bantam {
namespace {

struct Options {
  ReaderOptions reader;
  std::string file;
  AnswerOptions answer;
  size_t questions = 0;
  bool json = false;
};

void declare(CLI::App& command, Options& options) {
  command.add_option("file", options.file, "questions, passages and answers in the form of SQuAD")->required();
  add_reader_options(command, options.reader);
  command.add_option("-n,--passages", options.answer.passages, "passages that are read for a question")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command.add_option("--questions", options.questions, "only so many, evenly over the file; 0: all")
      ->capture_default_str();
  command.add_flag("--json", options.json, "one JSON object on standard output");
}

// The rows of the report: name in JSON, words for people, what was measured.
template <class F>
void for_each_score(const ReadingScores& s, F&& f) {
  f("search_recall_at_1", "passage recall@1, search alone", s.search_recall1);
  f("search_recall_at_5", "passage recall@5, search alone", s.search_recall5);
  f("passage_recall_at_1", "passage recall@1, after reading", s.passage_recall1);
  f("passage_recall_at_5", "passage recall@5, after reading", s.passage_recall5);
  f("sentence_hit_at_1", "sentence hit@1, all passages", s.sentence_hit1);
  f("sentence_hit_at_3", "sentence hit@3, all passages", s.sentence_hit3);
  f("gold_exact_match", "exact match, right passage given", s.gold_exact);
  f("gold_f1", "F1, right passage given", s.gold_f1);
  f("open_exact_match", "exact match, end to end", s.open_exact);
  f("open_f1", "F1, end to end", s.open_f1);
  f("abstention_auroc", "abstention AUROC, passage of another article", s.auroc);
  f("abstention_auroc_hard", "abstention AUROC, best wrong passage", s.auroc_hard);
  f("exact_quotes", "quotes equal to the document", s.exact_quotes);
}

void report(const Options& options, const ReadingSet& set, const ReadingScores& s) {
  if (options.json) {
    Json json{{"file", options.file},
              {"passages", s.passages},
              {"questions", s.questions},
              {"f1_unit", set.korean ? "character" : "word"}};
    for_each_score(s, [&](const char* name, const char*, const Measured& m) {
      json[name] = Json{{"value", m.value}, {"low", m.low}, {"high", m.high}};
    });
    json["median_ms"] = s.median_ms;
    json["worst_ms"] = s.worst_ms;
    return print(to_line(json) + "\n");
  }
  print(fmt::format("{}: {} questions on {} passages, F1 per {}\n", options.file, s.questions, s.passages,
                    set.korean ? "character" : "word"));
  for_each_score(s, [&](const char*, const char* words, const Measured& m) {
    print(fmt::format("{:46} {:6.1f}  ({:.1f} to {:.1f})\n", words, 100 * m.value, 100 * m.low, 100 * m.high));
  });
  print(fmt::format("{:46} {:6.1f}  (at most {:.1f}) ms\n", "time per question, median", s.median_ms, s.worst_ms));
}

void run(const Options& options) {
  ReadingSet set = read_reading_set(options.file);
  if (const size_t all = set.questions.size(), some = options.questions; some > 0 && some < all) {
    for (size_t i = 0; i < some; ++i)
      set.questions[i] = set.questions[i * all / some];  // never one already overwritten
    set.questions.resize(some);
  }
  Reader reader = open_reader(options.reader);
  const InterruptGuard guard;
  const ReadingScores scores = [&] {
    Progress bar("asking", static_cast<double>(set.questions.size()), "questions");
    return evaluate_reading(set, reading_with(reader), options.answer, [&](size_t done) {
      throw_if_interrupted();
      bar.update(static_cast<double>(done));
    });
  }();
  report(options, set, scores);
}

}  // namespace

void add_eval(CLI::App& app) {
  CLI::App* eval = app.add_subcommand("eval", "Measure answers");
  eval->require_subcommand(1);
  add_command<Options>(*eval, "reading", "Measure answers from passages on a file in the form of SQuAD",
                       "  bantam eval reading dev-v1.1.json\n"
                       "  bantam eval reading korquad.json --reader reader.gguf --json\n",
                       declare, run);
}

}  // namespace bantam
