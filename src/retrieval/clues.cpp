#include "retrieval/clues.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "retrieval/asked.h"
#include "text/terms.h"
#include "text/unicode.h"

namespace bantam {
namespace {

constexpr double kUnread = 2;    // a sentence without a span: so much below the last of its passage
constexpr double kNoSpan = -10;  // of a passage in which the reader gave none

struct Word {
  std::u32string text;        // lower case
  size_t begin = 0, end = 0;  // bytes
  double weight = 0;          // of its rarest term
};

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  bool inside = false;
  for (size_t at = 0; at < text.size();) {
    const auto c = decode_utf8(text.substr(at));
    const size_t bytes = c ? static_cast<size_t>(c->bytes) : 1;
    const CharClass kind = c ? char_class(c->value) : CharClass::other;
    const bool is_word = kind == CharClass::letter || kind == CharClass::number;
    if (is_word) {
      if (!inside) words.push_back({{}, at, at, 0});
      words.back().text += to_lower(c->value);
      words.back().end = at + bytes;
    }
    inside = is_word;
    at += bytes;
  }
  return words;
}

std::u32string joined(const std::vector<Word>& words) {
  std::u32string out;
  for (const Word& w : words) out += w.text;
  return out;
}

size_t longest_common_run(std::u32string_view a, std::u32string_view b) {
  std::vector<size_t> row(b.size() + 1);  // row[j]: the run that ends at b[j - 1] and the last of `a` seen
  size_t best = 0;
  for (const char32_t c : a) {
    for (size_t j = b.size(); j > 0; --j) {
      row[j] = c == b[j - 1] ? row[j - 1] + 1 : 0;
      best = std::max(best, row[j]);
    }
  }
  return best;
}

// The common beginning beside the length of the question's word: Korean words carry their meaning first, English ones
// too. A single character in common is chance, unless it is all of one of them.
double alike(std::u32string_view asked, std::u32string_view found) {
  const size_t most = std::min(asked.size(), found.size());
  size_t same = 0;
  while (same < most && asked[same] == found[same]) ++same;
  if (same == 0 || (same == 1 && most > 1)) return 0;
  return static_cast<double>(same) / static_cast<double>(asked.size());
}

using Held = std::vector<bool>;  // for each term of the question

// The question, taken apart once.
struct Question {
  std::string_view text;
  std::map<std::string, size_t, std::less<>> place;  // of each term in `weights`
  std::vector<double> weights;
  double total = 0;                              // of them
  std::vector<std::pair<size_t, size_t>> pairs;  // terms that follow each other
  std::vector<Word> words;                       // those with a term that says something
  std::u32string letters;
  std::vector<std::string_view> numbers;  // digits that begin a word
  Asked asked;

  size_t find(std::string_view term) const {
    const auto found = place.find(term);
    return found == place.end() ? SIZE_MAX : found->second;
  }
  double share(const Held& held) const {
    double sum = 0;
    for (size_t i = 0; i < weights.size(); ++i) sum += held[i] ? weights[i] : 0;
    return total > 0 ? sum / total : 0;
  }
};

std::vector<std::string_view> numbers_of(std::string_view text, const std::vector<Word>& words) {
  std::vector<std::string_view> numbers;
  for (const Word& w : words) {
    size_t end = w.begin;
    while (end < w.end && text[end] >= '0' && text[end] <= '9') ++end;
    if (end > w.begin) numbers.push_back(text.substr(w.begin, end - w.begin));
  }
  return numbers;
}

Question read_question(std::string_view text, const std::function<double(std::string_view)>& weight) {
  Question q;
  q.text = text;
  q.words = words_of(text);
  q.asked = asked_for(text);
  q.letters = joined(q.words);
  q.numbers = numbers_of(text, q.words);
  size_t before = SIZE_MAX;
  for (const Term& t : terms(text)) {
    if (t.stop) continue;
    const auto [known, is_new] = q.place.try_emplace(t.text, q.weights.size());
    const size_t i = known->second;
    if (is_new) q.total += q.weights.emplace_back(weight(t.text));
    if (before != SIZE_MAX) q.pairs.emplace_back(before, i);
    before = i;
    for (Word& w : q.words) {
      if (w.begin <= t.begin && t.end <= w.end) w.weight = std::max(w.weight, q.weights[i]);
    }
  }
  std::erase_if(q.words, [](const Word& w) { return w.weight <= 0; });
  return q;
}

// The question's terms in a text.
struct Matches {
  Held held;
  double pairs = 0;  // weight of those that follow each other as in the question, each once
  size_t terms = 0;  // of the text
};

Matches match(const Question& q, TermScanner& scanner, std::string_view text) {
  Matches m{Held(q.weights.size()), 0, 0};
  std::vector<bool> seen(q.pairs.size());
  size_t before = SIZE_MAX;
  scanner.scan(text, [&](const TermView& t) {
    if (t.stop) return;
    ++m.terms;
    const size_t i = q.find(t.text);
    if (i != SIZE_MAX) m.held[i] = true;
    for (size_t p = 0; i != SIZE_MAX && p < q.pairs.size(); ++p) {
      if (seen[p] || q.pairs[p] != std::pair(before, i)) continue;
      seen[p] = true;
      m.pairs += (q.weights[before] + q.weights[i]) / 2;
    }
    before = i;
  });
  return m;
}

Held and_not(const Held& a, const Held& b) {
  Held out(a.size());
  for (size_t i = 0; i < a.size(); ++i) out[i] = a[i] && !b[i];
  return out;
}

// ln(1 + sentences / those that hold it) of each term, as a share of all; 0 of a term that none holds.
std::vector<double> rarity_here(const std::vector<Matches>& sentences, size_t terms) {
  std::vector<double> weights(terms);
  double all = 0;
  for (size_t i = 0; i < terms; ++i) {
    const auto holds = std::count_if(sentences.begin(), sentences.end(), [&](const Matches& m) { return m.held[i]; });
    if (holds > 0) weights[i] = std::log(1 + static_cast<double>(sentences.size()) / static_cast<double>(holds));
    all += weights[i];
  }
  for (double& w : weights) w = all > 0 ? w / all : 0;
  return weights;
}

void compare_words(const Question& q, std::string_view text, Clues& c) {
  const std::vector<Word> found = words_of(text);
  double sum = 0, all = 0;
  for (const Word& asked : q.words) {
    double best = 0;
    for (const Word& w : found) best = std::max(best, alike(asked.text, w.text));
    sum += asked.weight * best;
    all += asked.weight;
    c[kLastWord] = best;
  }
  c[kWords] = all > 0 ? sum / all : 0;
  if (!q.letters.empty()) {
    c[kRun] = static_cast<double>(longest_common_run(q.letters, joined(found))) / static_cast<double>(q.letters.size());
  }
  const auto numbers = std::count_if(q.numbers.begin(), q.numbers.end(),
                                     [&](std::string_view n) { return text.find(n) != std::string_view::npos; });
  c[kNumbers] = q.numbers.empty() ? 1 : static_cast<double>(numbers) / static_cast<double>(q.numbers.size());
}

void look_for_asked(const Question& q, std::string_view text, Clues& c) {
  if (!has_asked(q.asked, q.text, text)) return;
  switch (q.asked.kind) {
    case AskedKind::date:
      c[kHasDate] = 1;
      break;
    case AskedKind::number:
      c[q.asked.unit.empty() ? kHasNumber : kHasUnit] = 1;
      break;
    case AskedKind::title:
      c[kHasTitle] = 1;
      break;
    case AskedKind::name:
      c[kHasName] = 1;
      break;
    case AskedKind::other:
      break;
  }
}

double log_of_sum(double a, double b) {
  const double high = std::max(a, b);
  return high + std::log1p(std::exp(std::min(a, b) - high));
}

void add_reading(const std::vector<AnswerSpan>& spans, SentenceClues& s) {
  double here = spans.empty() ? kNoSpan : static_cast<double>(spans.back().log_odds) - kUnread, all = here;
  for (const AnswerSpan& span : spans) {
    const auto odds = static_cast<double>(span.log_odds);
    all = log_of_sum(all, odds);
    const size_t middle = span.begin + (span.end - span.begin) / 2;
    if (middle < s.range.begin || middle >= s.range.end) continue;
    if (!s.answer) s.answer = span;
    here = log_of_sum(here, odds);
  }
  s.clues[kSpans] = here;
  s.clues[kSpansHere] = here - all;
}

// Scores of search, as shares of the best.
class SearchScores {
 public:
  explicit SearchScores(const Results& results) : results_(results) {
    for (const SentenceHit& s : results.sentences) {
      sentences_[{s.hit, s.begin}] = s.score;
      best_sentence_ = std::max(best_sentence_, s.score);
    }
    for (const Hit& h : results.passages) best_passage_ = std::max(best_passage_, h.score);
  }

  void add(SentenceClues& s) const {
    const Hit& hit = results_.passages[s.hit];
    const auto found = sentences_.find({s.hit, hit.begin + s.range.begin});
    if (found != sentences_.end() && best_sentence_ > 0) s.clues[kSentenceScore] = found->second / best_sentence_;
    if (best_passage_ > 0) s.clues[kPassageScore] = hit.score / best_passage_;
  }

 private:
  const Results& results_;
  std::map<std::pair<size_t, size_t>, double> sentences_;  // (hit, begin)
  double best_sentence_ = 0, best_passage_ = 0;
};

}  // namespace

std::vector<SentenceClues> sentence_clues(std::string_view question, const Results& results,
                                          const std::vector<std::vector<AnswerSpan>>& readings,
                                          const std::function<double(std::string_view term)>& weight) {
  const Question q = read_question(question, weight);
  TermScanner scanner;
  std::vector<SentenceClues> out;
  std::vector<Matches> matches;  // of out[i]
  const auto text_of = [&](const SentenceClues& s) {
    return std::string_view(results.passages[s.hit].text).substr(s.range.begin, s.range.size());
  };
  for (size_t h = 0; h < results.passages.size(); ++h) {
    for (const TextRange& range : sentences(results.passages[h].text)) {
      out.push_back({h, range, {}, {}});
      matches.push_back(match(q, scanner, text_of(out.back())));
    }
  }
  const std::vector<double> here = rarity_here(matches, q.weights.size());
  const SearchScores scores(results);
  Held in_title;
  for (size_t n = 0; n < out.size(); ++n) {
    SentenceClues& s = out[n];
    const Hit& hit = results.passages[s.hit];
    const bool first = n == 0 || out[n - 1].hit != s.hit;
    if (first) in_title = match(q, scanner, hit.title + "\n" + hit.heading).held;
    const Matches& m = matches[n];
    scores.add(s);
    Clues& c = s.clues;
    c[kHeld] = q.share(m.held);
    if (!first) c[kHeldBefore] = q.share(and_not(matches[n - 1].held, m.held));
    c[kHeldTitle] = q.share(and_not(in_title, m.held));
    for (size_t i = 0; i < here.size(); ++i) c[kHeldHere] += m.held[i] ? here[i] : 0;
    c[kPairs] = q.total > 0 ? m.pairs / q.total : 0;
    c[kLength] = std::log(1 + static_cast<double>(m.terms));
    compare_words(q, text_of(s), c);
    look_for_asked(q, text_of(s), c);
    add_reading(readings[s.hit], s);
  }
  return out;
}

}  // namespace bantam
