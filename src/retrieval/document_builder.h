// Puts a Document together from a parser's pieces: lines, paragraphs, headings and pages, with their offsets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "retrieval/document.h"
#include "retrieval/parse.h"

namespace bantam {

// Pieces are UTF-8; what is not (libraries expand &#xD800; too) becomes U+FFFD. A line is cleaned and normalised when
// it ends, so offsets never move. Empty lines, paragraphs and headings leave nothing. Throws FormatError, naming the
// file, once the text passes limits.text_bytes.
class DocumentBuilder {
 public:
  // Both outlive the builder.
  DocumentBuilder(std::string_view name, const ParseLimits& limits) : name_(name), limits_(limits) {}

  // Running text: white space of any length becomes one space, or nothing at the start of a line.
  void add_text(std::string_view utf8);
  // Text whose lines and spaces matter. An empty line in it ends the paragraph.
  void add_lines(std::string_view utf8);
  // A paragraph of one line that is a heading, too. Levels are 1 to 9.
  void add_heading(int level, std::string_view utf8);

  void end_line();
  void end_paragraph();
  // Pages are counted from the first call.
  void begin_page();
  // From here to the end of the line is a heading.
  void begin_heading(int level);
  bool in_heading() const { return heading_level_ != 0; }
  // Whether nothing has been added since a line ended.
  bool at_line_start() const { return line_.empty(); }

  // `title`: the format's own, or empty: then it is the first heading of the outermost level, or the name's stem.
  Document finish(std::string_view title);

 private:
  std::string_view name_;
  const ParseLimits& limits_;
  Document document_;
  std::string line_;  // the line so far
  size_t unplaced_pages_ = 0;
  int heading_level_ = 0;  // of the line so far; 0 for none
  bool paragraph_ended_ = false;
};

// The file's name without folders and extension.
std::string stem_of(std::string_view name);

// `text` without white space at its ends (ASCII).
std::string_view trimmed(std::string_view text);

// Takes the next line off the front of `text`: without its end.
std::string_view take_line(std::string_view& text);

}  // namespace bantam
