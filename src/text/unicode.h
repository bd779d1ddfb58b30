// What tokenizers and chat templates need to know about Unicode: classes, case, the NFC form. The one user of utf8proc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bantam {

// \p{L}, \p{N}, White_Space, and everything else (marks, punctuation, symbols, unassigned).
enum class CharClass : uint8_t { other, letter, number, space };

CharClass char_class(char32_t code_point);

// General categories, as bits: what the published expressions of pre-tokenizers tell apart.
namespace trait {
inline constexpr uint8_t kUpper = 1;     // Lu Lt
inline constexpr uint8_t kLower = 2;     // Ll
inline constexpr uint8_t kCaseless = 4;  // Lm Lo
inline constexpr uint8_t kLetter = kUpper | kLower | kCaseless;
inline constexpr uint8_t kMark = 8;
inline constexpr uint8_t kNumber = 16;
inline constexpr uint8_t kPunctuation = 32;
inline constexpr uint8_t kSymbol = 64;
inline constexpr uint8_t kSpace = 128;  // White_Space
}  // namespace trait

// No bit for controls, formats and what is not assigned.
uint8_t char_traits(char32_t code_point);

// The simple mappings: one character to one. Those without a case stay.
char32_t to_upper(char32_t code_point);
char32_t to_lower(char32_t code_point);
char32_t to_title(char32_t code_point);

// Whether it shows as itself: not a control, format or unassigned character, and no separator but the space.
bool is_printable(char32_t code_point);

// Unicode Standard Annex 15.
enum class NormalForm { nfc, nfd, nfkc, nfkd };

// Bytes that are not valid UTF-8 stay as they are. Time is linear: runs of more than 30 combining marks are normalised
// in parts, as in the annex's Stream-Safe Text Format.
std::string to_normal_form(std::string_view text, NormalForm form);
std::string to_nfc(std::string_view text);

}  // namespace bantam
