// From a file's bytes to text: which encoding they are in, and the one form in which documents keep text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bantam {

enum class Encoding : uint8_t { utf8, utf16_le, utf16_be, cp949, windows_1252 };

// By byte order mark, else by what the bytes can be and what they then say: UTF-8, UTF-16, CP949 (which holds EUC-KR),
// and for text of mostly ASCII Windows-1252. A few broken UTF-8 or CP949 characters are borne. Throws FormatError
// "binary file" for bytes that are no text, UnsupportedError for text in another encoding; `name` names the file.
Encoding detect_encoding(std::string_view bytes, std::string_view name);

// The encoding of this name ("euc-kr", "UTF-8", "latin1", ...), as files declare it, or detect_encoding()'s when the
// name is of none of ours or the bytes are not in it.
Encoding declared_encoding(std::string_view label, std::string_view bytes, std::string_view name);

// UTF-8; what cannot be decoded becomes U+FFFD. A byte order mark is dropped.
std::string decode(std::string_view bytes, Encoding encoding);

// Valid UTF-8 as documents keep it: NFC, lines end in \n (so do \r\n, \r and \f), U+0085 is a space, without control
// characters but \t, without U+FEFF and soft hyphens.
std::string clean_text(std::string_view utf8);
// Whether `text` is valid UTF-8 and clean_text() would leave it as it is.
bool is_clean_text(std::string_view text);

// detect_encoding(), decode(), clean_text().
std::string decode_text(std::string_view bytes, std::string_view name);

// Opens what decode() needs from the disk, so that it works where files cannot be opened any more.
void load_encodings();

}  // namespace bantam
