#include "retrieval/encoding.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/utf8.h"
#include "text/unicode.h"

namespace bantam {
namespace {

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF", kUtf16LeMark = "\xFF\xFE", kUtf16BeMark = "\xFE\xFF";
constexpr char32_t kReplacement = 0xFFFD;

// Share of control bytes past which a file is no text. Random bytes have 10 in 100, logs with colours under 1.
constexpr size_t kTextBytesPerControl = 100;
// A file of valid characters with one in this many broken was cut or patched, not written in another encoding.
constexpr size_t kValidPerBroken = 20;

uint8_t byte_at(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

bool is_control(uint8_t byte) {
  return (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r' && byte != '\f' && byte != 0x1B) || byte == 0x7F;
}

size_t count_controls(std::string_view bytes) {
  return static_cast<size_t>(std::ranges::count_if(bytes, [](char c) { return is_control(static_cast<uint8_t>(c)); }));
}

uint64_t word_at(const char* text) {
  uint64_t word;
  std::memcpy(&word, text, sizeof(word));
  return word;
}

// Bytes from the front that are of characters which documents keep as they are, in any order: printable ASCII, \t, \n,
// and those that NFC never changes and that compose with nothing (U+00A0 to U+02FF but the soft hyphen, dashes and
// quotes, CJK punctuation, unified ideographs, Hangul syllables). Most texts have little else, so this is what is fast.
size_t plain_prefix(std::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  size_t at = 0;
  while (at < text.size()) {
    while (at + 8 <= text.size()) {  // eight bytes of 20 to 7E
      const uint64_t word = word_at(text.data() + at);
      if (((word | (word - kOnes * 0x20) | (word + kOnes)) & kHighs) != 0) break;
      at += 8;
    }
    if (at == text.size()) break;
    const uint8_t lead = byte(at);
    if (lead < 0x80) {
      if ((lead < 0x20 && lead != '\n' && lead != '\t') || lead == 0x7F) return at;
      ++at;
    } else if (lead >= 0xC2 && lead <= 0xCB) {
      if (at + 1 >= text.size() || (byte(at + 1) & 0xC0) != 0x80) return at;
      if (lead == 0xC2 && (byte(at + 1) < 0xA0 || byte(at + 1) == 0xAD)) return at;
      at += 2;
    } else if (lead >= 0xE2 && lead <= 0xED) {
      if (at + 2 >= text.size() || (byte(at + 1) & 0xC0) != 0x80 || (byte(at + 2) & 0xC0) != 0x80) return at;
      const int c = (lead & 0x0F) << 12 | (byte(at + 1) & 0x3F) << 6 | (byte(at + 2) & 0x3F);
      const bool plain = (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x2010 && c <= 0x2027) ||
                         (c >= 0x3001 && c <= 0x3020);
      if (!plain) return at;
      at += 3;
    } else {
      return at;
    }
  }
  return at;
}

// What a look at the characters that are not plain tells.
struct Survey {
  size_t controls = 0;
  bool valid = true;  // as UTF-8; else the look ended there

  explicit Survey(std::string_view bytes) {
    while (!(bytes = bytes.substr(plain_prefix(bytes))).empty()) {
      const auto next = decode_utf8(bytes);
      valid = next.has_value();
      if (!valid) return;
      controls += next->value < 0x80 && is_control(static_cast<uint8_t>(next->value));
      bytes.remove_prefix(static_cast<size_t>(next->bytes));
    }
  }
};

struct Counts {
  size_t valid = 0;   // characters of several bytes
  size_t broken = 0;  // bytes that are no part of a character
  bool mostly_valid() const { return broken == 0 || broken * kValidPerBroken <= valid; }
};

Counts count_utf8(std::string_view bytes) {
  Counts counts;
  for (size_t at = 0; at < bytes.size();) {
    if (byte_at(bytes, at) < 0x80) {
      ++at;
      continue;
    }
    const auto next = decode_utf8(bytes.substr(at));
    ++(next ? counts.valid : counts.broken);
    at += next ? static_cast<size_t>(next->bytes) : 1;
  }
  return counts;
}

// Korean text is almost all of the 2,350 syllables of KS X 1001: first byte B0 to C8, second A1 to FE. Windows-1252
// text may be made of valid pairs, too (a curly quote and a letter), but those are syllables nobody writes.
bool is_korean(std::string_view bytes) {
  Counts counts;
  size_t common = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    const uint8_t lead = byte_at(bytes, at);
    if (lead < 0x80) continue;
    const uint8_t trail = at + 1 < bytes.size() ? byte_at(bytes, at + 1) : 0;
    const bool extended = (trail >= 'A' && trail <= 'Z') || (trail >= 'a' && trail <= 'z') || (trail >= 0x81);
    const bool pair = lead >= 0x81 && lead <= 0xFE && trail != 0xFF && (lead <= 0xC6 ? extended : trail >= 0xA1);
    ++(pair ? counts.valid : counts.broken);
    if (!pair) continue;
    common += lead >= 0xB0 && lead <= 0xC8 && trail >= 0xA1;
    ++at;
  }
  return counts.valid > 0 && counts.mostly_valid() && common * 10 >= counts.valid * 7;
}

char16_t unit_at(std::string_view bytes, size_t at, Encoding encoding) {
  const uint8_t first = byte_at(bytes, at), second = byte_at(bytes, at + 1);
  return encoding == Encoding::utf16_le ? static_cast<char16_t>(first | second << 8)
                                        : static_cast<char16_t>(first << 8 | second);
}

// How many of the units read as UTF-16 are what texts are made of, were they read with this byte order.
struct Utf16Score {
  size_t units = 0, plausible = 0, spaces = 0, common = 0;

  Utf16Score(std::string_view bytes, Encoding encoding) {
    constexpr size_t kSampleBytes = size_t{1} << 16;
    for (size_t at = 0; at + 1 < std::min(bytes.size(), kSampleBytes); at += 2) {
      const char16_t c = unit_at(bytes, at, encoding);
      const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
      const bool ascii = c > ' ' && c < 0x7F, hangul = c >= 0xAC00 && c <= 0xD7A3;
      const bool other = (c >= 0xA0 && c < 0x530) || (c >= 0x2000 && c < 0x2070) || (c >= 0x3000 && c < 0x3190) ||
                         (c >= 0x4E00 && c < 0xA000) || (c >= 0xD800 && c < 0xE000) || (c >= 0xFF00 && c < 0xFFF0);
      ++units;
      spaces += space;
      common += space || ascii || hangul;
      plausible += space || ascii || hangul || other;
    }
  }
  bool is_text() const { return units > 0 && plausible * 50 >= units * 49 && spaces * 200 >= units; }
};

std::optional<Encoding> detect_utf16(std::string_view bytes) {
  const Utf16Score le(bytes, Encoding::utf16_le), be(bytes, Encoding::utf16_be);
  const bool little = le.common >= be.common;
  if (!(little ? le : be).is_text()) return std::nullopt;
  return little ? Encoding::utf16_le : Encoding::utf16_be;
}

// glibc's name for the code page Windows uses for Korean; EUC-KR is the part of it that came first.
class KoreanDecoder {
 public:
  KoreanDecoder() : handle_(::iconv_open("UTF-8", "CP949")) {
    if (handle_ == kNone) throw UnsupportedError("this system cannot decode CP949 (iconv: {})", std::strerror(errno));
  }
  ~KoreanDecoder() { ::iconv_close(handle_); }
  KoreanDecoder(const KoreanDecoder&) = delete;
  KoreanDecoder& operator=(const KoreanDecoder&) = delete;

  std::string decode(std::string_view bytes) {
    std::string out;
    std::array<char, 4096> buffer;
    char* in = const_cast<char*>(bytes.data());  // iconv reads only
    size_t in_left = bytes.size();
    while (in_left > 0) {
      char* to = buffer.data();
      size_t to_left = buffer.size();
      const size_t result = ::iconv(handle_, &in, &in_left, &to, &to_left);
      const int problem = result == static_cast<size_t>(-1) ? errno : 0;
      out.append(buffer.data(), buffer.size() - to_left);
      if (problem == EILSEQ || problem == EINVAL) {
        append_utf8(out, kReplacement);
        ++in;
        --in_left;
      }
    }
    return out;
  }

 private:
  inline static const iconv_t kNone = reinterpret_cast<iconv_t>(-1);
  iconv_t handle_;
};

std::string decode_utf8_leniently(std::string_view bytes) {
  if (bytes.starts_with(kUtf8Mark)) bytes.remove_prefix(kUtf8Mark.size());
  if (Survey(bytes).valid) return std::string(bytes);
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto next = decode_utf8(bytes);
    const size_t length = next ? static_cast<size_t>(next->bytes) : 1;
    if (next) {
      out += bytes.substr(0, length);
    } else {
      append_utf8(out, kReplacement);
    }
    bytes.remove_prefix(length);
  }
  return out;
}

std::string decode_utf16(std::string_view bytes, Encoding encoding) {
  if (bytes.starts_with(encoding == Encoding::utf16_le ? kUtf16LeMark : kUtf16BeMark)) bytes.remove_prefix(2);
  std::string out;
  out.reserve(bytes.size());
  for (size_t at = 0; at + 1 < bytes.size(); at += 2) {
    char32_t c = unit_at(bytes, at, encoding);
    if (c >= 0xD800 && c < 0xE000) {
      const char32_t low = at + 3 < bytes.size() ? unit_at(bytes, at + 2, encoding) : 0;
      const bool pair = c < 0xDC00 && low >= 0xDC00 && low < 0xE000;
      c = pair ? 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00) : kReplacement;
      if (pair) at += 2;
    }
    append_utf8(out, c);
  }
  if (bytes.size() % 2 != 0) append_utf8(out, kReplacement);
  return out;
}

// The code points of bytes 80 to 9F (encoding.spec.whatwg.org, index windows-1252); the others are their own.
constexpr std::array<char16_t, 32> kWindows1252 = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
};

std::string decode_windows_1252(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 8);
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    append_utf8(out, byte >= 0x80 && byte < 0xA0 ? kWindows1252[byte - 0x80u] : byte);
  }
  return out;
}

// NFC composes nothing with a line's end, so lines are cleaned one by one.
void append_clean_line(std::string& out, std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (plain_prefix(line) == line.size()) {
    out += line;
    return;
  }
  std::string kept;
  kept.reserve(line.size());
  for (size_t at = 0; at < line.size();) {
    const uint8_t byte = byte_at(line, at), next = at + 1 < line.size() ? byte_at(line, at + 1) : 0;
    size_t length = 1;
    if (byte == '\r' || byte == '\f') {
      kept += '\n';
    } else if (byte == 0xC2 && (next < 0xA0 || next == 0xAD)) {  // control codes 80 to 9F, soft hyphen
      if (next == 0x85) kept += ' ';
      length = 2;
    } else if (byte == 0xEF && line.substr(at, 3) == kUtf8Mark) {
      length = 3;
    } else if ((byte >= 0x20 && byte != 0x7F) || byte == '\t') {
      kept += static_cast<char>(byte);
    }
    at += length;
  }
  out += to_nfc(kept);
}

}  // namespace

Encoding detect_encoding(std::string_view bytes, std::string_view name) {
  if (bytes.starts_with(kUtf8Mark)) return Encoding::utf8;
  if (bytes.starts_with(kUtf16LeMark)) return Encoding::utf16_le;
  if (bytes.starts_with(kUtf16BeMark)) return Encoding::utf16_be;
  if (const size_t zero = bytes.find('\0'); zero != std::string_view::npos) {
    if (const auto utf16 = detect_utf16(bytes)) return *utf16;
    throw FormatError("{}: binary file (byte {} is zero)", name, zero);
  }
  const Survey survey(bytes);
  const size_t controls = survey.valid ? survey.controls : count_controls(bytes);
  if (controls * kTextBytesPerControl > bytes.size()) {
    throw FormatError("{}: binary file ({} of {} bytes are control codes)", name, controls, bytes.size());
  }
  if (survey.valid || count_utf8(bytes).mostly_valid()) return Encoding::utf8;
  if (is_korean(bytes)) return Encoding::cp949;
  const auto high = static_cast<size_t>(std::ranges::count_if(bytes, [](char c) { return (c & 0x80) != 0; }));
  if (high * 4 <= bytes.size()) return Encoding::windows_1252;
  throw UnsupportedError(
      "{}: text in an unknown encoding (not UTF-8, UTF-16, EUC-KR/CP949 or Windows-1252); "
      "converting it to UTF-8 makes it readable",
      name);
}

Encoding declared_encoding(std::string_view label, std::string_view bytes, std::string_view name) {
  const auto is_one_of = [&](std::initializer_list<std::string_view> labels) {
    return std::ranges::any_of(labels, [&](std::string_view known) {
      return std::ranges::equal(label, known, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
    });
  };
  const Encoding found = detect_encoding(bytes, name);
  // Where the bytes leave no doubt, pages often declare something else.
  if (found == Encoding::utf16_le || found == Encoding::utf16_be) return found;
  if (found == Encoding::utf8 && count_utf8(bytes).valid > 0) return found;
  if (is_one_of({"euc-kr", "ks_c_5601-1987", "ksc5601", "cp949", "ms949", "x-windows-949", "uhc"})) {
    return Encoding::cp949;
  }
  if (is_one_of({"windows-1252", "cp1252", "iso-8859-1", "latin1", "us-ascii"})) return Encoding::windows_1252;
  return found;
}

std::string decode(std::string_view bytes, Encoding encoding) {
  switch (encoding) {
    case Encoding::utf8:
      return decode_utf8_leniently(bytes);
    case Encoding::utf16_le:
    case Encoding::utf16_be:
      return decode_utf16(bytes, encoding);
    case Encoding::cp949:
      return KoreanDecoder().decode(bytes);
    case Encoding::windows_1252:
      break;
  }
  return decode_windows_1252(bytes);
}

std::string clean_text(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  while (!utf8.empty()) {
    size_t plain = plain_prefix(utf8);
    if (plain < utf8.size()) {  // keep whole lines, up to the one with the character that is not plain
      const size_t line_end = plain == 0 ? std::string_view::npos : utf8.rfind('\n', plain - 1);
      plain = line_end == std::string_view::npos ? 0 : line_end + 1;
    }
    out += utf8.substr(0, plain);
    utf8.remove_prefix(plain);
    const std::string_view line = utf8.substr(0, std::min(utf8.find('\n'), utf8.size()));
    append_clean_line(out, line);
    utf8.remove_prefix(line.size());
  }
  return out;
}

bool is_clean_text(std::string_view text) {
  return plain_prefix(text) == text.size() || (Survey(text).valid && clean_text(text) == text);
}

std::string decode_text(std::string_view bytes, std::string_view name) {
  return clean_text(decode(bytes, detect_encoding(bytes, name)));
}

// A handle that stays open keeps the conversion loaded for those that come.
void load_encodings() { static const KoreanDecoder kept; }

}  // namespace bantam
