#include "retrieval/support.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "retrieval/hangul.h"
#include "text/terms.h"

namespace bantam {
namespace {

// Korean terms are pairs of syllables, so that another ending costs one or two of them.
constexpr double kLeastShare = 0.6, kLeastShareKorean = 0.5;

constexpr std::array<std::string_view, 10> kEnglishNegations = {"not",     "no",      "never",  "none",   "nor",
                                                                "neither", "without", "cannot", "nobody", "nothing"};
constexpr std::array<std::string_view, 5> kKoreanNegations = {"않", "없", "아니", "못", "말아"};

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool has_digit(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::set<std::string, std::less<>> content_terms(std::string_view text) {
  std::set<std::string, std::less<>> out;
  for (Term& t : terms(text)) {
    if (!t.stop) out.insert(std::move(t.text));
  }
  return out;
}

enum class Negation : uint8_t { none, of_next, of_last };  // English negates what follows, Korean what went before

Negation negation(std::string_view word) {
  for (const std::string_view k : kKoreanNegations) {
    if (word.find(k) != std::string_view::npos) return Negation::of_last;
  }
  std::string lower;
  for (const char c : word) {
    if (is_upper(c) || (c >= 'a' && c <= 'z')) lower += static_cast<char>(c | 0x20);
  }
  const bool contracted = lower.ends_with("nt") && (word.find("n't") != std::string_view::npos ||
                                                    word.find("n\u2019t") != std::string_view::npos);
  return contracted || std::ranges::find(kEnglishNegations, lower) != kEnglishNegations.end() ? Negation::of_next
                                                                                              : Negation::none;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  constexpr std::string_view kSpace = " \t\r\n";
  for (size_t at = text.find_first_not_of(kSpace); at != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(kSpace, at), text.size());
    out.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(kSpace, end);
  }
  return out;
}

// The terms of the word that each negation in the text is about.
std::set<std::string, std::less<>> negated_terms(std::string_view text) {
  std::set<std::string, std::less<>> out, last;
  bool next = false;
  for (const std::string_view word : words(text)) {
    const Negation kind = negation(word);
    if (kind == Negation::of_next) {
      next = true;
      continue;
    }
    if (kind == Negation::of_last) {
      out.merge(last);
      continue;
    }
    std::set<std::string, std::less<>> here = content_terms(word);
    if (here.empty()) continue;
    if (next) out.insert(here.begin(), here.end());
    next = false;
    last = std::move(here);
  }
  return out;
}

bool contradict(std::string_view a, std::string_view b) {
  const auto in_a = content_terms(a), in_b = content_terms(b);
  const auto not_a = negated_terms(a), not_b = negated_terms(b);
  const auto denied = [](const auto& negated, const auto& affirmed, const auto& also_negated) {
    return std::ranges::any_of(negated,
                               [&](const std::string& t) { return affirmed.contains(t) && !also_negated.contains(t); });
  };
  return denied(not_a, in_b, not_b) || denied(not_b, in_a, not_a);
}

TextRange closest_sentence(const std::set<std::string, std::less<>>& wanted, std::string_view passage) {
  TextRange best;
  size_t most = 0;
  for (const TextRange& range : sentences(passage)) {
    const auto there = content_terms(passage.substr(range.begin, range.size()));
    const auto shared = std::ranges::count_if(wanted, [&](const std::string& t) { return there.contains(t); });
    if (static_cast<size_t>(shared) <= most) continue;
    most = static_cast<size_t>(shared);
    best = range;
  }
  return best;
}

}  // namespace

bool Support::holds() const { return enough && facts && same_sense && closest.size() > 0; }

Support support(std::string_view sentence, std::string_view passage, std::string_view title) {
  auto there = content_terms(passage);
  there.merge(content_terms(title));
  std::set<std::string, std::less<>> wanted;
  Support out;
  out.facts = true;
  size_t hangul = 0;
  bool first = true;
  for (Term& t : terms(sentence)) {
    const bool named = is_upper(sentence[t.begin]) && !first;
    first = false;
    if (t.stop) continue;
    if ((named || has_digit(t.text)) && !there.contains(t.text)) out.facts = false;
    if (wanted.insert(std::move(t.text)).second && begins_with_hangul(sentence.substr(t.begin))) ++hangul;
  }
  if (wanted.empty()) return {};
  const auto found = std::ranges::count_if(wanted, [&](const std::string& t) { return there.contains(t); });
  out.share = static_cast<double>(found) / static_cast<double>(wanted.size());
  out.enough = out.share >= (2 * hangul > wanted.size() ? kLeastShareKorean : kLeastShare);
  out.closest = closest_sentence(wanted, passage);
  out.same_sense = !contradict(sentence, passage.substr(out.closest.begin, out.closest.size()));
  return out;
}

}  // namespace bantam
