// Cuts a document into passages, the unit that is indexed, found and read: a few paragraphs of one section, or a part
// of a long one.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "retrieval/document.h"

namespace bantam {

struct Passage {
  size_t begin = 0, end = 0;  // bytes of Document::text
  std::string heading;        // the section's headings from the outermost in, joined by kHeadingJoin
  int page = 0;               // counted from 1; 0 where the format has no pages
};

constexpr const char* kHeadingJoin = " > ";

// About 170 English words; paragraphs are joined up to this, and one past kMostPassageBytes is split.
constexpr size_t kTargetPassageBytes = 1000, kMostPassageBytes = 1500;

// In order and apart. None crosses a heading or begins on another page than its sentences do; each holds whole
// sentences, or whole lines where a paragraph is made of lines (tables, lists, code). All text but white space and the
// lines of headings is in a passage; a heading with nothing below it is a passage itself.
std::vector<Passage> cut_passages(const Document& document);

}  // namespace bantam
