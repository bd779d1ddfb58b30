#include "text/template/strings.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "base/utf8.h"
#include "text/template/characters.h"
#include "text/template/format.h"
#include "text/template/operators.h"
#include "text/unicode.h"

namespace bantam::jinja {
namespace {

bool has_case(char32_t c) { return to_upper(c) != c || to_lower(c) != c; }

// U+00DF has a capital of two letters.
void append_upper(std::string& out, char32_t c, bool rest_small) {
  if (c == U'ß') {
    out += rest_small ? "Ss" : "SS";
  } else {
    append_utf8(out, rest_small ? to_title(c) : to_upper(c));
  }
}

// Where the filter `title` begins a word.
bool separates_words(char32_t c) {
  return is_python_space(c) || std::u32string_view(U"-({[<").find(c) != std::u32string_view::npos;
}

bool breaks_line(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

void add_part(Budget& budget, std::vector<Value>& parts, const Text& text, size_t begin, size_t end) {
  budget.step();
  budget.bytes(end - begin + 2 * sizeof(Value));
  parts.push_back(text.slice(begin, end - begin));
}

// [begin, end) of the next run of characters that are no white space; empty at the end of the text.
std::pair<size_t, size_t> next_word(std::string_view text, size_t at) {
  size_t begin = at;
  while (begin < text.size() && is_python_space(character_at(text, begin).value)) begin += character_bytes(text, begin);
  size_t end = begin;
  while (end < text.size() && !is_python_space(character_at(text, end).value)) end += character_bytes(text, end);
  return {begin, end};
}

void require_separator(const Text* separator) {
  if (separator && separator->empty()) throw Fault("empty separator");
}

}  // namespace

bool is_python_space(char32_t c) { return char_class(c) == CharClass::space || (c >= 0x1C && c <= 0x1F); }

std::string_view without_space_around(std::string_view text, bool left, bool right) {
  size_t begin = 0, end = text.size();
  while (left && begin < end && is_python_space(character_at(text, begin).value)) begin += character_bytes(text, begin);
  while (right && end > begin) {
    size_t last = end - 1;
    while (last > begin && end - last < 4 && (static_cast<uint8_t>(text[last]) & 0xC0) == 0x80) --last;
    if (!is_python_space(character_at(text.substr(0, end), last).value)) break;
    end = last;
  }
  return text.substr(begin, end - begin);
}

Text with_case(Budget& budget, const Text& text, LetterCase letter_case) {
  budget.bytes(4 * text.size());
  Text out;
  bool inside_word = false;
  for (size_t at = 0; at < text.size();) {
    const Character c = character_at(text.bytes(), at);
    const bool valid = c.bytes > 1 || c.value < 0x80;
    std::string mapped;
    if (letter_case == LetterCase::upper || (letter_case == LetterCase::swapped && to_lower(c.value) == c.value)) {
      append_upper(mapped, c.value, false);
    } else if (inside_word || letter_case == LetterCase::lower || letter_case == LetterCase::swapped) {
      append_utf8(mapped, to_lower(c.value));
    } else {
      append_upper(mapped, c.value, letter_case != LetterCase::title_words);
    }
    inside_word = letter_case == LetterCase::capital || (letter_case == LetterCase::title && has_case(c.value)) ||
                  (letter_case == LetterCase::title_words && !separates_words(c.value));
    if (valid) {
      out.append(mapped, text.origin(at));
    } else {
      out.append(text, at, 1);
    }
    at += c.bytes;
  }
  return out;
}

Text stripped(Budget& budget, const Text& text, const Text* characters_to_strip, Ends ends) {
  budget.bytes(2 * text.size());
  const std::string_view bytes = text.bytes();
  if (!characters_to_strip) {
    const std::string_view inside = without_space_around(bytes, ends.left, ends.right);
    return text.slice(static_cast<size_t>(inside.data() - bytes.data()), inside.size());
  }
  const std::vector<Character> all = characters(bytes), set = characters(characters_to_strip->bytes());
  const auto goes = [&](const Character& c) {
    budget.bytes(set.size());
    return std::ranges::find(set, c.value, &Character::value) != set.end();
  };
  size_t first = 0, last = all.size();
  while (ends.left && first < last && goes(all[first])) ++first;
  while (ends.right && last > first && goes(all[last - 1])) --last;
  if (first == last) return Text();
  return text.slice(all[first].begin, all[last - 1].begin + all[last - 1].bytes - all[first].begin);
}

Text replaced(Budget& budget, const Text& text, const Text& old, const Text& by, int64_t limit) {
  Text out;
  size_t done = 0;
  const auto replace_at = [&](size_t at, size_t count) {
    budget.bytes(at - done + by.size());
    out.append(text, done, at - done);
    out.append(by);
    done = at + count;
  };
  if (old.empty()) {  // before every character and at the end
    for (size_t at = 0; limit != 0; --limit) {
      replace_at(at, 0);
      if (at == text.size()) break;
      at += character_bytes(text.bytes(), at);
    }
  } else {
    for (size_t at; limit != 0 && (at = find_bytes(budget, text.bytes(), old.bytes(), done)) != std::string::npos;
         --limit) {
      replace_at(at, old.size());
    }
  }
  budget.bytes(text.size() - done);
  out.append(text, done);
  return out;
}

std::vector<Value> split(Budget& budget, const Text& text, const Text* separator, int64_t limit) {
  require_separator(separator);
  std::vector<Value> parts;
  const std::string_view bytes = text.bytes();
  if (!separator) {
    budget.bytes(2 * text.size());
    for (auto [begin, end] = next_word(bytes, 0); begin < bytes.size(); std::tie(begin, end) = next_word(bytes, end)) {
      if (limit-- == 0) {
        add_part(budget, parts, text, begin, bytes.size());
        break;
      }
      add_part(budget, parts, text, begin, end);
    }
    return parts;
  }
  size_t done = 0;
  for (size_t at; limit != 0 && (at = find_bytes(budget, bytes, separator->bytes(), done)) != std::string::npos;
       --limit) {
    add_part(budget, parts, text, done, at);
    done = at + separator->size();
  }
  add_part(budget, parts, text, done, text.size());
  return parts;
}

std::vector<Value> split_from_right(Budget& budget, const Text& text, const Text* separator, int64_t limit) {
  if (limit < 0) return split(budget, text, separator, limit);
  require_separator(separator);
  std::vector<Value> parts;
  std::string_view rest = text.bytes();
  budget.bytes(text.size());
  if (!separator) rest = without_space_around(rest, false, true);
  for (; limit > 0; --limit) {
    size_t begin = 0, before = 0;  // of the last part, and of what separates it
    if (separator) {
      budget.bytes(rest.size() / 64 * separator->size());
      const size_t at = rest.rfind(separator->bytes());
      if (at == std::string_view::npos) break;
      before = at;
      begin = at + separator->size();
    } else {
      begin = rest.size();
      while (begin > 0 && without_space_around(rest.substr(0, begin), false, true).size() == begin) {
        do --begin;
        while (begin > 0 && (static_cast<uint8_t>(rest[begin]) & 0xC0) == 0x80);
      }
      before = without_space_around(rest.substr(0, begin), false, true).size();
      if (before == 0) break;
    }
    add_part(budget, parts, text, begin, rest.size());
    rest = rest.substr(0, before);
  }
  const size_t first = separator || limit == 0 ? 0 : rest.size() - without_space_around(rest, true, false).size();
  if (separator || !rest.empty()) add_part(budget, parts, text, first, rest.size());
  std::ranges::reverse(parts);
  return parts;
}

std::vector<Value> split_lines(Budget& budget, const Text& text, bool keep_ends) {
  budget.bytes(text.size());
  std::vector<Value> lines;
  const std::string_view bytes = text.bytes();
  size_t begin = 0;
  for (size_t at = 0; at < bytes.size();) {
    const Character c = character_at(bytes, at);
    const size_t end = at;
    at += c.bytes;
    if (!breaks_line(c.value)) continue;
    if (c.value == '\r' && at < bytes.size() && bytes[at] == '\n') ++at;
    add_part(budget, lines, text, begin, keep_ends ? at : end);
    begin = at;
  }
  if (begin < bytes.size()) add_part(budget, lines, text, begin, bytes.size());
  return lines;
}

Text joined(Budget& budget, const std::vector<Value>& items, const Text& separator) {
  Text out;
  for (size_t i = 0; i < items.size(); ++i) {
    budget.bytes(separator.size());
    if (i > 0) out.append(separator);
    append_text(budget, out, items[i]);
  }
  return out;
}

}  // namespace bantam::jinja
