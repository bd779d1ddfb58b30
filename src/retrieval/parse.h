// From a file to its Document: used by the index, which stores what the text says and where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/document.h"

namespace bantam {

// What a file is; it decides which parser reads it.
enum class DocumentFormat : uint8_t { text, markdown, source, html, pdf, docx, csv, json };

// "text", "markdown", ... as errors and the child process name them.
std::string_view name_of(DocumentFormat format);

// By the name alone: its extension, or a whole name such as README or Makefile. Nothing for a name we do not know.
std::optional<DocumentFormat> format_of(const std::filesystem::path& path);

// A file past one of these is refused, never cut short.
struct ParseLimits {
  size_t file_bytes = size_t{256} << 20;  // of the file itself: --max-file-mib
  size_t text_bytes = size_t{256} << 20;  // that its text, or what it inflates to, may take
  size_t memory_bytes = size_t{2} << 30;  // of the child process that reads a foreign format
  int timeout_ms = 20'000;                // of that child, by the clock
};

struct ParseOptions {
  ParseLimits limits;
  // The program and first arguments of the child process: this program with its hidden command.
  std::vector<std::string> child = {"/proc/self/exe", "__parse"};
  // True: the child is ended at once, and the file reported as one whose reading was stopped. May be asked by any
  // thread.
  std::function<bool()> stop = nullptr;
};

// Reads a file. Its name says what it is, unless its first bytes say otherwise; a name we do not know is plain text.
// Plain text, Markdown and source code are parsed here, foreign formats (HTML, PDF, DOCX, CSV, JSON) in a child process
// without network or files and with the limits above. The document holds at least one character that is not white space
// and keeps every promise of document.h. Threads may call it at the same time.
//
// Throws, naming the path: IoError when the file cannot be opened or read; FormatError when it is binary, broken,
// encrypted, without text, or its parser crashed or broke a limit; UnsupportedError for an encoding we do not know and
// when a program or kernel feature that is needed is missing; UsageError when the file is larger than
// limits.file_bytes.
Document parse_document(const std::filesystem::path& path, const ParseOptions& options = {});

// The parsers by themselves, in this process; every format but PDF. `name` is the file's name, for errors and the
// title. Throws FormatError and UnsupportedError as above.
Document parse_bytes(DocumentFormat format, std::string_view bytes, std::string_view name,
                     const ParseLimits& limits = {});

// The one place that holds a parser to document.h: valid UTF-8 in NFC without \r or NUL, some text, headings and pages
// in order and within it. Throws FormatError naming the first rule that is broken.
void check_document(const Document& document, std::string_view name);

}  // namespace bantam
