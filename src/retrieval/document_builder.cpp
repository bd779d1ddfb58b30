#include "retrieval/document_builder.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "retrieval/encoding.h"

namespace bantam {
namespace {

constexpr std::string_view kSpaces = " \t\n\r\f\v";

// Bytes of the white space at the start of `text`; U+0085 and U+00A0 are white space here, too.
size_t space_at(std::string_view text) {
  if (text.empty()) return 0;
  if (text[0] == '\xC2') return text.starts_with("\xC2\xA0") || text.starts_with("\xC2\x85") ? 2 : 0;
  return text[0] == ' ' || (text[0] >= '\t' && text[0] <= '\r') ? 1 : 0;
}

}  // namespace

std::string stem_of(std::string_view name) { return clean_text(std::filesystem::path(name).stem().string()); }

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
}

std::string_view take_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

void DocumentBuilder::add_text(std::string_view utf8) {
  while (!utf8.empty()) {
    size_t space = 0;
    while (const size_t more = space_at(utf8.substr(space))) space += more;
    if (space > 0 && !line_.empty() && line_.back() != ' ') line_ += ' ';
    utf8.remove_prefix(space);
    size_t word = 0;
    while (word < utf8.size() && space_at(utf8.substr(word)) == 0) ++word;
    line_ += utf8.substr(0, word);
    utf8.remove_prefix(word);
  }
  if (line_.size() > limits_.text_bytes) end_line();  // which refuses it
}

void DocumentBuilder::add_lines(std::string_view utf8) {
  for (bool first = true; !utf8.empty(); first = false) {
    if (!first) end_line();
    const bool ended = utf8.find('\n') != std::string_view::npos;
    const std::string_view line = take_line(utf8);
    line_ += line;
    if (ended && utf8.empty()) end_line();
    if (trimmed(line).empty() && !first) end_paragraph();
  }
}

void DocumentBuilder::add_heading(int level, std::string_view utf8) {
  end_paragraph();
  begin_heading(level);
  add_text(utf8);
  end_paragraph();
}

void DocumentBuilder::begin_heading(int level) {
  end_line();
  heading_level_ = std::clamp(level, 1, 9);
}

void DocumentBuilder::begin_page() {
  end_paragraph();
  ++unplaced_pages_;
}

void DocumentBuilder::end_line() {
  std::string line = clean_text(decode(line_, Encoding::utf8));
  line_.clear();
  const int level = std::exchange(heading_level_, 0);
  line.resize(line.find_last_not_of(kSpaces) + 1);
  if (line.empty()) return;
  std::string& text = document_.text;
  if (std::exchange(paragraph_ended_, false) && !text.empty()) text += '\n';
  for (; unplaced_pages_ > 0; --unplaced_pages_) document_.page_offsets.push_back(text.size());
  if (level != 0) document_.headings.push_back({text.size(), level, line});
  text += line;
  text += '\n';
  if (text.size() > limits_.text_bytes) {
    throw FormatError("{}: its text takes more than the limit of {} MiB", name_, limits_.text_bytes >> 20);
  }
}

void DocumentBuilder::end_paragraph() {
  end_line();
  paragraph_ended_ = true;
}

Document DocumentBuilder::finish(std::string_view title) {
  end_line();
  for (; unplaced_pages_ > 0; --unplaced_pages_) document_.page_offsets.push_back(document_.text.size());
  add_text(title);
  document_.title = clean_text(decode(trimmed(line_), Encoding::utf8));
  if (document_.title.empty() && !document_.headings.empty()) {
    document_.title = std::ranges::min_element(document_.headings, {}, &Heading::level)->text;
  }
  if (document_.title.empty()) document_.title = stem_of(name_);
  return std::move(document_);
}

}  // namespace bantam
