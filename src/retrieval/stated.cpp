#include "retrieval/stated.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>

#include "retrieval/hangul.h"
#include "retrieval/passages.h"
#include "text/terms.h"

namespace bantam {
namespace {

// Of two questions' terms together, those they share. Korean ones are pairs of syllables, and another ending changes
// two.
constexpr double kSameQuestion = 0.75, kSameQuestionKorean = 0.55;
constexpr double kNearlyAll = 0.75;

constexpr std::array<std::string_view, 22> kAuxiliaries = {
    "does", "do",   "did", "is",  "are",    "was",   "were", "can",   "could", "will",  "would",
    "has",  "have", "had", "may", "should", "shall", "must", "isn't", "don't", "can't", "doesn't"};
constexpr std::array<std::string_view, 16> kKoreanQuestionWords = {"무엇", "무슨", "무얼", "뭐",   "뭘",   "누구",
                                                                   "누가", "언제", "어디", "어느", "어떤", "어떻",
                                                                   "어때", "얼마", "왜",   "몇"};
constexpr std::array<std::string_view, 12> kKoreanEndings = {"까", "나요", "가요", "는가", "은가", "한가",
                                                             "니", "냐",   "어요", "해요", "돼요", "해"};

using Weights = std::map<std::string, double, std::less<>>;

Weights weighted_terms(std::string_view text, const std::function<double(std::string_view)>& weight) {
  Weights out;
  for (Term& t : terms(text)) {
    if (!t.stop && !out.contains(t.text)) {
      const double w = weight(t.text);
      out.emplace(std::move(t.text), w);
    }
  }
  return out;
}

double total(const Weights& terms) {
  double sum = 0;
  for (const auto& [term, w] : terms) sum += w;
  return sum;
}

double shared(const Weights& a, const Weights& b) {
  double sum = 0;
  for (const auto& [term, w] : a) sum += b.contains(term) ? w : 0;
  return sum;
}

bool contains_any(std::string_view text, auto& words) {
  return std::ranges::any_of(words, [&](std::string_view w) { return text.find(w) != std::string_view::npos; });
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n?.!") + 1 - begin);
}

}  // namespace

bool is_yes_no_question(std::string_view question) {
  const std::string_view text = trimmed(question);
  std::string first(text.substr(0, text.find(' ')));
  for (char& c : first) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  if (std::ranges::find(kAuxiliaries, first) != kAuxiliaries.end()) return true;
  if (contains_any(text, kKoreanQuestionWords)) return false;
  return std::ranges::any_of(kKoreanEndings, [&](std::string_view ending) { return text.ends_with(ending); });
}

std::optional<StatedAnswer> stated_answer(std::string_view question, const Results& results,
                                          const std::function<double(std::string_view term)>& weight) {
  const Weights asked = weighted_terms(question, weight);
  const double all = total(asked);
  if (all <= 0) return std::nullopt;

  const bool korean = std::ranges::any_of(asked, [](const auto& term) { return begins_with_hangul(term.first); });
  const double least = korean ? kSameQuestionKorean : kSameQuestion;
  std::optional<StatedAnswer> best;
  for (size_t h = 0; h < results.passages.size(); ++h) {
    const Hit& hit = results.passages[h];
    const size_t join = hit.heading.rfind(kHeadingJoin);
    const std::string_view heading =
        std::string_view(hit.heading)
            .substr(join == std::string::npos ? 0 : join + std::string_view(kHeadingJoin).size());
    if (!heading.ends_with('?')) continue;
    const Weights there = weighted_terms(heading, weight);
    const double same = 2 * shared(asked, there) / (all + total(there));
    const bool earlier = best && results.passages[best->hit].file == hit.file && hit.begin < best->range.begin;
    if (same < least || (best && (same < best->confidence || (same == best->confidence && !earlier)))) continue;
    for (const TextRange& s : sentences(hit.text)) {
      const std::string_view text = std::string_view(hit.text).substr(s.begin, s.size());
      if (text.ends_with('?')) continue;  // the heading itself
      best = {h, {hit.begin + s.begin, hit.begin + s.end}, same};
      break;
    }
  }
  if (best || !is_yes_no_question(question)) return best;

  double best_density = 0;  // of the sentence's words, those of the question
  for (size_t h = 0; h < results.passages.size(); ++h) {
    const Hit& hit = results.passages[h];
    for (const TextRange& s : sentences(hit.text)) {
      const std::string_view text = std::string_view(hit.text).substr(s.begin, s.size());
      if (text.ends_with('?')) continue;
      const Weights there = weighted_terms(text, weight);
      const double share = shared(asked, there) / all, density = shared(there, asked) / total(there);
      if (share < kNearlyAll || (best && share < best->confidence)) continue;
      if (best && share == best->confidence && density <= best_density) continue;
      best = {h, {hit.begin + s.begin, hit.begin + s.end}, share};
      best_density = density;
    }
  }
  return best;
}

}  // namespace bantam
