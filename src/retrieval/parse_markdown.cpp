// Markdown (spec.commonmark.org) as a reader sees it. Blocks are told apart line by line; a paragraph's lines are kept
// until it ends, because links and emphasis may go over line ends.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "retrieval/document_builder.h"
#include "retrieval/inline_markdown.h"
#include "retrieval/parsers.h"

namespace bantam {
namespace {

size_t indent_of(std::string_view line) { return std::min(line.find_first_not_of(' '), line.size()); }

std::string_view without_indent(std::string_view line) {
  return line.substr(std::min(line.find_first_not_of(" \t"), line.size()));
}

// Number of `c` at the front.
size_t run_of(std::string_view text, char c) { return std::min(text.find_first_not_of(c), text.size()); }

// A line of three or more *, - or _ and spaces.
bool is_rule(std::string_view line) {
  const std::string_view text = trimmed(line);
  if (text.empty() || std::string_view("*-_").find(text[0]) == std::string_view::npos) return false;
  return text.find_first_not_of(std::string{text[0], ' ', '\t'}) == std::string_view::npos &&
         std::ranges::count(text, text[0]) >= 3;
}

// The level that a line of === or --- gives the paragraph above it; 0 for another line.
int underline_level(std::string_view line) {
  const std::string_view text = trimmed(line);
  if (text.empty() || indent_of(line) > 3 || (text[0] != '=' && text[0] != '-')) return 0;
  if (run_of(text, text[0]) != text.size()) return 0;
  return text[0] == '=' ? 1 : 2;
}

// Bytes of a list item's mark with the space after it ("- ", "12. "); 0 when there is none.
size_t item_mark(std::string_view text) {
  size_t at = 0;
  if (!text.empty() && std::string_view("-*+").find(text[0]) != std::string_view::npos) {
    at = 1;
  } else {
    while (at < text.size() && at < 9 && text[at] >= '0' && text[at] <= '9') ++at;
    if (at == 0 || at == text.size() || (text[at] != '.' && text[at] != ')')) return 0;
    ++at;
  }
  if (at == text.size()) return at;
  return text[at] == ' ' || text[at] == '\t' ? at + 1 : 0;
}

// |---|:--:| between a table's header and its rows.
bool is_table_rule(std::string_view line) {
  return line.find('-') != std::string_view::npos && line.find('|') != std::string_view::npos &&
         trimmed(line).find_first_not_of("|-: \t") == std::string_view::npos;
}

// [label]: address
bool is_link_definition(std::string_view text) {
  if (text.empty() || text[0] != '[' || text.starts_with("[^")) return false;
  const size_t end = text.find("]:");
  return end != std::string_view::npos && text.find(']') == end;
}

class MarkdownParser {
 public:
  MarkdownParser(std::string_view text, std::string_view name, const ParseLimits& limits)
      : rest_(text), out_(name, limits) {}

  Document parse() {
    take_front_matter();
    while (!rest_.empty()) take_block_line(take_line(rest_));
    end_paragraph();
    return out_.finish(title_);
  }

 private:
  // --- to --- at the very start: YAML, of which the title is what we know.
  void take_front_matter() {
    if (!rest_.starts_with("---\n")) return;
    std::string_view ahead = rest_.substr(4);
    std::string_view title;
    while (!ahead.empty()) {
      const std::string_view line = take_line(ahead);
      if (line == "---" || line == "...") {
        rest_ = ahead;
        title_ = title;
        return;
      }
      if (line.starts_with("title:")) {
        title = trimmed(line.substr(6));
        const bool quoted = title.size() >= 2 && (title[0] == '"' || title[0] == '\'') && title.back() == title[0];
        if (quoted) title = title.substr(1, title.size() - 2);
      }
    }
  }

  void take_block_line(std::string_view line) {
    std::string_view text = without_indent(line);
    while (text.starts_with('>')) {  // a quotation reads as its text
      text.remove_prefix(1);
      line = text;
      text = without_indent(line);
    }
    if (text.empty()) {
      end_paragraph();
    } else if (in_comment_) {
      in_comment_ = text.find("-->") == std::string_view::npos;
    } else if (text.starts_with("<!--") && text.find("-->") == std::string_view::npos) {
      in_comment_ = rest_.find("-->") != std::string_view::npos;
    } else if (text.starts_with("```") || text.starts_with("~~~")) {
      take_fence(text);
    } else if (paragraph_.empty() && !in_list_ && (line.starts_with("    ") || line.starts_with('\t'))) {
      add_code(line.substr(line[0] == '\t' ? 1 : 4));
    } else if (const size_t marks = run_of(text, '#');
               marks >= 1 && marks <= 6 && (marks == text.size() || text[marks] == ' ' || text[marks] == '\t')) {
      take_heading(static_cast<int>(marks), text.substr(marks));
    } else if (const int level = underline_level(line); level != 0 && can_be_underlined()) {
      const std::string heading = std::exchange(paragraph_, {});
      take_heading(level, heading);
    } else if (is_rule(line)) {
      end_paragraph();
    } else if (text.find('|') != std::string_view::npos && is_table_rule(rest_.substr(0, rest_.find('\n')))) {
      take_table(text);
    } else if (const size_t mark = item_mark(text); mark != 0) {
      take_item(text, mark);
    } else if (paragraph_.empty() && is_link_definition(text)) {
      end_paragraph();
    } else {
      if (out_.at_line_start() && paragraph_.empty() && indent_of(line) == 0 && line[0] != '\t') in_list_ = false;
      append_to_paragraph(text);
    }
  }

  bool can_be_underlined() const { return !paragraph_.empty() && !in_item_; }

  void append_to_paragraph(std::string_view text) {
    if (!paragraph_.empty()) paragraph_ += '\n';
    paragraph_ += text;
  }

  void flush_line() {
    out_.add_lines(without_markup(paragraph_));
    out_.end_line();
    paragraph_.clear();
    in_item_ = false;
  }

  void end_paragraph() {
    flush_line();
    out_.end_paragraph();
  }

  void take_heading(int level, std::string_view text) {
    end_paragraph();
    in_list_ = false;
    text = trimmed(text);
    const size_t end = text.find_last_not_of('#');  // "## Title ##"
    if (end == std::string_view::npos) return;
    if (end + 1 < text.size() && text[end] == ' ') text = text.substr(0, end);
    out_.add_heading(level, without_markup(text));
  }

  void take_item(std::string_view text, size_t mark) {
    flush_line();
    in_list_ = in_item_ = true;
    const bool bullet = text[0] < '0' || text[0] > '9';
    out_.add_text(bullet ? std::string_view("- ") : text.substr(0, mark));
    text = text.substr(mark);
    for (const std::string_view box : {"[ ] ", "[x] ", "[X] "}) {
      if (text.starts_with(box)) text.remove_prefix(box.size());
    }
    append_to_paragraph(without_indent(text));
  }

  void add_code(std::string_view line) {
    out_.add_lines(line);
    out_.end_line();
  }

  void take_fence(std::string_view opening) {
    end_paragraph();
    const char mark = opening[0];
    const size_t length = run_of(opening, mark);
    while (!rest_.empty()) {
      const std::string_view line = take_line(rest_);
      const std::string_view text = trimmed(line);
      if (run_of(text, mark) >= length && run_of(text, mark) == text.size()) break;
      if (text.empty()) out_.end_paragraph();
      add_code(line);
    }
    out_.end_paragraph();
  }

  void take_table(std::string_view header) {
    end_paragraph();
    take_row(header);
    take_line(rest_);  // the rule under the header
    while (!rest_.empty() && rest_.substr(0, rest_.find('\n')).find('|') != std::string_view::npos) {
      take_row(take_line(rest_));
    }
    out_.end_paragraph();
  }

  void take_row(std::string_view line) {
    line = trimmed(line);
    if (line.starts_with('|')) line.remove_prefix(1);
    if (line.ends_with('|') && !line.ends_with("\\|")) line.remove_suffix(1);
    for (bool first = true;; first = false) {
      size_t end = 0;
      while (end < line.size() && line[end] != '|') end += line[end] == '\\' ? 2 : 1;
      end = std::min(end, line.size());
      if (!first) out_.add_text(" | ");
      out_.add_text(without_markup(trimmed(line.substr(0, end))));
      if (end == line.size()) break;
      line.remove_prefix(end + 1);
    }
    out_.end_line();
  }

  std::string_view rest_;
  DocumentBuilder out_;
  std::string title_;
  std::string paragraph_;  // its lines so far, with their marks
  bool in_list_ = false;   // an item was seen since the last heading or line of text at the margin
  bool in_item_ = false;   // `paragraph_` began with an item's mark
  bool in_comment_ = false;
};

}  // namespace

Document parse_markdown(std::string_view text, std::string_view name, const ParseLimits& limits) {
  return MarkdownParser(text, name, limits).parse();
}

}  // namespace bantam
