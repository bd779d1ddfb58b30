#include "text/grammar/gbnf.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/utf8.h"

namespace bantam {
namespace {

constexpr int kDeepestGroup = 200;
constexpr char kEnd = '\0';

bool is_name_char(char c) {
  const char low = static_cast<char>(c | 0x20);
  return (c >= '0' && c <= '9') || (low >= 'a' && low <= 'z') || c == '-' || c == '_';
}

class GbnfParser {
 public:
  explicit GbnfParser(std::string_view text) : text_(text) {
    if (const auto bad = find_invalid_utf8(text)) throw FormatError("grammar: byte {} is not UTF-8", *bad);
    if (text.find('\0') != std::string_view::npos) throw FormatError("grammar: it has a zero byte");
  }

  Grammar parse() {
    skip(true);
    while (peek() != kEnd) rule();
    const auto root = rules_.find("root");
    if (root == rules_.end() || !root->second.defined) throw FormatError("grammar: it has no rule 'root'");
    for (const auto& [name, rule] : rules_) {
      if (!rule.defined) throw FormatError("grammar: the rule '{}' is used but not defined", name);
    }
    g_.root = root->second.id;
    return std::move(g_);
  }

 private:
  struct Rule {
    Grammar::RuleId id;
    bool defined;
  };

  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    const std::string_view before = text_.substr(0, at_);
    const auto line = std::ranges::count(before, '\n') + 1;
    const size_t newline = before.rfind('\n');
    const size_t column = newline == std::string_view::npos ? at_ + 1 : at_ - newline;
    throw FormatError("grammar: line {}, column {}: {}", line, column,
                      fmt::format(format, std::forward<Args>(args)...));
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : kEnd; }
  bool take_if(std::string_view wanted) {
    const bool is_here = text_.substr(at_).starts_with(wanted);
    if (is_here) at_ += wanted.size();
    return is_here;
  }

  // Spaces and comments, and with `lines` the ends of lines.
  void skip(bool lines) {
    for (;;) {
      const char c = peek();
      if (c == '#') {
        while (peek() != kEnd && peek() != '\n') ++at_;
      } else if (c == ' ' || c == '\t' || (lines && (c == '\r' || c == '\n'))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  std::string_view name() {
    const size_t begin = at_;
    while (is_name_char(peek())) ++at_;
    if (at_ == begin) fail("found '{}', expected the name of a rule", text_.substr(at_, 1));
    return text_.substr(begin, at_ - begin);
  }

  Rule& rule_named(std::string_view name) {
    const auto at = rules_.find(name);
    if (at != rules_.end()) return at->second;
    return rules_.emplace(name, Rule{g_.declare(std::string(name)), false}).first->second;
  }

  void rule() {
    const std::string_view called = name();
    Rule& rule = rule_named(called);
    if (rule.defined) fail("the rule '{}' is defined twice", called);
    skip(false);
    if (!take_if("::=")) fail("expected '::=' after the name of a rule");
    skip(true);
    rule.defined = true;
    g_.define(rule.id, alternatives(0));
    if (peek() != kEnd && peek() != '\n' && peek() != '\r') fail("found '{}', expected a part", text_.substr(at_, 1));
    skip(true);
  }

  Grammar::NodeId alternatives(int depth) {
    std::vector<Grammar::NodeId> options = {sequence(depth)};
    while (bar(depth)) {
      skip(true);
      options.push_back(sequence(depth));
    }
    return g_.choice(options);
  }

  // A bar may stand at the beginning of the next line.
  bool bar(int depth) {
    const size_t begin = at_;
    skip(true);
    if (take_if("|")) return true;
    if (depth == 0) at_ = begin;
    return false;
  }

  Grammar::NodeId sequence(int depth) {
    std::vector<Grammar::NodeId> parts;
    for (;;) {
      skip(depth > 0);
      const char c = peek();
      const bool begins_part = c == '"' || c == '[' || c == '(' || c == '.' || c == '<' || is_name_char(c);
      if (!begins_part) return g_.sequence(parts);
      parts.push_back(repeated(part(depth), depth));
    }
  }

  Grammar::NodeId part(int depth) {
    if (take_if("\"")) return literal();
    if (take_if("[")) return g_.chars(char_class());
    if (take_if(".")) return g_.chars(CharSet::all());
    if (peek() == '<') throw UnsupportedError("grammar: tokens in a grammar cannot be held to; write their text");
    if (!take_if("(")) return g_.call(rule_named(name()).id);
    if (depth >= kDeepestGroup) fail("groups stand inside each other more than {} deep", kDeepestGroup);
    const Grammar::NodeId inside = alternatives(depth + 1);
    if (!take_if(")")) fail("expected ')'");
    return inside;
  }

  Grammar::NodeId repeated(Grammar::NodeId node, int depth) {
    skip(depth > 0);
    uint32_t least = 1, most = 1;
    if (take_if("*")) {
      least = 0, most = Grammar::kUnbounded;
    } else if (take_if("+")) {
      most = Grammar::kUnbounded;
    } else if (take_if("?")) {
      least = 0;
    } else if (take_if("{")) {
      std::tie(least, most) = braces();
    } else {
      return node;
    }
    skip(depth > 0);
    if (peek() == '*' || peek() == '+' || peek() == '?' || peek() == '{') fail("a repetition is repeated");
    return g_.repeat(node, least, most);
  }

  std::pair<uint32_t, uint32_t> braces() {
    const auto number = [&]() -> std::optional<uint32_t> {
      skip(false);
      uint64_t value = 0;
      const size_t begin = at_;
      while (peek() >= '0' && peek() <= '9') {
        value = value * 10 + static_cast<uint64_t>(text_[at_++] - '0');
        if (value > Grammar::kMostRepeats) fail("a part is repeated more than {} times", Grammar::kMostRepeats);
      }
      const bool found = at_ > begin;
      skip(false);
      return found ? std::optional(static_cast<uint32_t>(value)) : std::nullopt;
    };
    const auto least = number();
    const bool comma = take_if(",");
    const auto most = comma ? number() : least;
    if (!take_if("}") || (!least && !most)) fail("expected a repetition: {{2}}, {{2,}} or {{2,5}}");
    const uint32_t from = least.value_or(0), to = most.value_or(Grammar::kUnbounded);
    if (from > to) fail("a part is repeated at least {} and at most {} times", from, to);
    return {from, to};
  }

  Grammar::NodeId literal() {
    std::string out;
    while (peek() != '"') {
      if (peek() == kEnd || peek() == '\n') fail("a text in quotes does not end");
      append_utf8(out, character());
    }
    ++at_;
    return g_.text(out);
  }

  CharSet char_class() {
    const bool negated = take_if("^");
    std::vector<CharSet::Range> ranges;
    while (peek() != ']') {
      if (peek() == kEnd || peek() == '\n') fail("a class of characters does not end");
      const char32_t first = character();
      char32_t last = first;
      if (peek() == '-' && text_.substr(at_, 2) != "-]") {
        ++at_;
        last = character();
      }
      if (first > last) fail("a range ends before it begins");
      ranges.push_back({first, last});
    }
    ++at_;
    const CharSet set(std::move(ranges));
    return negated ? set.complement() : set;
  }

  char32_t character() {
    if (!take_if("\\")) {
      const auto c = decode_utf8(text_.substr(at_));
      if (!c) fail("the grammar ends too early");
      at_ += static_cast<size_t>(c->bytes);
      return c->value;
    }
    const char c = peek();
    ++at_;
    switch (c) {
      case 'n':
        return U'\n';
      case 'r':
        return U'\r';
      case 't':
        return U'\t';
      case 'x':
        return hexadecimal(2);
      case 'u':
        return hexadecimal(4);
      case 'U':
        return hexadecimal(8);
      case '"':
      case '\\':
      case '[':
      case ']':
      case '-':
      case '^':
      case '/':
        return static_cast<unsigned char>(c);
      default:
        fail("an escape is not known, expected one of: \\n \\r \\t \\x \\u \\U \\\" \\\\ \\[ \\] \\- \\^ \\/");
    }
  }

  char32_t hexadecimal(int digits) {
    uint32_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const char c = peek(), low = static_cast<char>(c | 0x20);
      const bool digit = c >= '0' && c <= '9', letter = low >= 'a' && low <= 'f';
      if (!digit && !letter) fail("expected {} hexadecimal digits", digits);
      value = value * 16 + static_cast<uint32_t>(digit ? c - '0' : low - 'a' + 10);
      ++at_;
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) fail("a code point is no character");
    return value;
  }

  const std::string_view text_;
  size_t at_ = 0;
  Grammar g_;
  std::map<std::string, Rule, std::less<>> rules_;
};

}  // namespace

Grammar compile_gbnf(std::string_view text) { return GbnfParser(text).parse(); }

}  // namespace bantam
