#include "retrieval/inline_markdown.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>
#include <vector>

#include "retrieval/entities.h"

namespace bantam {
namespace {

constexpr auto npos = std::string_view::npos;

// How far a link's address or a tag may reach: bounds the time for brackets that never close.
constexpr size_t kLongestTag = 2000;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t'; }
bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool is_punctuation(char c) { return c > ' ' && c < 0x7F && !is_alphanumeric(c); }

// A paragraph and what each of its marks turned out to be. Two passes: one finds the pairs, one writes the text.
class InlineText {
 public:
  explicit InlineText(std::string_view text) : text_(text) {}

  std::string strip() {
    for (size_t at = 0; at < text_.size();) at = find_marks(at);
    std::string out;
    size_t done = 0;
    std::ranges::sort(cuts_, {}, &Cut::begin);
    for (const Cut& cut : cuts_) {
      if (cut.begin < done) continue;  // within one that is gone already
      append_plain(out, text_.substr(done, cut.begin - done));
      out += cut.instead;
      done = cut.end;
    }
    append_plain(out, text_.substr(done));
    return out;
  }

 private:
  struct Cut {
    size_t begin, end;
    std::string instead;
  };
  // A run of emphasis marks that may open a pair.
  struct Opener {
    size_t begin, length;
  };

  char at_or_space(size_t at) const { return at < text_.size() ? text_[at] : ' '; }

  // Looks at what begins at `at`; returns where to go on.
  size_t find_marks(size_t at) {
    switch (text_[at]) {
      case '\\':
        if (!is_punctuation(at_or_space(at + 1))) return at + 1;
        cuts_.push_back({at, at + 2, std::string(1, text_[at + 1])});
        return at + 2;
      case '`':
        return code_span(at);
      case '[':
        brackets_.push_back(at);
        return at + 1;
      case ']':
        return link_end(at);
      case '<':
        return tag(at);
      case '*':
      case '_':
      case '~':
        return emphasis(at);
      default:
        return at + 1;
    }
  }

  size_t run_end(size_t at) const { return std::min(text_.find_first_not_of(text_[at], at), text_.size()); }

  size_t code_span(size_t at) {
    const size_t begin = run_end(at), length = begin - at;
    const auto known = no_closing_run_.find(length);
    if (known != no_closing_run_.end()) return begin;
    for (size_t run = text_.find('`', begin); run != npos;) {
      const size_t end = run_end(run);
      if (end - run == length) {
        cuts_.push_back({at, end, code_of(text_.substr(begin, run - begin))});
        return end;
      }
      run = text_.find('`', end);
    }
    no_closing_run_.emplace(length, true);
    return begin;
  }

  static std::string code_of(std::string_view code) {
    const bool padded = code.size() > 2 && code.front() == ' ' && code.back() == ' ';
    std::string out(padded ? code.substr(1, code.size() - 2) : code);
    std::ranges::replace(out, '\n', ' ');
    return out;
  }

  // "](address)" and "][label]" after a bracket that opened make the text between them a link or, after "!", an image.
  size_t link_end(size_t at) {
    if (brackets_.empty()) return at + 1;
    const size_t opening = brackets_.back();
    brackets_.pop_back();
    const char next = at_or_space(at + 1);
    if (next != '(' && next != '[') return at + 1;
    const size_t end = closing_of(at + 1);
    if (end == npos) return at + 1;
    const bool image = opening > 0 && text_[opening - 1] == '!';
    cuts_.push_back({opening - (image ? 1 : 0), opening + 1, ""});
    cuts_.push_back({at, end + 1, ""});
    return end + 1;
  }

  // Where the bracket that opens at `at` closes, its kind nested.
  size_t closing_of(size_t at) const {
    const char open = text_[at], close = open == '(' ? ')' : ']';
    int depth = 0;
    for (size_t i = at; i < std::min(text_.size(), at + kLongestTag); ++i) {
      if (text_[i] == '\\')
        ++i;
      else if (text_[i] == open)
        ++depth;
      else if (text_[i] == close && --depth == 0)
        return i;
    }
    return npos;
  }

  size_t tag(size_t at) {
    const char next = at_or_space(at + 1);
    const bool tag = is_alphanumeric(next) || next == '/' || next == '!';
    const size_t end = tag ? text_.substr(at, kLongestTag).find('>') : npos;
    if (end == npos) return at + 1;
    const std::string_view inside = text_.substr(at + 1, end - 1);
    const bool address = inside.find(' ') == npos && (inside.find("://") != npos || inside.find('@') != npos);
    const bool line_break = inside == "br" || inside == "br/" || inside == "br /";
    cuts_.push_back({at, at + end + 1, address ? std::string(inside) : line_break ? "\n" : ""});
    return at + end + 1;
  }

  // Marks count where they touch a word on one side only: snake_case, 2 * 3 and 2*3 keep theirs, **한국**은 does not.
  size_t emphasis(size_t at) {
    const char mark = text_[at];
    const size_t end = run_end(at), length = end - at;
    if (length > 3 || (mark == '~' && length != 2)) return end;
    const char before = at > 0 ? text_[at - 1] : ' ', after = at_or_space(end);
    auto& openers = openers_[mark == '*' ? 0 : mark == '_' ? 1 : 2][length - 1];
    if (!is_space(before) && !is_alphanumeric(after) && !openers.empty()) {
      const Opener opener = openers.back();
      openers.pop_back();
      cuts_.push_back({opener.begin, opener.begin + opener.length, ""});
      cuts_.push_back({at, end, ""});
    } else if (!is_space(after) && !is_alphanumeric(before)) {
      openers.push_back({at, length});
    }
    return end;
  }

  // Text without marks: entities become characters; a line end is a space, after two spaces or a backslash a line end.
  static void append_plain(std::string& out, std::string_view text) {
    while (!text.empty()) {
      const size_t end = std::min(text.find_first_of("&\n\\"), text.size());
      out += text.substr(0, end);
      text.remove_prefix(end);
      if (text.empty()) break;
      size_t length = 1;
      if (text[0] == '&') {
        const Entity entity = entity_at(text);
        out += entity.length > 0 ? entity.text : "&";
        length = std::max(entity.length, length);
      } else if (text[0] == '\n') {
        out += out.ends_with("  ") ? '\n' : ' ';
      } else {
        const bool hard_break = text.size() > 1 && text[1] == '\n';
        out += hard_break ? '\n' : '\\';
        length = hard_break ? 2 : 1;
      }
      text.remove_prefix(length);
    }
  }

  std::string_view text_;
  std::vector<Cut> cuts_;
  std::vector<size_t> brackets_;
  std::array<std::array<std::vector<Opener>, 3>, 3> openers_;  // by mark, then by length
  std::unordered_map<size_t, bool> no_closing_run_;  // lengths of backtick runs that nothing closes from here on
};

}  // namespace

std::string without_markup(std::string_view paragraph) { return InlineText(paragraph).strip(); }

}  // namespace bantam
