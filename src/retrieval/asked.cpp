#include "retrieval/asked.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/utf8.h"
#include "retrieval/hangul.h"

namespace bantam {
namespace {

using Words = std::initializer_list<std::string_view>;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = is_upper(c) ? static_cast<char>(c | 0x20) : c;
  return out;
}

bool contains_any(std::string_view text, Words words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view w) { return text.find(w) != std::string_view::npos; });
}

bool starts_with_any(std::string_view text, Words words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view w) { return text.starts_with(w); });
}

// The syllables after the first 몇, without a space between: 명 in "몇 명이나", at most two.
std::string unit_after_how_many(std::string_view question) {
  constexpr std::string_view kHowMany = "몇";
  size_t at = question.find(kHowMany);
  if (at == std::string_view::npos) return {};
  at += kHowMany.size();
  if (at < question.size() && question[at] == ' ') ++at;
  const auto unit = decode_utf8(question.substr(at));
  if (!unit || !is_hangul(unit->value)) return {};
  return std::string(question.substr(at, static_cast<size_t>(unit->bytes)));
}

Asked asked_in_korean(std::string_view question) {
  const std::string unit = unit_after_how_many(question);
  const bool span_of_years = contains_any(question, {"년간", "년 동안", "년이나", "년만", "년 만"});
  if (contains_any(question, {"언제", "어느 해", "연도", "년도", "해는", "날짜", "날은", "시기", "며칠", "때는",
                              "몇 월", "몇월"}) ||
      (unit == "년" && !span_of_years)) {
    return {AskedKind::date, {}};
  }
  if (!unit.empty() || contains_any(question, {"얼마", "비율", "퍼센트", "점수", "인구는", "수는", "나이는", "높이는",
                                               "길이는", "금액", "면적"})) {
    return {AskedKind::number, unit};
  }
  if (contains_any(question,
                   {"제목", "작품", "책은", "소설은", "영화는", "노래는", "곡은", "앨범은", "저서", "프로그램은"})) {
    return {AskedKind::title, {}};
  }
  return {};
}

Asked asked_in_english(std::string_view question) {
  const std::string text = " " + lower(question);
  if (contains_any(text, {" when ", " what year", " which year", " what date", " what century", " what month",
                          " which century", " what decade", " what day"})) {
    return {AskedKind::date, {}};
  }
  if (contains_any(text, {" how many", " how much", " how long", " how old", " how far", " how tall", " how high",
                          " how large", " how big", " what percent", " how often", " how fast"})) {
    return {AskedKind::number, {}};
  }
  if (contains_any(text, {" who ", " whose ", " whom ", " where "})) return {AskedKind::name, {}};
  return {};
}

// Digits of `text` from `at` on, thousands' points included.
std::string_view number_at(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() &&
         (is_digit(text[end]) || (text[end] == ',' && end + 1 < text.size() && is_digit(text[end + 1])))) {
    ++end;
  }
  return text.substr(at, end - at);
}

// Whether f(number, what follows it) for one of the numbers in `text` that the question has not.
bool any_number(std::string_view question, std::string_view text, auto&& f) {
  for (size_t at = 0; at < text.size();) {
    if (!is_digit(text[at])) {
      ++at;
      continue;
    }
    const std::string_view number = number_at(text, at);
    at += number.size();
    if (question.find(number) == std::string_view::npos && f(number, text.substr(at))) return true;
  }
  return false;
}

bool has_date(std::string_view question, std::string_view text) {
  const bool dated = any_number(question, text, [](std::string_view number, std::string_view rest) {
    if (starts_with_any(rest, {"년", "월", "일", "세기", " 세기", "th century", "st century", "s "})) return true;
    return number.size() == 4 && (number[0] == '1' || number[0] == '2') && !starts_with_any(rest, {"명", "개", "km"});
  });
  return dated;
}

bool has_number(const Asked& asked, std::string_view question, std::string_view text) {
  if (asked.unit.empty()) {
    return any_number(question, text, [](auto, auto) { return true; }) ||
           contains_any(lower(text), {" two ", " three ", " four ", " five ", " six ", " seven ", " eight ", " nine ",
                                      " ten ", " twelve ", " million", " billion", " half"});
  }
  return any_number(question, text, [&](auto, std::string_view rest) {
    while (starts_with_any(rest, {" ", "만", "천", "백", "억", "여", "조", "개"}) && !rest.starts_with(asked.unit)) {
      rest.remove_prefix(rest[0] == ' ' ? 1 : 3);
    }
    return rest.starts_with(asked.unit);
  });
}

bool has_title(std::string_view question, std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kQuotes = {
      {{"《", "》"}, {"〈", "〉"}, {"「", "」"}, {"『", "』"}, {"‘", "’"}, {"“", "”"}, {"<", ">"}}};
  for (const auto& [open, close] : kQuotes) {
    for (size_t at = text.find(open); at != std::string_view::npos; at = text.find(open, at + 1)) {
      const size_t begin = at + open.size(), end = text.find(close, begin);
      if (end == std::string_view::npos) break;
      if (question.find(text.substr(begin, end - begin)) == std::string_view::npos) return true;
    }
  }
  return false;
}

bool has_name(std::string_view question, std::string_view text) {
  const std::string asked = lower(question);
  for (size_t at = 1; at < text.size(); ++at) {
    if (!is_upper(text[at]) || text[at - 1] != ' ') continue;
    size_t end = at;
    while (end < text.size() && is_letter(text[end])) ++end;
    if (end - at > 1 && asked.find(lower(text.substr(at, end - at))) == std::string::npos) return true;
  }
  return false;
}

}  // namespace

Asked asked_for(std::string_view question) {
  return contains_hangul(question) ? asked_in_korean(question) : asked_in_english(question);
}

bool has_asked(const Asked& asked, std::string_view question, std::string_view text) {
  switch (asked.kind) {
    case AskedKind::date:
      return has_date(question, text);
    case AskedKind::number:
      return has_number(asked, question, text);
    case AskedKind::title:
      return has_title(question, text);
    case AskedKind::name:
      return has_name(question, text);
    case AskedKind::other:
      break;
  }
  return false;
}

}  // namespace bantam
