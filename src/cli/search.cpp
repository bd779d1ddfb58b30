// bantam search: the passages of an index that a question is about.
#include <chrono>

#include "base/error.h"
#include "base/json.h"
#include "base/thread_pool.h"
#include "cli/command.h"
#include "cli/embedder_option.h"
#include "cli/index_option.h"
#include "cli/terminal.h"
#include "retrieval/index.h"

namespace bantam {
namespace {

constexpr size_t kMostResults = 1000;

struct Options {
  std::string query, index, embedder;
  size_t count = 5;
  bool sentences = false, json = false;
};

void declare(CLI::App& command, Options& options) {
  command.add_option("query", options.query, "a question or some words")->required();
  add_index_option(command, options.index);
  add_embedder_option(command, options.embedder);
  command.add_option("-n,--count", options.count, "results")->capture_default_str();
  command.add_flag("--sentences", options.sentences, "the best sentences instead of the best passages");
  command.add_flag("--json", options.json, "one JSON object on standard output");
}

// A result as shown: a sentence and the passage it is in.
struct Row {
  const Hit* passage;
  const SentenceHit* sentence;  // the passage's best; null if it has none
};

std::vector<Row> rows_of(const Results& results, const Options& options) {
  std::vector<Row> rows;
  if (options.sentences) {
    for (const SentenceHit& s : results.sentences) {
      if (rows.size() == options.count) break;
      rows.push_back({&results.passages[s.hit], &s});
    }
    return rows;
  }
  for (const Hit& hit : results.passages) rows.push_back({&hit, nullptr});
  for (const SentenceHit& s : results.sentences) {
    if (rows[s.hit].sentence == nullptr) rows[s.hit].sentence = &s;
  }
  return rows;
}

void print_json(const Options& options, const Results& results, const std::vector<Row>& rows, double seconds) {
  Json list = Json::array();
  for (const Row& row : rows) {
    const Hit& p = *row.passage;
    Json item = {{"file", p.file},
                 {"title", p.title},
                 {"heading", p.heading},
                 {"page", p.page > 0 ? Json(p.page) : Json(nullptr)},
                 {"score", options.sentences ? row.sentence->score : p.score},
                 {"start", p.begin},
                 {"end", p.end},
                 {"text", p.text}};
    if (row.sentence != nullptr) {
      const SentenceHit& s = *row.sentence;
      item["sentence"] = {{"start", s.begin}, {"end", s.end}, {"text", results.text(s)}};
    }
    list.push_back(item);
  }
  print(to_line(Json{{"query", options.query}, {"results", list}, {"seconds", seconds}}) + "\n");
}

std::string place_of(const Hit& p) {
  // A title is often the first heading.
  std::string place = p.heading.starts_with(p.title) ? p.heading : p.title;
  if (place.size() == p.title.size() && !p.heading.empty() && p.heading != p.title) place += kHeadingJoin + p.heading;
  if (p.page > 0) place += fmt::format(", page {}", p.page);
  return place;
}

void print_text(const Results& results, const std::vector<Row>& rows) {
  const bool colour = stdout_takes_colour();
  const std::string_view strong = colour ? "\x1b[1m" : "", faint = colour ? "\x1b[2m" : "",
                         plain = colour ? "\x1b[0m" : "";
  if (rows.empty()) print("nothing found\n");
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    std::string text(row.sentence != nullptr ? results.text(*row.sentence) : std::string_view(row.passage->text));
    for (char& c : text) {
      if (static_cast<unsigned char>(c) < ' ') c = ' ';
    }
    print(fmt::format("{:>2}. {}{}{}\n    {}\n    {}{}{}\n", i + 1, strong, place_of(*row.passage), plain, text, faint,
                      row.passage->file, plain));
  }
}

void run(const Options& options) {
  if (options.count < 1 || options.count > kMostResults) {
    throw UsageError("-n is {}, wanted 1 to {}", options.count, kMostResults);
  }
  Index index = Index::open(index_path(options.index), Index::Mode::read);
  use_embedder(index, options.embedder, available_cpus());
  const auto began = std::chrono::steady_clock::now();
  const Results results = index.search(options.query, options.count, SIZE_MAX);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const std::vector<Row> rows = rows_of(results, options);
  options.json ? print_json(options, results, rows, seconds) : print_text(results, rows);
}

}  // namespace

void add_search(CLI::App& app) {
  add_command<Options>(app, "search", "Find passages in the documents of an index",
                       "  bantam search \"Who discovered radium?\"\n"
                       "  bantam search \"라듐을 발견한 사람은?\" --index work.index -n 3 --sentences --json\n"
                       "  bantam search 'a place to sleep' --index work.index --embedder embedding.gguf\n",
                       declare, run);
}

}  // namespace bantam
