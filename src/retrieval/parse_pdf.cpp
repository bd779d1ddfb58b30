// What pdftotext makes of a PDF file: the lines of its pages become paragraphs again.
#include <algorithm>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/utf8.h"
#include "retrieval/document_builder.h"
#include "retrieval/encoding.h"
#include "retrieval/parsers.h"

namespace bantam {
namespace {

using Lines = std::vector<std::string_view>;

std::vector<Lines> pages_of(std::string_view text) {
  std::vector<Lines> pages;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\f'), text.size());
    Lines lines;
    for (std::string_view page = text.substr(0, end); !page.empty();) lines.push_back(trimmed(take_line(page)));
    pages.push_back(std::move(lines));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return pages;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A line with every number as #: "Page 3 of 10" and "Page 4 of 10" are the same header.
std::string without_numbers(std::string_view line) {
  std::string out;
  for (const char c : line) {
    if (!is_digit(c))
      out += c;
    else if (!out.ends_with('#'))
      out += '#';
  }
  return out;
}

// Which lines of a page may be its header or footer: the first two and the last two that are not empty.
std::vector<size_t> edge_lines(const Lines& page) {
  std::vector<size_t> filled;
  for (size_t i = 0; i < page.size(); ++i) {
    if (!page[i].empty()) filled.push_back(i);
  }
  if (filled.size() > 4) filled.erase(filled.begin() + 2, filled.end() - 2);
  return filled;
}

// Empties what stands at the edge of most pages of a document of at least four.
void drop_headers_and_footers(std::vector<Lines>& pages) {
  if (pages.size() < 4) return;
  std::unordered_map<std::string, size_t> pages_with;
  for (const Lines& page : pages) {
    for (const size_t i : edge_lines(page)) ++pages_with[without_numbers(page[i])];
  }
  for (Lines& page : pages) {
    for (const size_t i : edge_lines(page)) {
      if (pages_with[without_numbers(page[i])] * 10 >= pages.size() * 6) page[i] = {};
    }
  }
}

size_t characters_of(std::string_view line) {
  return static_cast<size_t>(std::ranges::count_if(line, [](char c) { return (c & 0xC0) != 0x80; }));
}

// "2", "2.1", "2.1.": the number of parts; 0 for text that begins otherwise.
int section_number(std::string_view line) {
  int parts = 0;
  size_t at = 0;
  while (at < line.size() && is_digit(line[at])) {
    size_t digits = 0;
    while (at < line.size() && is_digit(line[at])) ++at, ++digits;
    if (digits > 2) return 0;
    ++parts;
    if (at < line.size() && line[at] == '.') ++at;
  }
  return parts > 0 && at < line.size() && line[at] == ' ' ? parts : 0;
}

// "2.1 Method", alone between empty lines: a heading. A sentence would end in a full stop.
int heading_level(std::string_view line) {
  const int parts = section_number(line);
  if (parts == 0 || characters_of(line) > 80 || line.ends_with('.') || line.ends_with(',')) return 0;
  const std::string_view words = trimmed(line.substr(line.find(' ')));
  const bool begins_like_a_title = !words.empty() && ((words[0] >= 'A' && words[0] <= 'Z') || (words[0] & 0x80) != 0);
  return begins_like_a_title ? parts : 0;
}

bool begins_item(std::string_view line) {
  constexpr std::string_view kBullets[] = {"- ", "* ", "\u2022", "\u25CF", "\u25AA", "\u25E6", "\u2013 ", "\u00B7 "};
  return section_number(line) > 0 || std::ranges::any_of(kBullets, [&](auto mark) { return line.starts_with(mark); });
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0; }

// A block of lines without an empty one between. A line that is about as long as the longest was broken for width and
// goes on with the next; a word divided there is made whole.
void add_block(DocumentBuilder& out, std::span<const std::string_view> block) {
  if (block.size() == 1 && heading_level(block[0]) > 0) return out.add_heading(heading_level(block[0]), block[0]);
  size_t longest = 0;
  for (const std::string_view line : block) longest = std::max(longest, characters_of(line));
  for (size_t i = 0; i < block.size(); ++i) {
    std::string_view line = block[i];
    const bool goes_on = i + 1 < block.size() && characters_of(line) * 10 >= longest * 6 && !begins_item(block[i + 1]);
    const bool divided = goes_on && line.size() > 1 && line.ends_with('-') && is_letter(line[line.size() - 2]) &&
                         block[i + 1][0] >= 'a' && block[i + 1][0] <= 'z';
    if (divided) line.remove_suffix(1);
    out.add_text(line);
    if (!goes_on)
      out.end_line();
    else if (!divided)
      out.add_text(" ");
  }
  out.end_paragraph();
}

}  // namespace

Document parse_pdf_text(std::string_view text, std::string_view name, const ParseLimits& limits) {
  const std::string utf8 = decode(text, Encoding::utf8);
  std::vector<Lines> pages = pages_of(utf8);
  drop_headers_and_footers(pages);
  DocumentBuilder out(name, limits);
  for (const Lines& page : pages) {
    out.begin_page();
    for (size_t i = 0; i < page.size();) {
      size_t end = i;
      while (end < page.size() && !page[end].empty()) ++end;
      if (end > i) add_block(out, std::span(page).subspan(i, end - i));
      i = end + 1;
    }
  }
  return out.finish("");
}

}  // namespace bantam
