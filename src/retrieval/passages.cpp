#include "retrieval/passages.h"

#include <algorithm>
#include <string_view>

#include "retrieval/sentences.h"

namespace bantam {
namespace {

// A last passage smaller than this joins the one before it.
constexpr size_t kLeastPassageBytes = 200;
// Lines up to this stay whole when a paragraph is split.
constexpr size_t kMostWholeLineBytes = 500;

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\n\r\f\v") == std::string_view::npos; }

// What is never cut: a sentence, or a short line.
struct Unit {
  size_t begin, end;
  int page;
  bool begins_paragraph;
};

int page_at(const Document& document, size_t offset) {
  const auto& pages = document.page_offsets;
  if (pages.empty()) return 0;
  return std::max(1, static_cast<int>(std::upper_bound(pages.begin(), pages.end(), offset) - pages.begin()));
}

std::vector<Unit> units_of(const Document& document, size_t begin, size_t end) {
  const std::string_view text = std::string_view(document.text).substr(begin, end - begin);
  std::vector<Unit> units;
  size_t last_end = 0;
  const auto add = [&](size_t from, size_t to) {
    // Only an empty line parts paragraphs.
    const auto between = text.substr(last_end, from - last_end);
    const bool apart = units.empty() || std::count(between.begin(), between.end(), '\n') > 1;
    units.push_back({begin + from, begin + to, page_at(document, begin + from), apart});
    last_end = to;
  };
  for (const TextRange& line : logical_lines(text)) {
    if (line.size() <= kMostWholeLineBytes) {
      add(line.begin, line.end);
      continue;
    }
    for (const TextRange& s : sentences(text.substr(line.begin, line.size()))) {
      add(line.begin + s.begin, line.begin + s.end);
    }
  }
  return units;
}

// Cuts one section's units into passages.
class SectionCutter {
 public:
  SectionCutter(std::vector<Passage>& out, std::string heading) : out_(out), heading_(std::move(heading)) {}

  // Units of one paragraph and one page.
  void add_paragraph(const Unit* first, const Unit* last) {
    const size_t begin = first->begin, end = (last - 1)->end;
    const bool joins = open_ && current_.page == first->page && end - current_.begin <= kTargetPassageBytes;
    if (joins) {
      current_.end = end;
      return;
    }
    close();
    if (end - begin <= kMostPassageBytes) {
      open(begin, end, first->page);
      return;
    }
    // Parts of about the same size.
    const size_t parts = (end - begin + kTargetPassageBytes - 1) / kTargetPassageBytes;
    const size_t part_bytes = (end - begin) / parts;
    for (const Unit* unit = first; unit != last; ++unit) {
      const size_t half = (unit->end - unit->begin) / 2;
      if (open_ && unit->begin + half - current_.begin > part_bytes) close();
      if (open_) {
        current_.end = unit->end;
      } else {
        open(unit->begin, unit->end, unit->page);
      }
    }
  }

  void finish() {
    close();
    if (out_.size() < first_ + 2) return;
    Passage& last = out_.back();
    Passage& before = out_[out_.size() - 2];
    if (last.end - last.begin < kLeastPassageBytes && last.page == before.page &&
        last.end - before.begin <= kMostPassageBytes) {
      before.end = last.end;
      out_.pop_back();
    }
  }

 private:
  void open(size_t begin, size_t end, int page) {
    current_ = {begin, end, heading_, page};
    open_ = true;
  }
  void close() {
    if (open_) out_.push_back(current_);
    open_ = false;
  }

  std::vector<Passage>& out_;
  std::string heading_;
  size_t first_ = out_.size();
  Passage current_;
  bool open_ = false;
};

void cut_section(std::vector<Passage>& out, const Document& document, size_t begin, size_t end,
                 const std::string& heading) {
  const std::vector<Unit> units = units_of(document, begin, end);
  SectionCutter cutter(out, heading);
  for (size_t first = 0; first < units.size();) {
    size_t last = first + 1;
    while (last < units.size() && !units[last].begins_paragraph && units[last].page == units[first].page) ++last;
    cutter.add_paragraph(units.data() + first, units.data() + last);
    first = last;
  }
  cutter.finish();
}

std::string join(const std::vector<const Heading*>& path) {
  std::string out;
  for (const Heading* heading : path) {
    if (!out.empty()) out += kHeadingJoin;
    out += heading->text;
  }
  return out;
}

}  // namespace

std::vector<Passage> cut_passages(const Document& document) {
  std::vector<Passage> out;
  const std::string_view text = document.text;
  const auto& headings = document.headings;
  cut_section(out, document, 0, headings.empty() ? text.size() : headings.front().offset, "");
  std::vector<const Heading*> path;
  for (size_t i = 0; i < headings.size(); ++i) {
    const Heading& heading = headings[i];
    while (!path.empty() && path.back()->level >= heading.level) path.pop_back();
    path.push_back(&heading);
    const bool last = i + 1 == headings.size();
    const size_t end = last ? text.size() : headings[i + 1].offset;
    const size_t line_end = std::min(text.find('\n', heading.offset), end);
    const bool empty = is_blank(text.substr(line_end, end - line_end));
    if (empty && !last && headings[i + 1].level > heading.level) continue;  // its text is in the paths below
    cut_section(out, document, empty ? heading.offset : line_end, end, join(path));
  }
  return out;
}

}  // namespace bantam
