// The parser of each format, for parse.cpp and the fuzz target. All are given the file's name for errors and the title,
// work in this process, and throw FormatError for bytes that break their format or text past limits.text_bytes.
#pragma once

#include <string_view>

#include "retrieval/document.h"
#include "retrieval/parse.h"

namespace bantam {

// Text as decode_text() gives it. Plain text and source code keep every byte; a form feed that was in plain text is a
// line end by now. Headings of source code are the lines that begin a function or a type.
Document parse_text(std::string_view text, std::string_view name, const ParseLimits& limits);
Document parse_source(std::string_view text, std::string_view name, const ParseLimits& limits);
// CommonMark's blocks with tables and front matter; marks are taken off, so that a sentence reads as it is shown.
Document parse_markdown(std::string_view text, std::string_view name, const ParseLimits& limits);
// A row is one line, "column: value; column: value"; the separator is the one of , ; | and tab that the first row has
// most of (RFC 4180 for quotes).
Document parse_csv(std::string_view text, std::string_view name, const ParseLimits& limits);
// JSON, or a JSON value per line. An object in an array is a paragraph: a line "path: value" per value, long texts as
// paragraphs of their own, its title as a heading.
Document parse_json_text(std::string_view text, std::string_view name, const ParseLimits& limits);

// Bytes as they are in the file: a page may declare its encoding.
Document parse_html(std::string_view bytes, std::string_view name, const ParseLimits& limits);
// Office Open XML (ECMA-376) in a ZIP file.
Document parse_docx(std::string_view bytes, std::string_view name, const ParseLimits& limits);

// The XML files a DOCX file is made of; those it may be without are empty.
struct DocxParts {
  std::string_view document, styles, footnotes, properties;
};
Document parse_docx_parts(const DocxParts& parts, std::string_view name, const ParseLimits& limits);

// What pdftotext writes: UTF-8, a form feed after every page. Lines become paragraphs again, repeated headers go.
Document parse_pdf_text(std::string_view text, std::string_view name, const ParseLimits& limits);

}  // namespace bantam
