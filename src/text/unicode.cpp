#include "text/unicode.h"

#include <utf8proc.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>

#include "base/utf8.h"

namespace bantam {
namespace {

constexpr int kLongestMarkRun = 30;

// White_Space of PropList.txt; it is not a general category.
bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

CharClass look_up_class(char32_t c) {
  if (is_white_space(c)) return CharClass::space;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return CharClass::letter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return CharClass::number;
    default:
      return CharClass::other;
  }
}

uint8_t look_up_traits(char32_t c) {
  if (is_white_space(c)) return trait::kSpace;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT:
      return trait::kUpper;
    case UTF8PROC_CATEGORY_LL:
      return trait::kLower;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return trait::kCaseless;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return trait::kMark;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return trait::kNumber;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return trait::kPunctuation;
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
      return trait::kSymbol;
    default:
      return 0;
  }
}

// Characters that a form never changes, next to each other in any order: none composes with another of them.
bool is_inert(char32_t c, NormalForm form) {
  if (form != NormalForm::nfc) return c < 0x80 || (c >= 0x4E00 && c <= 0x9FFF);
  return c < 0x300 || (c >= 0x2010 && c <= 0x2027) || (c >= 0x3001 && c <= 0x3020) || (c >= 0x4E00 && c <= 0x9FFF) ||
         (c >= 0xAC00 && c <= 0xD7A3);
}

bool is_combining_mark(char32_t c) {
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class != 0;
}

utf8proc_option_t options_of(NormalForm form) {
  const bool composes = form == NormalForm::nfc || form == NormalForm::nfkc;
  const bool compatible = form == NormalForm::nfkc || form == NormalForm::nfkd;
  return static_cast<utf8proc_option_t>(UTF8PROC_STABLE | (composes ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE) |
                                        (compatible ? UTF8PROC_COMPAT : 0));
}

// `text` is valid UTF-8.
void append_normalised(std::string& out, std::string_view text, NormalForm form) {
  utf8proc_uint8_t* raw = nullptr;
  const utf8proc_ssize_t length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                               static_cast<utf8proc_ssize_t>(text.size()), &raw, options_of(form));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(raw, &std::free);
  if (length < 0) throw std::bad_alloc();  // the only failure left for valid UTF-8
  out.append(reinterpret_cast<const char*>(raw), static_cast<size_t>(length));
}

}  // namespace

CharClass char_class(char32_t code_point) {
  static const std::array<CharClass, 128> ascii = [] {
    std::array<CharClass, 128> table{};
    for (char32_t c = 0; c < 128; ++c) table[c] = look_up_class(c);
    return table;
  }();
  return code_point < 128 ? ascii[code_point] : look_up_class(code_point);
}

uint8_t char_traits(char32_t code_point) {
  static const std::array<uint8_t, 128> ascii = [] {
    std::array<uint8_t, 128> table{};
    for (char32_t c = 0; c < 128; ++c) table[c] = look_up_traits(c);
    return table;
  }();
  return code_point < 128 ? ascii[code_point] : look_up_traits(code_point);
}

char32_t to_upper(char32_t code_point) {
  return static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(code_point)));
}

char32_t to_lower(char32_t code_point) {
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code_point)));
}

char32_t to_title(char32_t code_point) {
  return static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(code_point)));
}

bool is_printable(char32_t code_point) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code_point))) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    case UTF8PROC_CATEGORY_ZS:
      return code_point == ' ';
    default:
      return true;
  }
}

// Inert characters are copied. A run of others is normalised together with the inert character before it, which a
// mark may compose with.
std::string to_normal_form(std::string_view text, NormalForm form) {
  std::string out;
  out.reserve(text.size());
  size_t done = 0;  // what lies before is in `out`
  size_t base = 0;  // the inert character that ends here, if one does
  bool in_run = false;
  int marks = 0;  // combining marks in a row, up to here
  const auto normalise_up_to = [&](size_t end) {
    append_normalised(out, text.substr(done, end - done), form);
    done = end;
  };
  for (size_t at = 0; at < text.size();) {
    const std::optional<CodePoint> next = decode_utf8(text.substr(at));
    if (!next || is_inert(next->value, form)) {
      if (in_run) normalise_up_to(at);
      in_run = false;
      base = next ? at : at + 1;
    } else {
      if (!in_run) {
        out.append(text.substr(done, base - done));
        done = base;
        in_run = true;
        marks = 0;
      }
      marks = is_combining_mark(next->value) ? marks + 1 : 0;
      if (marks > kLongestMarkRun) {
        normalise_up_to(at);
        marks = 1;
      }
    }
    at += next ? static_cast<size_t>(next->bytes) : 1;
  }
  if (in_run) normalise_up_to(text.size());
  return out += text.substr(done);
}

std::string to_nfc(std::string_view text) { return to_normal_form(text, NormalForm::nfc); }

}  // namespace bantam
