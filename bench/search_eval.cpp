// How well search finds the passage and the sentence that answer a question, over all passages of a file.
// search_eval FILE [name=value]...   FILE: SQuAD's JSON, or JSON lines of {question, answers, passage}
// Lines are put into collections of 1,000 passages. name=value sets a field of Ranking.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "retrieval/index.h"

namespace bantam {
namespace {

constexpr size_t kCollectionPassages = 1000;

struct Question {
  std::string text;
  size_t passage;
  std::vector<std::string> answers;
};

struct Collection {
  std::vector<std::string> passages;
  std::vector<Question> questions;
};

std::vector<Collection> read_squad(const Json& file) {
  Collection c;
  for (const Json& article : file.at("data")) {
    for (const Json& paragraph : article.at("paragraphs")) {
      for (const Json& q : paragraph.at("qas")) {
        Question question{q.at("question"), c.passages.size(), {}};
        for (const Json& a : q.at("answers")) question.answers.push_back(a.at("text"));
        c.questions.push_back(question);
      }
      c.passages.push_back(paragraph.at("context"));
    }
  }
  return {c};
}

std::vector<Collection> read_lines(const std::string& text, const std::string& file) {
  std::vector<Collection> out(1);
  std::map<std::string, size_t> known;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const Json line = parse_json(std::string_view(text).substr(begin, end - begin), file);
    begin = end + 1;
    if (line.at("answers").empty()) continue;
    const std::string passage = line.at("passage");
    if (!known.contains(passage)) {
      if (out.back().passages.size() == kCollectionPassages) {
        out.emplace_back();
        known.clear();
      }
      known[passage] = out.back().passages.size();
      out.back().passages.push_back(passage);
    }
    out.back().questions.push_back({line.at("question"), known[passage], line.at("answers")});
  }
  if (out.size() > 1 && out.back().passages.size() < kCollectionPassages / 2) out.pop_back();
  return out;
}

void set(Ranking& ranking, const std::string& name, float value) {
  const std::map<std::string, float*> fields = {
      {"k1", &ranking.k1},
      {"b", &ranking.b},
      {"title", &ranking.title},
      {"heading", &ranking.heading},
      {"sentence_k1", &ranking.sentence_k1},
      {"sentence_b", &ranking.sentence_b},
      {"word_begin", &ranking.word_begin},
      {"word_end", &ranking.word_end},
      {"held", &ranking.held},
      {"pair", &ranking.pair},
      {"passage_of_sentence", &ranking.passage_of_sentence},
      {"sentence_of_passage", &ranking.sentence_of_passage},
      {"repeated", &ranking.repeated},
  };
  const auto field = fields.find(name);
  if (field == fields.end()) throw UsageError("Ranking has no field {}", name);
  *field->second = value;
}

struct Tally {
  size_t questions = 0, first = 0, five = 0, sentence = 0, sentence3 = 0;
  double seconds = 0;
};

bool holds_answer(std::string_view text, const Question& q) {
  return std::any_of(q.answers.begin(), q.answers.end(),
                     [&](const std::string& a) { return text.find(a) != std::string_view::npos; });
}

void measure(const Collection& c, const Ranking& ranking, Tally& tally) {
  Index index = Index::in_memory();
  index.set_ranking(ranking);
  std::vector<GivenDocument> documents;
  for (size_t i = 0; i < c.passages.size(); ++i) {
    documents.push_back({std::to_string(i), {"", c.passages[i], {}, {}}, {{0, c.passages[i].size(), "", 0}}});
  }
  index.add(documents);
  for (const Question& q : c.questions) {
    const auto began = std::chrono::steady_clock::now();
    const Results found = index.search(q.text, 5, 3);
    tally.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    ++tally.questions;
    const std::string gold = std::to_string(q.passage);
    tally.first += !found.passages.empty() && found.passages[0].file == gold;
    tally.five +=
        std::any_of(found.passages.begin(), found.passages.end(), [&](const Hit& h) { return h.file == gold; });
    tally.sentence += !found.sentences.empty() && holds_answer(found.text(found.sentences[0]), q);
    tally.sentence3 += std::any_of(found.sentences.begin(), found.sentences.end(),
                                   [&](const SentenceHit& s) { return holds_answer(found.text(s), q); });
  }
}

void run(int argc, char** argv) {
  if (argc < 2) throw UsageError("usage: search_eval FILE [name=value]...");
  Ranking ranking;
  size_t most = 3;  // collections
  for (int i = 2; i < argc; ++i) {
    const std::string_view option = argv[i];
    const size_t equals = std::min(option.find('='), option.size());
    const std::string name(option.substr(0, equals)), value(option.substr(std::min(equals + 1, option.size())));
    if (name == "collections") {
      most = std::stoul(value);
    } else {
      set(ranking, name, std::stof(value));
    }
  }
  const std::string file = argv[1], text = read_file(file);
  const auto collections = file.ends_with("jsonl") ? read_lines(text, file) : read_squad(parse_json(text, file));
  Tally t;
  size_t passages = 0;
  for (size_t i = 0; i < std::min(most, collections.size()); ++i) {
    measure(collections[i], ranking, t);
    passages += collections[i].passages.size();
  }
  const auto share = [&](size_t n) { return 100.0 * static_cast<double>(n) / static_cast<double>(t.questions); };
  std::printf("%zu passages %zu questions: passage recall@1 %.2f @5 %.2f, sentence hit@1 %.2f @3 %.2f, %.2f ms\n",
              passages, t.questions, share(t.first), share(t.five), share(t.sentence), share(t.sentence3),
              1000 * t.seconds / static_cast<double>(t.questions));
}

}  // namespace
}  // namespace bantam

int main(int argc, char** argv) {
  try {
    bantam::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "search_eval: %s\n", error.what());
    return 2;
  }
}
