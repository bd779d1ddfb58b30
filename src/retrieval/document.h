// What a file says, once its format is taken off: the text that passages, quotes and offsets refer to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bantam {

// A heading of the document, by its place in the text.
struct Heading {
  size_t offset = 0;  // byte of Document::text where the heading's own line begins
  int level = 1;      // 1 is the outermost
  std::string text;
};

struct Document {
  std::string title;                 // the document's own, or the file's name without extension
  std::string text;                  // UTF-8 in NFC, lines end in \n; paragraphs are apart by an empty line
  std::vector<Heading> headings;     // by offset
  std::vector<size_t> page_offsets;  // where page 1, 2, ... begins; empty where the format has no pages
};

}  // namespace bantam
