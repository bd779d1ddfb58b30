// What kind of thing a question asks for, as far as its words tell, and whether a sentence has one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bantam {

enum class AskedKind : uint8_t { other, date, number, title, name };

struct Asked {
  AskedKind kind = AskedKind::other;
  std::string unit;  // of a Korean number: 명 in 몇 명; empty where the question names none
};

// "언제", "몇 명", "제목은"; "when", "how many", "who".
Asked asked_for(std::string_view question);

// Whether `text` has such a thing that the question does not have itself: a number that is a date (date), a number with
// the unit (number), words in quotes (title), a capitalised word that does not begin the sentence (name).
bool has_asked(const Asked& asked, std::string_view question, std::string_view text);

}  // namespace bantam
