#include "retrieval/sentences.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "base/utf8.h"
#include "retrieval/hangul.h"

namespace bantam {
namespace {

// Lines of a paragraph as wide as this at most may have been broken to fit; of shorter ones each is meant.
constexpr size_t kMostWrapBytes = 240, kLeastWrapBytes = 40;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_lower(c) || is_upper(c); }

char32_t character_at(std::string_view text, size_t at) {
  const auto c = at < text.size() ? decode_utf8(text.substr(at)) : std::nullopt;
  return c ? c->value : 0;
}

char32_t character_before(std::string_view text, size_t at) {
  size_t begin = at;
  while (begin > 0 && at - begin < 4) {
    --begin;
    if ((static_cast<unsigned char>(text[begin]) & 0xC0) != 0x80) break;
  }
  return character_at(text, begin);
}

template <size_t n>
size_t starts_with_any(std::string_view text, const std::array<std::string_view, n>& list) {
  for (const auto item : list) {
    if (text.starts_with(item)) return item.size();
  }
  return 0;
}

template <size_t n>
bool is_one_of(std::string_view word, const std::array<std::string_view, n>& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

constexpr std::array<std::string_view, 6> kWideStops = {"。", "！", "？", "｡", "．", "︒"};
constexpr std::array<std::string_view, 16> kClosers = {"\"", "'",  ")",  "]",  "}",  "”",  "’",  "»",
                                                       "」", "』", "》", "〉", "）", "】", "］", "〕"};
constexpr std::array<std::string_view, 8> kBullets = {"•", "·", "‣", "▪", "■", "○", "●", "–"};

// A point after these never ends a sentence.
constexpr std::array<std::string_view, 40> kNeverLast = {
    "dr",   "mr",     "mrs", "ms",   "prof",   "st",  "gen", "sen",  "rep", "lt",   "col", "capt", "sgt", "cpl",
    "rev",  "hon",    "gov", "pres", "vs",     "e.g", "i.e", "cf",   "ca",  "mt",   "ft",  "viz",  "maj", "adm",
    "cmdr", "messrs", "mme", "mlle", "approx", "fr",  "sir", "supt", "det", "insp", "eg",  "ie"};
// Nor after these before a number.
constexpr std::array<std::string_view, 28> kBeforeNumber = {
    "no",  "nos", "fig", "figs", "vol", "vols", "p",   "pp",   "art", "sec", "ch",  "eq",  "chap", "jan",
    "feb", "mar", "apr", "jun",  "jul", "aug",  "sep", "sept", "oct", "nov", "dec", "ver", "op",   "c"};
// After these, and after initials, a sentence ends only if a word follows that begins one.
constexpr std::array<std::string_view, 22> kSeldomLast = {"jr",  "sr",   "inc",   "ltd", "co",   "corp", "bros", "al",
                                                          "etc", "dept", "est",   "ave", "blvd", "rd",   "univ", "assn",
                                                          "ed",  "eds",  "trans", "min", "max",  "ph.d"};
constexpr std::array<std::string_view, 64> kBeginners = {
    "a",       "after", "all",   "also",    "although", "an",   "and",   "another", "as",   "at",   "before",
    "both",    "but",   "by",    "during",  "each",     "for",  "from",  "he",      "her",  "his",  "how",
    "however", "if",    "in",    "instead", "it",       "its",  "many",  "most",    "no",   "not",  "of",
    "on",      "one",   "or",    "other",   "our",      "she",  "since", "so",      "some", "that", "the",
    "their",   "then",  "there", "these",   "they",     "this", "those", "through", "thus", "to",   "today",
    "two",     "under", "until", "we",      "what",     "when", "where", "while",   "with"};

std::string lower_word(std::string_view text, size_t begin, size_t end) {
  std::string word(text.substr(begin, end - begin));
  for (char& c : word) {
    if (is_upper(c)) c = static_cast<char>(c | 0x20);
  }
  return word;
}

// Where the word of letters, digits and inner points that ends at `end` begins.
size_t word_begin(std::string_view text, size_t end) {
  constexpr size_t kLongest = 12;
  size_t begin = end;
  while (begin > 0 && end - begin <= kLongest) {
    const char c = text[begin - 1];
    if (!is_letter(c) && !is_digit(c) && c != '.') break;
    --begin;
  }
  return begin;
}

bool begins_a_sentence(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && is_letter(text[end])) ++end;
  return is_upper(at < text.size() ? text[at] : ' ') && is_one_of(lower_word(text, at, end), kBeginners);
}

// Whether the point at text[point] ends the sentence; text[next] is the first character after the white space.
bool point_ends(std::string_view text, size_t point, size_t next) {
  const char follower = text[next];
  if (is_lower(follower)) return false;
  const size_t begin = word_begin(text, point);
  const std::string word = lower_word(text, begin, point);
  if (word.empty()) return true;
  const bool at_line_begin =
      std::all_of(text.begin(), text.begin() + static_cast<ptrdiff_t>(begin), [](char c) { return is_space(c); });
  const bool number = std::all_of(word.begin(), word.end(), is_digit);
  // 1995. 3. 2.; "1. First"; Korean sentences do not end in digits.
  if (number && (is_digit(follower) || (at_line_begin && word.size() <= 3) || is_hangul(character_at(text, next)))) {
    return false;
  }
  if (is_one_of(word, kNeverLast)) return false;
  if (is_digit(follower) && is_one_of(word, kBeforeNumber)) return false;
  const bool initials =
      word.size() == 1 ? is_letter(text[begin]) : word.size() <= 7 && word[1] == '.' && !is_digit(word[0]);
  if (word.size() == 1 && initials && at_line_begin) return false;  // "a. First"
  if (initials || is_one_of(word, kSeldomLast)) return begins_a_sentence(text, next);
  return true;
}

// Past the quotes and brackets that close on a stop, and footnote marks such as [12].
size_t skip_closers(std::string_view line, size_t at) {
  for (;;) {
    if (const size_t size = starts_with_any(line.substr(at), kClosers); size > 0) {
      at += size;
      continue;
    }
    if (at >= line.size() || line[at] != '[') return at;
    size_t end = at + 1;
    while (end < line.size() && is_digit(line[end])) ++end;
    if (end == at + 1 || end >= line.size() || line[end] != ']') return at;
    at = end + 1;
  }
}

size_t skip_stops(std::string_view line, size_t at) {
  for (;;) {
    if (at < line.size() && (line[at] == '.' || line[at] == '!' || line[at] == '?')) {
      ++at;
    } else if (const size_t size = starts_with_any(line.substr(at), kWideStops); size > 0) {
      at += size;
    } else if (line.substr(at).starts_with("…")) {
      at += 3;
    } else {
      return at;
    }
  }
}

// The end of the sentence if the stop that begins at `stop` ends one; nothing where it does not.
std::optional<size_t> sentence_end(std::string_view line, size_t stop) {
  const bool wide = starts_with_any(line.substr(stop), kWideStops) > 0;
  const size_t after_stops = skip_stops(line, stop);
  const size_t end = skip_closers(line, after_stops);
  size_t next = end;
  while (next < line.size() && is_space(line[next])) ++next;
  if (next == line.size()) return end;
  if (next == end) {
    // No space follows. 。 needs none, and Korean is often written without.
    if (end != after_stops) return std::nullopt;
    if (wide) return end;
    const bool korean = is_hangul(character_before(line, stop)) && is_hangul(character_at(line, next));
    return korean && after_stops - stop == 1 ? std::optional(end) : std::nullopt;
  }
  if (wide) return end;
  const size_t word =
      next + starts_with_any(line.substr(next), std::array<std::string_view, 5>{"\"", "'", "“", "‘", "("});
  const bool goes_on = word < line.size() && is_lower(line[word]);
  if (goes_on) return std::nullopt;
  if (line[stop] == '.' && after_stops - stop == 1 && !point_ends(line, stop, std::min(word, line.size() - 1))) {
    return std::nullopt;
  }
  return end;
}

// Where to cut `text`, which is longer than kMostSentenceBytes: a place behind its half.
size_t cut_place(std::string_view text) {
  const std::string_view head = text.substr(0, kMostSentenceBytes);
  for (const std::string_view mark : {"; ", ", ", " ", "、", "，", "\n", "\t"}) {
    const size_t at = head.rfind(mark);
    if (at != std::string_view::npos && at > kMostSentenceBytes / 2) return at + mark.size();
  }
  return whole_utf8_prefix(head);
}

void append_trimmed(std::vector<TextRange>& out, std::string_view text, size_t begin, size_t end) {
  while (begin < end && is_space(text[begin])) ++begin;
  while (end > begin && is_space(text[end - 1])) --end;
  while (end - begin > kMostSentenceBytes) {
    const size_t cut = begin + cut_place(text.substr(begin, end - begin));
    size_t last = cut;
    while (last > begin && is_space(text[last - 1])) --last;
    out.push_back({begin, last});
    begin = cut;
    while (begin < end && is_space(text[begin])) ++begin;
  }
  if (begin < end) out.push_back({begin, end});
}

bool may_begin_stop(char c) { return c == '.' || c == '!' || c == '?' || c == '\xE2' || c == '\xE3' || c == '\xEF'; }

void split_line(std::vector<TextRange>& out, std::string_view text, TextRange range) {
  const std::string_view line = text.substr(range.begin, range.size());
  size_t begin = 0;
  for (size_t at = 0; at < line.size();) {
    if (!may_begin_stop(line[at])) {
      ++at;
      continue;
    }
    const size_t after = skip_stops(line, at);
    if (after == at) {
      ++at;
      continue;
    }
    if (const auto end = sentence_end(line.substr(begin), at - begin)) {
      append_trimmed(out, text, range.begin + begin, range.begin + begin + *end);
      begin += *end;
      at = begin;
    } else {
      at = after;
    }
  }
  append_trimmed(out, text, range.begin + begin, range.end);
}

// "- ", "* ", "# ", "| ", "1. ", "a) " and bullets: a line that begins so stands by itself.
bool begins_item(std::string_view line) {
  size_t at = 0;
  while (at < line.size() && (line[at] == ' ' || line[at] == '\t')) ++at;
  line.remove_prefix(at);
  if (line.empty()) return false;
  if (line[0] == '#' || line[0] == '|' || line[0] == '>') return true;
  if (starts_with_any(line, kBullets) > 0) return true;
  if (line.size() > 1 && (line[0] == '-' || line[0] == '*' || line[0] == '+') && is_space(line[1])) return true;
  size_t digits = 0;
  while (digits < line.size() && digits < 3 && is_digit(line[digits])) ++digits;
  if (digits == 0 && is_letter(line[0])) digits = 1;
  return digits > 0 && digits + 1 < line.size() && (line[digits] == '.' || line[digits] == ')') &&
         is_space(line[digits + 1]);
}

TextRange without_end_space(std::string_view text, size_t begin, size_t end) {
  while (end > begin && is_space(text[end - 1])) --end;
  return {begin, end};
}

// Appends the logical lines of a paragraph given by its lines.
void join_wrapped(std::vector<TextRange>& out, std::string_view text, const std::vector<TextRange>& lines) {
  size_t width = 0;
  for (const TextRange& line : lines) width = std::max(width, line.size());
  const bool may_wrap = width >= kLeastWrapBytes && width <= kMostWrapBytes;
  TextRange current = lines.front();
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::string_view next = text.substr(lines[i].begin, lines[i].size());
    const size_t indent = std::min(next.find_first_not_of(" \t"), next.size());
    const size_t word = std::min(next.find_first_of(" \t", indent), next.size()) - indent;
    // The line was broken for its width if the next word would not have fitted on it.
    const bool wrapped = may_wrap && !begins_item(next) && lines[i - 1].size() + 1 + word > width;
    if (wrapped) {
      current.end = lines[i].end;
    } else {
      out.push_back(current);
      current = lines[i];
    }
  }
  out.push_back(current);
}

}  // namespace

std::vector<TextRange> logical_lines(std::string_view text) {
  std::vector<TextRange> out, paragraph;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const TextRange line = without_end_space(text, begin, end);
    if (line.size() > 0) paragraph.push_back(line);
    if ((line.size() == 0 || end == text.size()) && !paragraph.empty()) {
      join_wrapped(out, text, paragraph);
      paragraph.clear();
    }
    begin = end + 1;
  }
  return out;
}

std::vector<TextRange> sentences(std::string_view text) {
  std::vector<TextRange> out;
  for (const TextRange& line : logical_lines(text)) split_line(out, text, line);
  return out;
}

}  // namespace bantam
