#include "text/grammar/regex.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "base/utf8.h"
#include "text/unicode.h"

namespace bantam {
namespace {

constexpr int kDeepestGroup = 200;
constexpr char32_t kEnd = 0xFFFFFFFF;

const CharSet kDigits({{U'0', U'9'}});
const CharSet kWord({{U'0', U'9'}, {U'A', U'Z'}, {U'_', U'_'}, {U'a', U'z'}});
const CharSet kSurelySpace({{U'\t', U'\r'}, {U' ', U' '}});
const CharSet kMaybeSpace({{0x09, 0x0D},
                           {0x1C, 0x20},
                           {0x85, 0x85},
                           {0xA0, 0xA0},
                           {0x1680, 0x1680},
                           {0x180E, 0x180E},
                           {0x2000, 0x200A},
                           {0x2028, 0x2029},
                           {0x202F, 0x202F},
                           {0x205F, 0x205F},
                           {0x3000, 0x3000},
                           {0xFEFF, 0xFEFF}});
const CharSet kLineEnds({{U'\n', U'\n'}, {U'\r', U'\r'}, {0x2028, 0x2029}});

uint64_t plus(uint64_t a, uint64_t b) { return a > RegexPart::kEndless - b ? RegexPart::kEndless : a + b; }

uint64_t times(uint64_t a, uint64_t b) {
  if (a == 0 || b == 0) return 0;
  return a > RegexPart::kEndless / b ? RegexPart::kEndless : a * b;
}

// Worked out once for each: an expression may name it many times.
CharSet with_trait(uint8_t trait) {
  static std::mutex mutex;
  static std::map<uint8_t, CharSet> known;
  const std::lock_guard lock(mutex);
  const auto [at, is_new] = known.try_emplace(trait);
  if (is_new) {
    std::vector<CharSet::Range> ranges;
    for (char32_t c = 0; c <= 0x10FFFF; ++c) {
      if ((char_traits(c) & trait) != 0) ranges.push_back({c, c});
    }
    at->second = CharSet(std::move(ranges));
  }
  return at->second;
}

CharSet maybe_word() { return with_trait(trait::kLetter | trait::kMark | trait::kNumber) | kWord; }

class RegexParser {
 public:
  RegexParser(Grammar& grammar, std::string_view text, const RegexOptions& options)
      : g_(grammar), text_(text), options_(options) {
    if (const auto bad = find_invalid_utf8(text)) throw FormatError("regular expression: byte {} is not UTF-8", *bad);
  }

  RegexPart parse() {
    const RegexPart out = alternatives(0);
    if (peek() != kEnd) fail("has a ')' without a '('");
    return out;
  }

 private:
  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw FormatError("regular expression: at byte {}: {}", at_, fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void unsupported(std::string_view what) const {
    throw UnsupportedError("regular expression: at byte {}: {} cannot be held to", at_, what);
  }

  char32_t peek() const {
    const auto c = decode_utf8(text_.substr(at_));
    return c ? c->value : kEnd;
  }
  char32_t take() {
    const auto c = decode_utf8(text_.substr(at_));
    if (!c) fail("ends too early");
    at_ += static_cast<size_t>(c->bytes);
    return c->value;
  }
  bool take_if(std::string_view text) {
    const bool is_here = text_.substr(at_).starts_with(text);
    if (is_here) at_ += text.size();
    return is_here;
  }

  RegexPart alternatives(int depth) {
    std::vector<Grammar::NodeId> options;
    RegexPart out{0, RegexPart::kEndless, 0};
    do {
      const RegexPart part = sequence(depth);
      options.push_back(part.node);
      out.shortest = std::min(out.shortest, part.shortest);
      out.longest = std::max(out.longest, part.longest);
    } while (take_if("|"));
    out.node = g_.choice(options);
    return out;
  }

  RegexPart sequence(int depth) {
    std::vector<Grammar::NodeId> parts;
    RegexPart out{0, 0, 0};
    const bool outermost = depth == 0;
    bool from_start = false, to_end = false;
    while (outermost && take_if("^")) from_start = true;
    while (peek() != kEnd && peek() != U'|' && peek() != U')') {
      if (outermost && take_if("$")) {
        to_end = true;
        continue;
      }
      if (to_end) unsupported("text after '$'");
      const RegexPart part = quantified(depth);
      parts.push_back(part.node);
      out.shortest = plus(out.shortest, part.shortest);
      out.longest = plus(out.longest, part.longest);
    }
    if (outermost && options_.anywhere) {
      const auto anything = g_.repeat(write(CharSet::all()), 0, Grammar::kUnbounded);
      if (!from_start) parts.insert(parts.begin(), anything);
      if (!to_end) parts.push_back(anything);
      if (!from_start || !to_end) out.longest = RegexPart::kEndless;
    }
    out.node = g_.sequence(parts);
    return out;
  }

  RegexPart quantified(int depth) {
    RegexPart part = atom(depth);
    std::optional<std::pair<uint32_t, uint32_t>> times_wanted;
    if (take_if("*")) {
      times_wanted = {0, Grammar::kUnbounded};
    } else if (take_if("+")) {
      times_wanted = {1, Grammar::kUnbounded};
    } else if (take_if("?")) {
      times_wanted = {0, 1};
    } else {
      times_wanted = braces();
    }
    if (!times_wanted) return part;
    if (peek() == U'+') unsupported("a possessive quantifier");
    take_if("?");  // lazy: the same texts
    if (peek() == U'*' || peek() == U'+' || peek() == U'?') fail("repeats a repetition");
    const auto [least, most] = *times_wanted;
    part.node = g_.repeat(part.node, least, most);
    part.shortest = times(part.shortest, least);
    part.longest = times(part.longest, most == Grammar::kUnbounded ? RegexPart::kEndless : most);
    return part;
  }

  std::optional<uint32_t> number() {
    uint64_t value = 0;
    const size_t begin = at_;
    while (peek() >= U'0' && peek() <= U'9') {
      value = value * 10 + (take() - U'0');
      if (value > Grammar::kMostRepeats) fail("repeats more than {} times", Grammar::kMostRepeats);
    }
    if (at_ == begin) return std::nullopt;
    return static_cast<uint32_t>(value);
  }

  // {2}, {2,} or {2,5}; any other brace stands for itself.
  std::optional<std::pair<uint32_t, uint32_t>> braces() {
    const size_t begin = at_;
    if (!take_if("{")) return std::nullopt;
    const auto least = number();
    if (!least && take_if(",") && number() && take_if("}")) unsupported("{,n}, which dialects read differently,");
    if (least) {
      auto most = least;
      if (take_if(",")) {
        most = number();
        if (!most) most = Grammar::kUnbounded;
      }
      if (take_if("}")) {
        if (*least > *most) fail("repeats at least {} and at most {} times", *least, *most);
        return std::pair{*least, *most};
      }
    }
    at_ = begin;
    return std::nullopt;
  }

  RegexPart one_of(const CharSet& set) { return {write(set), 1, 1}; }
  Grammar::NodeId write(const CharSet& set) { return options_.write ? options_.write(set) : g_.chars(set); }

  RegexPart atom(int depth) {
    const char32_t c = peek();
    if (c == U'(') return group(depth);
    if (c == U'^' || c == U'$') unsupported("an anchor inside");
    if (c == U'*' || c == U'+' || c == U'?') fail("has nothing to repeat");
    take();
    if (c == U'[') return one_of(char_class());
    if (c == U'.') return one_of(kLineEnds.complement());
    if (c == U'\\') return one_of(escape(false));
    return one_of(CharSet::of(c));
  }

  RegexPart group(int depth) {
    if (depth >= kDeepestGroup) fail("has groups inside each other more than {} deep", kDeepestGroup);
    take();
    if (take_if("?")) {
      const bool named = take_if("P<") || (text_.substr(at_).starts_with("<") && !text_.substr(at_).starts_with("<=") &&
                                           !text_.substr(at_).starts_with("<!") && take_if("<"));
      if (named) {
        while (peek() != kEnd && peek() != U'>') take();
        if (!take_if(">")) fail("has a group whose name does not end");
      } else if (!take_if(":")) {
        unsupported("a group of this kind (looking around, flags)");
      }
    }
    const RegexPart out = alternatives(depth + 1);
    if (!take_if(")")) fail("has a '(' without a ')'");
    return out;
  }

  CharSet char_class() {
    const bool negated = take_if("^");
    CharSet out;
    bool first = true;
    std::vector<CharSet::Range> ranges;
    while (first || peek() != U']') {
      if (peek() == kEnd) fail("has a '[' without a ']'");
      if (first && peek() == U']') unsupported("']' as the first of a class, which dialects read differently,");
      first = false;
      if (text_.substr(at_).starts_with("[:")) unsupported("a class with a name");
      const CharSet low = class_atom(negated);
      const bool is_range = peek() == U'-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']';
      if (!is_range) {
        ranges.insert(ranges.end(), low.ranges().begin(), low.ranges().end());
        continue;
      }
      take();
      const CharSet high = class_atom(negated);
      const bool single = low.ranges().size() == 1 && low.ranges()[0].first == low.ranges()[0].last &&
                          high.ranges().size() == 1 && high.ranges()[0].first == high.ranges()[0].last;
      if (!single) fail("has a range whose ends are no characters");
      const char32_t from = low.ranges()[0].first, to = high.ranges()[0].first;
      if (from > to) fail("has a range that ends before it begins");
      ranges.push_back({from, to});
    }
    take();
    out = CharSet(std::move(ranges));
    return negated ? out.complement() : out;
  }

  CharSet class_atom(bool negated) {
    if (take_if("\\")) return escape(true, negated);
    return CharSet::of(take());
  }

  char32_t hexadecimal(int digits) {
    char32_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const char32_t c = take();
      const char32_t low = c | 0x20;
      if (c >= U'0' && c <= U'9') {
        value = value * 16 + (c - U'0');
      } else if (low >= U'a' && low <= U'f') {
        value = value * 16 + (low - U'a' + 10);
      } else {
        fail("expected {} hexadecimal digits", digits);
      }
    }
    return value;
  }

  // What follows a backslash. Dialects differ in what \d, \w and \s are outside of ASCII. What is written has to match
  // in all of them: of a class the least, inside a negated one the most.
  CharSet escape(bool in_class, bool negated = false) {
    const char32_t c = take();
    switch (c) {
      case U'd':
        return negated ? with_trait(trait::kNumber) | kDigits : kDigits;
      case U'D':
        return negated ? kDigits.complement() : (with_trait(trait::kNumber) | kDigits).complement();
      case U'w':
        return negated ? maybe_word() : kWord;
      case U'W':
        return negated ? kWord.complement() : maybe_word().complement();
      case U's':
        return negated ? kMaybeSpace : kSurelySpace;
      case U'S':
        return negated ? kSurelySpace.complement() : kMaybeSpace.complement();
      case U't':
        return CharSet::of(U'\t');
      case U'n':
        return CharSet::of(U'\n');
      case U'r':
        return CharSet::of(U'\r');
      case U'f':
        return CharSet::of(U'\f');
      case U'v':
        return CharSet::of(U'\v');
      case U'0':
        if (peek() >= U'0' && peek() <= U'9') unsupported("an octal escape");
        return CharSet::of(0);
      case U'x':
        return CharSet::of(hexadecimal(2));
      case U'u':
        return CharSet::of(code_point());
      case U'p':
      case U'P':
        return property(c == U'P');
      default:
        break;
    }
    const bool known = c >= 0x80 || !kWord.contains(c) || c == U'_';
    if (!known || (c == U'b' && in_class)) unsupported("this escape");
    return CharSet::of(c);
  }

  char32_t code_point() {
    char32_t value = 0;
    if (take_if("{")) {
      int digits = 0;
      while (!take_if("}")) {
        if (++digits > 6) fail("has a code point of more than six digits");
        value = value * 16 + hexadecimal(1);
      }
      if (digits == 0) fail("has a code point without digits");
    } else {
      value = hexadecimal(4);
      if (value >= 0xD800 && value < 0xDC00 && take_if("\\u")) {
        const char32_t low = hexadecimal(4);
        if (low >= 0xDC00 && low < 0xE000) value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
      }
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) fail("names a code point that is no character");
    return value;
  }

  CharSet property(bool negated) {
    static constexpr std::pair<std::string_view, uint8_t> kKnown[] = {
        {"{L}", trait::kLetter}, {"{Letter}", trait::kLetter}, {"{N}", trait::kNumber},
        {"{M}", trait::kMark},   {"{P}", trait::kPunctuation}, {"{S}", trait::kSymbol}};
    for (const auto& [name, trait] : kKnown) {
      if (take_if(name)) return negated ? with_trait(trait).complement() : with_trait(trait);
    }
    unsupported("a property other than \\p{L}, \\p{N}, \\p{M}, \\p{P}, \\p{S}");
  }

  Grammar& g_;
  const std::string_view text_;
  const RegexOptions& options_;
  size_t at_ = 0;
};

}  // namespace

RegexPart compile_regex(Grammar& grammar, std::string_view expression, const RegexOptions& options) {
  return RegexParser(grammar, expression, options).parse();
}

}  // namespace bantam
