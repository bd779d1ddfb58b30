#include "text/template/lexer.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/utf8.h"
#include "text/template/characters.h"

namespace bantam::jinja {
namespace {

constexpr std::string_view kSigns[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
                                       "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
// Names are written into errors and compared again and again.
constexpr size_t kLongestName = 256;
constexpr size_t kMostTokens = 30'000;  // templates of known models have some thousand
constexpr std::string_view kSpaces = " \t\n\r\f\v";

// \r\n and \r become \n, and one newline at the very end goes.
std::string normalised(std::string_view source) {
  std::string out;
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out.push_back(source[i]);
    } else if (i + 1 == source.size() || source[i + 1] != '\n') {
      out.push_back('\n');
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_byte(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<uint8_t>(c) >= 0x80;
}

class Lexer {
 public:
  Lexer(std::string_view source, std::string_view template_name) : name_(template_name), text_(normalised(source)) {}

  std::vector<Token> run() {
    while (at_ < text_.size()) cut_data_and_tag();
    add(TokenKind::end, "");
    return std::move(tokens_);
  }

 private:
  void cut_data_and_tag() {
    const size_t open = find_tag();
    std::string_view data = view().substr(at_, open - at_);
    if (open == text_.size()) {
      add_data(data);
      at_ = open;
      return;
    }
    const char kind = text_[open + 1];
    const char sign = open + 2 < text_.size() ? text_[open + 2] : '\0';
    if (sign == '-') {
      data = without_space_around(data, false, true);
    } else if (sign != '+' && kind != '{') {
      data = without_indentation(data);
    }
    add_data(data);
    const size_t inside = open + 2 + (sign == '-' || sign == '+' ? 1 : 0);
    pass(inside);
    if (kind == '#') {
      end_comment();
    } else if (kind == '%' && starts_raw()) {
      cut_raw();
    } else {
      cut_tag(kind == '%');
    }
  }

  size_t find_tag() const {
    for (size_t open = text_.find('{', at_); open != std::string::npos; open = text_.find('{', open + 1)) {
      if (open + 1 < text_.size() && std::string_view("%{#").find(text_[open + 1]) != std::string_view::npos)
        return open;
    }
    return text_.size();
  }

  // lstrip_blocks: white space between the begin of a line and a tag goes.
  std::string_view without_indentation(std::string_view data) const {
    const size_t line = data.rfind('\n') + 1;  // 0 when there is none
    if (line == 0 && !at_line_begin_) return data;
    const std::string_view indentation = data.substr(line);
    return without_space_around(indentation).empty() ? data.substr(0, line) : data;
  }

  void add_data(std::string_view data) {
    if (!data.empty()) add(TokenKind::data, data);
  }

  // What ends a tag: `close`, trimming white space after it when a - stands before, else one newline if `trims`.
  bool end_tag(std::string_view close, bool plus_allowed, bool trims) {
    const char sign = text_[at_];
    const bool minus = sign == '-', plus = sign == '+' && plus_allowed;
    if (!view().substr(at_ + (minus || plus ? 1 : 0)).starts_with(close)) return false;
    size_t end = at_ + (minus || plus ? 1 : 0) + close.size();
    if (minus) {
      end = text_.size() - without_space_around(view().substr(end), true, false).size();
    } else if (trims && !plus && end < text_.size() && text_[end] == '\n') {
      ++end;
    }
    pass(end);
    at_line_begin_ = text_[end - 1] == '\n';
    return true;
  }

  void end_comment() {
    const int line = line_;
    while (at_ < text_.size()) {
      if (end_tag("#}", true, true)) return;
      pass(at_ + 1);
    }
    fail(line, "a comment that begins here has no end: expected '#}}'");
  }

  bool starts_raw() const {
    std::string_view rest = without_space_around(view().substr(at_), true, false);
    if (!rest.starts_with("raw")) return false;
    rest = without_space_around(rest.substr(3), true, false);
    return rest.starts_with("%}") || rest.starts_with("-%}");
  }

  void cut_raw() {
    const int begin_line = line_;
    skip_word("raw");
    end_tag("%}", false, false);
    const size_t begin = at_;
    for (size_t open = text_.find("{%", begin); open != std::string::npos; open = text_.find("{%", open + 1)) {
      size_t word = open + 2;
      const char sign = word < text_.size() ? text_[word] : '\0';
      if (sign == '-' || sign == '+') ++word;
      std::string_view rest = without_space_around(view().substr(word), true, false);
      if (!rest.starts_with("endraw")) continue;
      rest = without_space_around(rest.substr(6), true, false);
      if (!rest.starts_with("%}") && !rest.starts_with("-%}") && !rest.starts_with("+%}")) continue;
      std::string_view data = view().substr(begin, open - begin);
      data = sign == '-' ? without_space_around(data, false, true) : sign == '+' ? data : without_indentation(data);
      add_data(data);
      pass(word);
      skip_word("endraw");
      end_tag("%}", true, true);
      return;
    }
    fail(begin_line, "the tag 'raw' has no end: expected 'endraw'");
  }

  void skip_word(std::string_view word) {
    pass(text_.find(word, at_) + word.size());
    skip_spaces();
  }

  void skip_spaces() {
    while (at_ < text_.size() && kSpaces.find(text_[at_]) != std::string_view::npos) pass(at_ + 1);
  }

  void cut_tag(bool is_block) {
    const int begin_line = line_;
    add(is_block ? TokenKind::begin_block : TokenKind::begin_print, "");
    std::string open_brackets;
    for (skip_spaces(); at_ < text_.size(); skip_spaces()) {
      if (open_brackets.empty() && end_tag(is_block ? "%}" : "}}", is_block, is_block)) {
        tokens_.push_back({is_block ? TokenKind::end_block : TokenKind::end_print, line_, ""});
        return;
      }
      cut_token(open_brackets);
    }
    fail(begin_line, "a tag that begins here has no end: expected '{}'", is_block ? "%}" : "}}");
  }

  void cut_token(std::string& open_brackets) {
    const char c = text_[at_];
    if (is_digit(c)) return cut_number();
    if (is_name_byte(c)) return cut_name();
    if (c == '"' || c == '\'') return cut_string();
    const auto sign =
        std::ranges::find_if(kSigns, [&](std::string_view s) { return view().substr(at_).starts_with(s); });
    if (sign == std::end(kSigns)) fail(line_, "unexpected character '{}'", c);
    if (const size_t open = std::string_view("([{").find(c); open != std::string_view::npos) {
      open_brackets.push_back(")]}"[open]);
    } else if (std::string_view(")]}").find(c) != std::string_view::npos) {
      if (open_brackets.empty() || open_brackets.back() != c) fail(line_, "unexpected '{}'", c);
      open_brackets.pop_back();
    }
    add(TokenKind::sign, *sign);
    pass(at_ + sign->size());
  }

  void cut_name() {
    size_t end = at_;
    while (end < text_.size() && is_name_byte(text_[end])) ++end;
    if (end - at_ > kLongestName) fail(line_, "a name has {} bytes, expected at most {}", end - at_, kLongestName);
    add(TokenKind::name, view().substr(at_, end - at_));
    pass(end);
  }

  // Digits with single underscores between them; the position after them.
  size_t digits_end(size_t begin) const {
    size_t end = begin;
    while (end < text_.size() && (is_digit(text_[end]) || (text_[end] == '_' && end > begin && end + 1 < text_.size() &&
                                                           is_digit(text_[end + 1])))) {
      ++end;
    }
    return end;
  }

  void cut_number() {
    if (text_[at_] == '0' && at_ + 1 < text_.size() &&
        std::string_view("xXbBoO").find(text_[at_ + 1]) != std::string_view::npos) {
      size_t end = at_ + 2;
      while (end < text_.size() && is_name_byte(text_[end])) ++end;
      return add_number(TokenKind::integer, end);
    }
    size_t end = digits_end(at_);
    TokenKind kind = TokenKind::integer;
    const bool after_dot = !tokens_.empty() && tokens_.back().kind == TokenKind::sign && tokens_.back().text == ".";
    if (!after_dot && end < text_.size() && text_[end] == '.' && digits_end(end + 1) > end + 1) {
      end = digits_end(end + 1);
      kind = TokenKind::decimal;
    }
    if (!after_dot && end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
      size_t exponent = end + 1;
      if (exponent < text_.size() && (text_[exponent] == '+' || text_[exponent] == '-')) ++exponent;
      if (digits_end(exponent) > exponent) {
        end = digits_end(exponent);
        kind = TokenKind::decimal;
      }
    }
    add_number(kind, end);
  }

  void add_number(TokenKind kind, size_t end) {
    std::string digits(view().substr(at_, end - at_));
    std::erase(digits, '_');
    add(kind, digits);
    pass(end);
  }

  void cut_string() {
    const char quote = text_[at_];
    size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote) end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) fail(line_, "a string that begins here has no end: expected {}", quote);
    add(TokenKind::string, unescaped(view().substr(at_ + 1, end - at_ - 1)));
    pass(end + 1);
  }

  // The escapes of Python's string literals; those it does not know stay as they are.
  std::string unescaped(std::string_view text) const {
    static constexpr std::string_view kLetters = "abfnrtv\\'\"", kMeanings = "\a\b\f\n\r\t\v\\'\"";
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\' || i + 1 == text.size()) {
        out.push_back(text[i]);
        continue;
      }
      const char c = text[++i];
      if (const size_t letter = kLetters.find(c); letter != std::string_view::npos) {
        out.push_back(kMeanings[letter]);
      } else if (c == 'x' || c == 'u' || c == 'U') {
        const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        append_code(out, text.substr(i + 1, digits), digits, 16);
        i += digits;
      } else if (c >= '0' && c <= '7') {
        size_t digits = 1;
        while (digits < 3 && i + digits < text.size() && text[i + digits] >= '0' && text[i + digits] <= '7') ++digits;
        append_code(out, text.substr(i, digits), digits, 8);
        i += digits - 1;
      } else if (c != '\n') {
        out += {'\\', c};
      }
    }
    return out;
  }

  void append_code(std::string& out, std::string_view digits, size_t wanted, uint32_t base) const {
    uint32_t code = 0;
    for (const char c : digits) {
      const size_t digit = std::string_view("0123456789abcdefABCDEF").find(c);
      if (digit == std::string_view::npos) fail(line_, "'\\{}' is not a character's number", digits);
      code = code * base + static_cast<uint32_t>(digit < 16 ? digit : digit - 6);
    }
    if (digits.size() < wanted || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
      fail(line_, "'{}' is not the number of a character", digits);
    }
    append_utf8(out, code);
  }

  std::string_view view() const { return text_; }

  void add(TokenKind kind, std::string_view text) {
    if (tokens_.size() == kMostTokens) fail(line_, "the template has more than {} names, signs and texts", kMostTokens);
    tokens_.push_back({kind, line_, std::string(text)});
  }

  // Moves on to `end`, counting lines.
  void pass(size_t end) {
    line_ += static_cast<int>(
        std::count(text_.begin() + static_cast<ptrdiff_t>(at_), text_.begin() + static_cast<ptrdiff_t>(end), '\n'));
    at_ = end;
  }

  template <class... Args>
  [[noreturn]] void fail(int line, fmt::format_string<Args...> format, Args&&... args) const {
    throw FormatError("{}: line {}: {}", name_, line, fmt::format(format, std::forward<Args>(args)...));
  }

  std::string_view name_;
  std::string text_;
  size_t at_ = 0;
  int line_ = 1;
  bool at_line_begin_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> cut_tokens(std::string_view source, std::string_view template_name) {
  return Lexer(source, template_name).run();
}

}  // namespace bantam::jinja
