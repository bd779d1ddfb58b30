// What a parser's child process writes to its pipe: a document or an error, in a length-prefixed form.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "retrieval/document.h"

namespace bantam {

std::string message_of(const Document& document);
// Of the error's own kind; any other than UnsupportedError and IoError arrives as a FormatError.
std::string message_of(const Error& error);

// The document, or throws the error that was sent. A message that is not whole is a FormatError: its bytes come from a
// process that a hostile file may have taken over, so lengths are checked and the contents mean nothing yet.
Document document_from(std::string_view message, std::string_view name);

}  // namespace bantam
