#include "retrieval/evaluate_reading.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <numeric>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "retrieval/answer_text.h"
#include "retrieval/hangul.h"
#include "text/unicode.h"

namespace bantam {
namespace {

constexpr size_t kSamples = 1000;

double double_of(float value) { return static_cast<double>(value); }

// The pieces whose overlap F1 counts.
std::vector<std::string> pieces_of(std::string_view answer, bool by_character) {
  const std::string text = normalised_answer(answer);
  std::vector<std::string> pieces;
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find(' ', at);
    if (end == std::string::npos) end = text.size();
    if (by_character) {
      const auto c = decode_utf8(std::string_view(text).substr(at));
      end = at + (c ? static_cast<size_t>(c->bytes) : 1);
      if (text[at] != ' ') pieces.push_back(text.substr(at, end - at));
      at = end;
      continue;
    }
    if (end > at) pieces.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return pieces;
}

double f1(const std::vector<std::string>& found, const std::vector<std::string>& right) {
  if (found.empty() || right.empty()) return found.empty() && right.empty();
  std::map<std::string_view, int> left;
  for (const std::string& piece : right) ++left[piece];
  double same = 0;
  for (const std::string& piece : found) same += left[piece]-- > 0;
  if (same == 0) return 0;
  const double precision = same / static_cast<double>(found.size()), recall = same / static_cast<double>(right.size());
  return 2 * precision * recall / (precision + recall);
}

bool contains_any(std::string_view text, const std::vector<std::string>& answers) {
  return std::any_of(answers.begin(), answers.end(),
                     [&](const std::string& a) { return text.find(a) != std::string_view::npos; });
}

Measured interval(double value, std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  return {value, samples[samples.size() / 40], samples[samples.size() - 1 - samples.size() / 40]};
}

Measured mean(const std::vector<double>& values) {
  if (values.empty()) return {};
  const auto n = static_cast<double>(values.size());
  Rng rng(1);
  std::vector<double> samples(kSamples);
  for (double& sample : samples) {
    double sum = 0;
    for (size_t i = 0; i < values.size(); ++i) sum += values[rng.below(values.size())];
    sample = sum / n;
  }
  return interval(std::accumulate(values.begin(), values.end(), 0.0) / n, std::move(samples));
}

// The chance that a right pair scores above a wrong one.
double area(const std::vector<double>& right, const std::vector<double>& wrong) {
  std::vector<std::pair<double, bool>> all;
  for (const double r : right) all.emplace_back(r, true);
  for (const double w : wrong) all.emplace_back(w, false);
  std::sort(all.begin(), all.end());
  double sum = 0, below = 0;
  for (size_t i = 0; i < all.size();) {
    double rights = 0, wrongs = 0;
    const double score = all[i].first;
    for (; i < all.size() && all[i].first == score; ++i) (all[i].second ? rights : wrongs) += 1;
    sum += rights * (below + wrongs / 2);
    below += wrongs;
  }
  return sum / (static_cast<double>(right.size()) * static_cast<double>(wrong.size()));
}

Measured auroc(const std::vector<double>& right, const std::vector<double>& wrong) {
  if (right.empty() || wrong.empty()) return {};
  Rng rng(2);
  std::vector<double> samples(kSamples / 5), r(right.size()), w(wrong.size());
  for (double& sample : samples) {
    for (size_t i = 0; i < r.size(); ++i) {
      const size_t pick = rng.below(right.size());
      r[i] = right[pick];
      w[i] = wrong[pick];
    }
    sample = area(r, w);
  }
  return interval(area(right, wrong), std::move(samples));
}

struct Columns {
  std::vector<double> search1, search5, passage1, passage5, sentence1, sentence3, gold_exact, gold_f1, open_exact,
      open_f1, right, wrong, wrong_hard, quotes, ms;
};

size_t passage_of(const Hit& hit) { return static_cast<size_t>(std::stoull(hit.file)); }

// The passages in the order of their best sentence.
std::vector<size_t> order_of(const Results& results, const std::vector<RankedSentence>& ranked) {
  std::vector<size_t> order;
  for (const RankedSentence& s : ranked) {
    const size_t passage = passage_of(results.passages[s.hit]);
    if (std::find(order.begin(), order.end(), passage) == order.end()) order.push_back(passage);
  }
  return order;
}

bool among(const std::vector<size_t>& order, size_t wanted, size_t first) {
  const auto end = order.begin() + static_cast<ptrdiff_t>(std::min(first, order.size()));
  return std::find(order.begin(), end, wanted) != end;
}

class Evaluator {
 public:
  Evaluator(const ReadingSet& set, const ReadPassages& read, const AnswerOptions& options)
      : set_(set), read_(read), options_(options), index_(index_of(set)) {}

  void ask(const ReadingQuestion& question) {
    const auto start = std::chrono::steady_clock::now();
    const Findings findings = find(index_, read_, question.text, options_.passages);
    const Answer given = answer_from(findings, options_);
    c_.ms.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    for (const Citation& citation : given.citations) {
      const auto text = index_.document_text(citation.file);
      c_.quotes.push_back(text && text->substr(citation.begin, citation.end - citation.begin) == citation.quote);
    }
    // An answer that is held back is still the one it would have been: abstaining is measured on its own.
    const std::string_view said = given.citations.empty() ? std::string_view{} : given.citations[0].answer();
    c_.open_exact.push_back(answer_matches(said, question.answers));
    c_.open_f1.push_back(answer_f1(said, question.answers, set_.korean));

    const Results& results = findings.results;
    const std::vector<RankedSentence>& ranked = findings.ranked;
    std::vector<size_t> found;
    for (const Hit& hit : results.passages) found.push_back(passage_of(hit));
    const std::vector<size_t> order = order_of(results, ranked);
    c_.search1.push_back(among(found, question.passage, 1));
    c_.search5.push_back(among(found, question.passage, 5));
    c_.passage1.push_back(among(order, question.passage, 1));
    c_.passage5.push_back(among(order, question.passage, 5));
    const auto holds = [&](const RankedSentence& s) {
      const Hit& hit = findings.results.passages[s.hit];  // clang 14 captures no structured binding
      return contains_any(std::string_view(hit.text).substr(s.range.begin - hit.begin, s.range.size()),
                          question.answers);
    };
    c_.sentence1.push_back(!ranked.empty() && holds(ranked[0]));
    c_.sentence3.push_back(std::any_of(
        ranked.begin(), ranked.begin() + static_cast<ptrdiff_t>(std::min<size_t>(3, ranked.size())), holds));
    read_alone(question, findings, found);
  }

  ReadingScores scores() const {
    ReadingScores s;
    s.passages = set_.passages.size();
    s.questions = c_.ms.size();
    s.search_recall1 = mean(c_.search1);
    s.search_recall5 = mean(c_.search5);
    s.passage_recall1 = mean(c_.passage1);
    s.passage_recall5 = mean(c_.passage5);
    s.sentence_hit1 = mean(c_.sentence1);
    s.sentence_hit3 = mean(c_.sentence3);
    s.gold_exact = mean(c_.gold_exact);
    s.gold_f1 = mean(c_.gold_f1);
    s.open_exact = mean(c_.open_exact);
    s.open_f1 = mean(c_.open_f1);
    s.auroc = auroc(c_.right, c_.wrong);
    s.auroc_hard = auroc(c_.right, c_.wrong_hard);
    s.exact_quotes = mean(c_.quotes);
    std::vector<double> ms = c_.ms;
    std::sort(ms.begin(), ms.end());
    if (!ms.empty()) s.median_ms = ms[ms.size() / 2], s.worst_ms = ms.back();
    return s;
  }

 private:
  // The question with its own passage, one of another article, and the wrong one that search puts first.
  void read_alone(const ReadingQuestion& question, const Findings& findings, const std::vector<size_t>& found) {
    const ReadingSet::Passage& own = set_.passages[question.passage];
    size_t other = rng_.below(set_.passages.size());
    for (int tries = 0; tries < 1000 && set_.passages[other].article == own.article; ++tries) {
      other = rng_.below(set_.passages.size());
    }
    size_t hard = other;
    for (const size_t p : found) {
      if (p == question.passage || contains_any(set_.passages[p].text, question.answers)) continue;
      hard = p;
      break;
    }
    const std::vector<AnswerSpan> spans = spans_of(question, findings, found, question.passage);
    const auto odds = [](const std::vector<AnswerSpan>& s) { return s.empty() ? -100.0 : double_of(s[0].log_odds); };
    c_.right.push_back(odds(spans));
    c_.wrong.push_back(odds(spans_of(question, findings, found, other)));
    c_.wrong_hard.push_back(odds(spans_of(question, findings, found, hard)));
    // The reader's own choice, as if search had found this passage only.
    std::string_view said;
    if (!spans.empty()) {
      const TextRange tight = tidy_answer(own.text, {spans[0].begin, spans[0].end});
      said = std::string_view(own.text).substr(tight.begin, tight.size());
    }
    c_.gold_exact.push_back(answer_matches(said, question.answers));
    c_.gold_f1.push_back(answer_f1(said, question.answers, set_.korean));
  }

  // A passage's result does not depend on what is read beside it, so what was read is not read again.
  std::vector<AnswerSpan> spans_of(const ReadingQuestion& question, const Findings& findings,
                                   const std::vector<size_t>& found, size_t passage) const {
    const auto known = std::find(found.begin(), found.end(), passage);
    if (known != found.end()) return findings.readings[static_cast<size_t>(known - found.begin())];
    const std::string_view text = set_.passages[passage].text;
    return read_(question.text, {&text, 1})[0];
  }

  const ReadingSet& set_;
  const ReadPassages& read_;
  const AnswerOptions& options_;
  Index index_;
  Rng rng_{3};
  Columns c_;
};

// Titles of the original sets have underscores for spaces.
std::string title_of(const Json& article) {
  std::string title = article.value("title", "");
  std::replace(title.begin(), title.end(), '_', ' ');
  return title;
}

bool is_korean(std::string_view text) {
  size_t hangul = 0, letters = 0;
  for (size_t at = 0; at < text.size();) {
    const auto c = decode_utf8(text.substr(at));
    if (c && char_class(c->value) == CharClass::letter) {
      ++letters;
      hangul += is_hangul(c->value);
    }
    at += c ? static_cast<size_t>(c->bytes) : 1;
  }
  return 2 * hangul > letters;
}

}  // namespace

Index index_of(const ReadingSet& set) {
  Index index = Index::in_memory();
  index.set_ranking({.repeated = 1});  // passages that nearly repeat each other are different ones here
  std::vector<GivenDocument> documents;
  for (size_t p = 0; p < set.passages.size(); ++p) {
    const ReadingSet::Passage& passage = set.passages[p];
    documents.push_back({std::to_string(p),
                         {passage.title, passage.text, {}, {}},
                         {{.begin = 0, .end = passage.text.size(), .heading = {}, .page = 0}}});
  }
  index.add(documents);
  return index;
}

ReadingSet read_reading_set(const std::filesystem::path& path) {
  ReadingSet set;
  size_t korean = 0;
  try {
    const Json json = parse_json(read_file(path), path.string());
    size_t article_number = 0;
    for (const Json& article : json.at("data")) {
      for (const Json& paragraph : article.at("paragraphs")) {
        set.passages.push_back({title_of(article), to_nfc(paragraph.at("context").get<std::string>()), article_number});
        korean += is_korean(set.passages.back().text);
        for (const Json& qa : paragraph.at("qas")) {
          ReadingQuestion question{to_nfc(qa.at("question").get<std::string>()), set.passages.size() - 1, {}};
          for (const Json& a : qa.at("answers")) question.answers.push_back(to_nfc(a.at("text").get<std::string>()));
          if (!question.answers.empty()) set.questions.push_back(std::move(question));
        }
      }
      ++article_number;
    }
  } catch (const Json::exception& error) {
    throw FormatError("{}: is not a file in the form of SQuAD: {}", path.string(), error.what());
  }
  if (set.questions.empty()) throw FormatError("{}: has no question with an answer", path.string());
  set.korean = 2 * korean > set.passages.size();
  return set;
}

double answer_f1(std::string_view answer, const std::vector<std::string>& right, bool by_character) {
  const auto found = pieces_of(answer, by_character);
  double best = 0;
  for (const std::string& r : right) best = std::max(best, f1(found, pieces_of(r, by_character)));
  return best;
}

bool answer_matches(std::string_view answer, const std::vector<std::string>& right) {
  return std::any_of(right.begin(), right.end(), [&](const std::string& r) { return same_answer(answer, r); });
}

ReadingScores evaluate_reading(const ReadingSet& set, const ReadPassages& read, const AnswerOptions& options,
                               const std::function<void(size_t)>& progress) {
  Evaluator evaluator(set, read, options);
  for (size_t i = 0; i < set.questions.size(); ++i) {
    evaluator.ask(set.questions[i]);
    if (progress) progress(i + 1);
  }
  return evaluator.scores();
}

}  // namespace bantam
