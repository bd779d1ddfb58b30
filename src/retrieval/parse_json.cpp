#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "retrieval/document_builder.h"
#include "retrieval/parsers.h"

namespace bantam {
namespace {

constexpr size_t kDeepest = 128;  // as parse_json()
constexpr size_t kParagraphBytes = 200;

constexpr std::string_view kTitleKeys[] = {"title", "headline", "제목"};
constexpr std::string_view kProseKeys[] = {"text",        "content", "contents", "body",    "abstract",
                                           "summary",     "article", "passage",  "context", "document",
                                           "description", "본문",    "내용"};

template <size_t N>
bool is_one_of(const std::string_view (&keys)[N], std::string_view key) {
  return std::ranges::find(keys, key) != std::end(keys);
}

// Follows the parser's events and writes lines; what it remembers is the path to the value that comes, no values.
//
// A record is the outermost value or an object in an array. Paths begin at the record. Values of one array are one
// line.
class LineWriter final : public nlohmann::json_sax<Json> {
 public:
  LineWriter(DocumentBuilder& out, std::string& title) : out_(out), title_(title) {}

  const std::string& problem() const { return problem_; }

  bool null() override { return true; }  // says nothing
  bool boolean(bool value) override { return scalar(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return scalar(fmt::format("{}", value)); }
  bool number_unsigned(number_unsigned_t value) override { return scalar(fmt::format("{}", value)); }
  bool number_float(number_float_t, const string_t& digits) override { return scalar(digits); }
  bool binary(binary_t&) override { return true; }  // JSON has none

  bool string(string_t& value) override {
    const bool in_array = !levels_.empty() && levels_.back().array;
    if (!in_array && is_one_of(kTitleKeys, current_key())) {
      take_title(value);
    } else if (is_one_of(kProseKeys, current_key()) || value.find('\n') != std::string::npos) {
      add_prose(value);
    } else {
      return scalar(value);
    }
    return true;
  }

  bool start_object(size_t) override { return enter(false); }
  bool start_array(size_t) override { return enter(true); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }

  bool key(string_t& key) override {
    out_.end_line();
    levels_.back().key = key;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) override {
    problem_ = fmt::format("not valid JSON at byte {} of the text", position);
    return false;
  }

 private:
  // One object or array that has begun.
  struct Level {
    bool array = false, record = false;
    std::string key;  // an object's, of the value that comes; an array has none
  };

  std::string_view current_key() const {
    const auto object = std::ranges::find(levels_.rbegin(), levels_.rend(), false, &Level::array);
    return object == levels_.rend() ? std::string_view() : std::string_view(object->key);
  }

  bool enter(bool array) {
    if (levels_.size() == kDeepest) {
      problem_ = fmt::format("objects and arrays nest deeper than {} levels", kDeepest);
      return false;
    }
    const bool in_array = !levels_.empty() && levels_.back().array;
    const bool record = levels_.empty() || (in_array && !array);
    out_.end_line();
    if (record) out_.end_paragraph();
    levels_.push_back({array, record, ""});
    return true;
  }

  bool leave() {
    out_.end_line();
    if (levels_.back().record) out_.end_paragraph();
    levels_.pop_back();
    return true;
  }

  // "path: value", or ", value" for an array's second.
  bool scalar(std::string_view value) {
    if (trimmed(value).empty()) return true;
    if (!out_.at_line_start()) {
      out_.add_text(", ");
    } else if (const std::string path = path_to_value(); !path.empty()) {
      out_.add_text(path + ": ");
    }
    out_.add_text(value);
    if (levels_.empty() || !levels_.back().array) out_.end_line();
    return true;
  }

  std::string path_to_value() const {
    const auto record = std::ranges::find(levels_.rbegin(), levels_.rend(), true, &Level::record);
    std::string path;
    for (size_t i = static_cast<size_t>(levels_.rend() - record); i > 0 && i <= levels_.size(); ++i) {
      const std::string& key = levels_[i - 1].key;
      if (!path.empty() && !key.empty()) path += '.';
      path += key;
    }
    return path;
  }

  // Long ones are paragraphs of their own.
  void add_prose(const std::string& value) {
    const bool paragraph = value.size() >= kParagraphBytes || value.find('\n') != std::string::npos;
    paragraph ? out_.end_paragraph() : out_.end_line();
    out_.add_lines(value);
    paragraph ? out_.end_paragraph() : out_.end_line();
  }

  // The whole document's where it is a member of the outermost object, else the record's.
  void take_title(const std::string& value) {
    if (levels_.size() == 1 && title_.empty()) title_ = value;
    const auto records =
        std::ranges::count_if(levels_, [](const Level& level) { return level.record && !level.array; });
    out_.add_heading(static_cast<int>(records), value);
  }

  DocumentBuilder& out_;
  std::string& title_;
  std::vector<Level> levels_;
  std::string problem_;
};

// A value per line: the first line is a whole one and there are more.
bool is_json_lines(std::string_view text) {
  const std::string_view content = trimmed(text);
  const size_t end = content.find('\n');
  return end != std::string_view::npos && content.starts_with('{') && Json::accept(content.substr(0, end));
}

}  // namespace

Document parse_json_text(std::string_view text, std::string_view name, const ParseLimits& limits) {
  DocumentBuilder out(name, limits);
  std::string title;
  if (!is_json_lines(text)) {
    LineWriter writer(out, title);
    if (!Json::sax_parse(text, &writer)) throw FormatError("{}: {}", name, writer.problem());
    return out.finish(title);
  }
  size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = take_line(rest);
    ++number;
    if (trimmed(line).empty()) continue;
    std::string record_title;  // each record has its own; none is the file's
    LineWriter writer(out, record_title);
    if (!Json::sax_parse(line, &writer)) throw FormatError("{}: line {}: {}", name, number, writer.problem());
  }
  return out.finish(stem_of(name));
}

}  // namespace bantam
