#include "text/reading.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>

#include "base/error.h"
#include "text/terms.h"

namespace bantam {
namespace {

constexpr int kSeparatorType = 0, kQuestionType = 1, kPassageType = 4;
constexpr size_t kNearTerms = 20;  // to either side of a token: about a sentence

enum Overlap : uint8_t { kNone, kStopWord, kPart, kWord };

// What the question says about one of its terms.
struct QuestionTerm {
  size_t index;  // in order of appearance
  bool stop;
  bool in_passage = false;
};
using QuestionTerms = std::unordered_map<std::string, QuestionTerm>;

int32_t control_token(const Tokenizer& tokenizer, std::string_view text) {
  if (const auto id = tokenizer.find(text)) return *id;
  throw UsageError("the vocabulary has no {} to set question and passage apart", text);
}

bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

bool overlaps_next(const std::vector<Term>& terms, size_t i) {
  return i + 1 < terms.size() && terms[i + 1].begin < terms[i].end;
}

// Overlap of each passage term. Terms that run into each other are the syllable pairs of one word: it is the question's
// word when at least two pairs and at least half of them (the rest may be particles) are.
std::vector<Overlap> overlap_of(const std::vector<Term>& passage, std::string_view passage_text,
                                const QuestionTerms& question, const std::vector<std::string_view>& question_words) {
  std::vector<Overlap> overlap(passage.size(), kNone);
  for (size_t i = 0; i < passage.size();) {
    size_t end = i + 1;
    while (end < passage.size() && overlaps_next(passage, end - 1)) ++end;
    size_t found = 0;
    for (size_t j = i; j < end; ++j) {
      const auto match = question.find(passage[j].text);
      if (match == question.end()) continue;
      overlap[j] = match->second.stop ? kStopWord : kPart;
      found += overlap[j] == kPart;
    }
    if (end == i + 1 && overlap[i] == kPart) {
      const std::string_view word = passage_text.substr(passage[i].begin, passage[i].end - passage[i].begin);
      const bool same = std::any_of(question_words.begin(), question_words.end(),
                                    [&](std::string_view q) { return same_word(q, word); });
      if (same) overlap[i] = kWord;
    } else if (found >= 2 && 2 * found >= end - i) {
      for (size_t j = i; j < end; ++j) overlap[j] = overlap[j] == kPart ? kWord : overlap[j];
    }
    i = end;
  }
  return overlap;
}

// How much of the question is found within kNearTerms of each passage term, each of its terms counted once and weighed
// by its rarity in the passage: ln(1 + terms / occurrences).
std::vector<double> nearness_of(const std::vector<Term>& passage, const std::vector<Overlap>& overlap,
                                const QuestionTerms& question) {
  std::vector<size_t> occurrences(question.size());
  std::vector<int> matched(passage.size(), -1);
  for (size_t i = 0; i < passage.size(); ++i) {
    if (overlap[i] < kPart) continue;
    matched[i] = static_cast<int>(question.find(passage[i].text)->second.index);
    ++occurrences[static_cast<size_t>(matched[i])];
  }
  std::vector<double> weight(question.size());
  for (size_t q = 0; q < weight.size(); ++q) {
    if (occurrences[q] > 0) {
      weight[q] = std::log(1 + static_cast<double>(passage.size()) / static_cast<double>(occurrences[q]));
    }
  }
  std::vector<double> near(passage.size());
  std::vector<size_t> inside(question.size());
  double sum = 0;
  const auto enter = [&](size_t i) {
    if (matched[i] >= 0 && inside[static_cast<size_t>(matched[i])]++ == 0)
      sum += weight[static_cast<size_t>(matched[i])];
  };
  const auto leave = [&](size_t i) {
    if (matched[i] >= 0 && --inside[static_cast<size_t>(matched[i])] == 0)
      sum -= weight[static_cast<size_t>(matched[i])];
  };
  for (size_t i = 0; i < std::min(kNearTerms, passage.size()); ++i) enter(i);
  for (size_t i = 0; i < passage.size(); ++i) {
    if (i + kNearTerms < passage.size()) enter(i + kNearTerms);
    if (i > kNearTerms) leave(i - kNearTerms - 1);
    near[i] = sum;
  }
  return near;
}

int nearness_step(double near, double best) {
  if (best <= 0 || near < 0.3 * best) return 0;
  return near < 0.6 * best ? 1 : near < 0.9 * best ? 2 : 3;
}

// The bytes of `text` that tokens stand for, one after the other; trimmed of spaces.
std::vector<ReadingTokens::Bytes> token_bytes(const Tokenizer& tokenizer, std::span<const int32_t> ids,
                                              std::string_view text) {
  std::vector<ReadingTokens::Bytes> bytes;
  size_t at = 0;
  for (const int32_t id : ids) {
    const std::string_view piece = tokenizer.piece(id);
    if (text.substr(at, piece.size()) != piece) break;
    const auto is_space = [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; };
    size_t begin = at, end = at + piece.size();
    while (begin < end && is_space(text[begin])) ++begin;
    while (end > begin && is_space(text[end - 1])) --end;
    bytes.push_back({begin, end});
    at += piece.size();
  }
  if (at != text.size() || bytes.size() != ids.size()) {
    throw UsageError("byte {} of a passage is changed by the vocabulary; a reader needs a byte-level one and NFC", at);
  }
  return bytes;
}

// The strongest of values[i] over the terms that share bytes with [begin, end); terms are in order.
template <class Value>
Value strongest(const std::vector<Term>& terms, const std::vector<Value>& values, size_t begin, size_t end) {
  Value best{};
  auto first =
      std::lower_bound(terms.begin(), terms.end(), begin, [](const Term& t, size_t at) { return t.end <= at; });
  for (; first != terms.end() && first->begin < end; ++first) {
    best = std::max(best, values[static_cast<size_t>(first - terms.begin())]);
  }
  return best;
}

}  // namespace

ReadingTokens encode_reading(const Tokenizer& tokenizer, std::string_view question, std::string_view passage) {
  const std::vector<Term> asked = terms(question), found = terms(passage);
  QuestionTerms by_text;
  std::vector<std::string_view> words;
  for (const Term& t : asked) {
    by_text.try_emplace(t.text, QuestionTerm{by_text.size(), t.stop});
    words.push_back(question.substr(t.begin, t.end - t.begin));
  }
  for (const Term& t : found) {
    if (const auto match = by_text.find(t.text); match != by_text.end()) match->second.in_passage = true;
  }
  const std::vector<Overlap> overlap = overlap_of(found, passage, by_text, words);
  const std::vector<double> near = nearness_of(found, overlap, by_text);
  const double most = near.empty() ? 0 : *std::max_element(near.begin(), near.end());

  ReadingTokens out;
  const auto push = [&](int32_t id, int type) {
    out.ids.push_back(id);
    out.types.push_back(type);
  };
  push(control_token(tokenizer, "<|im_start|>"), kSeparatorType);
  std::vector<int> question_marks;
  for (const Term& t : asked) {
    const QuestionTerm& q = by_text.at(t.text);
    question_marks.push_back(q.stop ? 0 : q.in_passage ? 2 : 1);
  }
  size_t at = 0;
  for (const int32_t id : tokenizer.encode(question)) {
    const size_t end = std::min(at + tokenizer.piece(id).size(), question.size());
    push(id, kQuestionType + strongest(asked, question_marks, at, end));
    at = end;
  }
  push(control_token(tokenizer, "<|im_end|>"), kSeparatorType);
  out.passage_begin = static_cast<int>(out.ids.size());
  const std::vector<int32_t> ids = tokenizer.encode(passage);
  out.bytes = token_bytes(tokenizer, ids, passage);
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto [begin, end] = out.bytes[i];
    const int mark = strongest(found, overlap, begin, end);
    push(ids[i], kPassageType + 4 * mark + nearness_step(strongest(found, near, begin, end), most));
  }
  return out;
}

}  // namespace bantam
