#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "retrieval/document_builder.h"
#include "retrieval/parsers.h"

namespace bantam {
namespace {

// The most columns a row may have: a file of separators alone is no table.
constexpr size_t kMostColumns = 16'384;

char separator_of(std::string_view text) {
  const std::string_view first = text.substr(0, text.find('\n'));
  return *std::ranges::max_element(std::string_view(",;\t|"), {}, [&](char c) { return std::ranges::count(first, c); });
}

// Reads rows of fields; quoted fields may hold separators, line ends and, doubled, quotes.
class RowReader {
 public:
  RowReader(std::string_view text, std::string_view name) : text_(text), name_(name), separator_(separator_of(text)) {}

  // False at the end. Rows without any field that says something are left out.
  bool next(std::vector<std::string>& row) {
    while (at_ < text_.size()) {
      read_row(row);
      if (std::ranges::any_of(row, [](const std::string& field) { return !trimmed(field).empty(); })) return true;
    }
    return false;
  }

 private:
  void read_row(std::vector<std::string>& row) {
    size_t columns = 0;
    for (bool more = true; more;) {
      if (columns == kMostColumns) {
        throw FormatError("{}: the row at byte {} has more than {} columns", name_, at_, kMostColumns);
      }
      if (columns == row.size()) row.emplace_back();
      read_field(row[columns++]);
      more = at_ < text_.size() && text_[at_] == separator_;
      ++at_;  // past the separator or the line's end
    }
    row.resize(columns);
  }

  void read_field(std::string& field) {
    field.clear();
    if (at_ < text_.size() && text_[at_] == '"') {
      read_quoted(field);
    }
    const size_t begin = std::min(at_, text_.size());
    const char ends[] = {separator_, '\n'};
    at_ = std::min(text_.find_first_of(std::string_view(ends, 2), begin), text_.size());
    field += text_.substr(begin, at_ - begin);
  }

  void read_quoted(std::string& field) {
    const size_t opening = at_++;
    for (;;) {
      const size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos) {
        throw FormatError("{}: the quote at byte {} of the text does not end", name_, opening);
      }
      field += text_.substr(at_, quote - at_);
      at_ = quote + 1;
      if (at_ == text_.size() || text_[at_] != '"') return;
      field += '"';
      ++at_;
    }
  }

  std::string_view text_, name_;
  char separator_;
  size_t at_ = 0;
};

// A first row names the columns unless a field of it is a number.
bool is_header(const std::vector<std::string>& row) {
  return row.size() > 1 && std::ranges::none_of(row, [](const std::string& field) {
           const std::string_view text = trimmed(field);
           return !text.empty() && text.find_first_not_of("0123456789.,+-% ") == std::string_view::npos;
         });
}

std::string_view column_name(const std::vector<std::string>& header, size_t column) {
  return column < header.size() ? trimmed(header[column]) : std::string_view();
}

}  // namespace

Document parse_csv(std::string_view text, std::string_view name, const ParseLimits& limits) {
  DocumentBuilder out(name, limits);
  RowReader rows(text, name);
  std::vector<std::string> header, row;
  const bool any = rows.next(row);
  if (any && is_header(row)) header = row;
  bool more = any;
  if (!header.empty() && !(more = rows.next(row))) row = header, header.clear(), more = true;  // nothing but a header
  for (; more; more = rows.next(row)) {
    bool first = true;
    for (size_t column = 0; column < row.size(); ++column) {
      if (trimmed(row[column]).empty()) continue;
      if (!std::exchange(first, false)) out.add_text("; ");
      if (const std::string_view label = column_name(header, column); !label.empty()) {
        out.add_text(label);
        out.add_text(": ");
      }
      out.add_text(row[column]);
    }
    out.end_line();
  }
  return out.finish("");
}

}  // namespace bantam
