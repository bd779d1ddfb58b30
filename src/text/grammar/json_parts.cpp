#include "text/grammar/json_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

#include "base/error.h"
#include "base/utf8.h"

namespace bantam {
namespace {

using NodeId = Grammar::NodeId;

constexpr uint32_t kMostIndent = 20;
const CharSet kEscaped({{0, 0x1F}, {U'"', U'"'}, {U'\\', U'\\'}});
const CharSet kHex({{U'0', U'9'}, {U'A', U'F'}, {U'a', U'f'}});

CharSet either_case(char lower) {
  const auto c = static_cast<char32_t>(lower);
  return CharSet({{c, c}, {c - 0x20, c - 0x20}});
}

// The short escapes (RFC 8259, section 7).
constexpr std::pair<char32_t, const char*> kShort[] = {{U'"', "\\\""}, {U'\\', "\\\\"}, {U'\b', "\\b"}, {U'\f', "\\f"},
                                                       {U'\n', "\\n"}, {U'\r', "\\r"},  {U'\t', "\\t"}};

std::vector<std::string> escapes_of(const CharSet& set) {
  std::vector<std::string> out;
  CharSet rest = set & kEscaped;
  for (const auto& [c, text] : kShort) {
    if (!rest.contains(c)) continue;
    out.emplace_back(text);
    rest = rest - CharSet::of(c);
  }
  for (const CharSet::Range& range : rest.ranges()) {
    for (char32_t c = range.first; c <= range.last; ++c)
      out.push_back(fmt::format("\\u{:04x}", static_cast<uint32_t>(c)));
  }
  return out;
}

}  // namespace

// What is used often becomes a rule: its automaton is there once.
NodeId JsonParts::once(std::optional<NodeId>& kept, const char* name, NodeId (JsonParts::*build)()) {
  if (!kept) {
    const Grammar::RuleId rule = g_.declare(name);
    kept = g_.call(rule);  // before it is built: values hold values
    g_.define(rule, (this->*build)());
  }
  return *kept;
}

NodeId JsonParts::space() { return once(space_, "space", &JsonParts::build_space); }
NodeId JsonParts::any_value() { return once(value_, "value", &JsonParts::build_value); }
NodeId JsonParts::any_object() { return once(object_, "object", &JsonParts::build_object); }
NodeId JsonParts::any_array() { return once(array_, "array", &JsonParts::build_array); }

NodeId JsonParts::build_space() {
  const NodeId blank = g_.text(" ");
  return g_.optional(g_.choice({blank, g_.sequence({g_.text("\n"), g_.repeat(blank, 0, kMostIndent)})}));
}

NodeId JsonParts::build_value() {
  return g_.choice({any_object(), any_array(), string(), number(), boolean(), null()});
}

NodeId JsonParts::build_object() { return object({}, Member{string(), any_value(), false}); }
NodeId JsonParts::build_array() { return array({}, any_value(), 0, Grammar::kUnbounded); }

NodeId JsonParts::integer() {
  const NodeId digit = g_.chars(CharSet({{U'0', U'9'}}));
  return g_.sequence(
      {g_.optional(g_.text("-")),
       g_.choice({g_.text("0"), g_.sequence({g_.chars(CharSet({{U'1', U'9'}})), g_.repeat(digit, 0, 17)})})});
}

NodeId JsonParts::number() {
  const NodeId digit = g_.chars(CharSet({{U'0', U'9'}}));
  const NodeId fraction = g_.sequence({g_.text("."), g_.repeat(digit, 1, 17)});
  const NodeId exponent =
      g_.sequence({g_.chars(CharSet({{U'E', U'E'}, {U'e', U'e'}})),
                   g_.optional(g_.chars(CharSet({{U'+', U'+'}, {U'-', U'-'}}))), g_.repeat(digit, 1, 2)});
  return g_.sequence({integer(), g_.optional(fraction), g_.optional(exponent)});
}

// A character in any of its forms; \u names no half of a pair alone.
NodeId JsonParts::build_char() {
  const NodeId hex = g_.chars(kHex);
  const NodeId not_d = g_.chars(kHex - either_case('d'));
  const NodeId d = g_.chars(either_case('d'));
  const NodeId low_digit = g_.chars(CharSet({{U'0', U'7'}}));
  const NodeId high = g_.chars(CharSet({{U'8', U'9'}, {U'A', U'B'}, {U'a', U'b'}}));
  const NodeId low = g_.chars(CharSet({{U'C', U'F'}, {U'c', U'f'}}));
  const NodeId single = g_.choice({g_.sequence({not_d, hex, hex, hex}), g_.sequence({d, low_digit, hex, hex})});
  const NodeId pair = g_.sequence({d, high, hex, hex, g_.text("\\u"), d, low, hex, hex});
  const NodeId simple = g_.chars(CharSet({{U'"', U'"'},
                                          {U'\\', U'\\'},
                                          {U'/', U'/'},
                                          {U'b', U'b'},
                                          {U'f', U'f'},
                                          {U'n', U'n'},
                                          {U'r', U'r'},
                                          {U't', U't'}}));
  const NodeId escape =
      g_.sequence({g_.text("\\"), g_.choice({simple, g_.sequence({g_.text("u"), g_.choice({single, pair})})})});
  return g_.choice({g_.chars(kEscaped.complement()), escape});
}

NodeId JsonParts::string(uint32_t least, uint32_t most) {
  if (!char_) char_ = build_char();
  return quoted(g_.repeat(*char_, least, most));
}

NodeId JsonParts::written(const CharSet& set) {
  std::vector<NodeId> options = {g_.chars(set - kEscaped)};
  if ((set & kEscaped) == kEscaped) {  // as in most negated sets
    options.push_back(once(escapes_, "escapes", &JsonParts::build_escapes));
  } else {
    for (const std::string& text : escapes_of(set)) options.push_back(g_.text(text));
  }
  return g_.choice(options);
}

NodeId JsonParts::build_escapes() { return g_.words(escapes_of(kEscaped)); }

// Follows the names as a trie: where a text leaves it, anything may follow; where a name ends, the string may not.
NodeId JsonParts::name_other_than(const std::vector<std::string>& names) {
  const NodeId anything = g_.repeat(written(CharSet::all()), 0, Grammar::kUnbounded);
  struct Trie {
    std::map<char32_t, Trie> next;
    bool is_name = false;
  };
  Trie root;
  for (std::string_view name : names) {
    Trie* at = &root;
    while (!name.empty()) {
      const auto c = decode_utf8(name);
      if (!c) throw FormatError("the name of a property is not UTF-8");
      at = &at->next[c->value];
      name.remove_prefix(static_cast<size_t>(c->bytes));
    }
    at->is_name = true;
  }
  const std::function<NodeId(const Trie&, int)> build = [&](const Trie& at, int depth) -> NodeId {
    if (depth > 512) throw UnsupportedError("a property's name has more than 512 characters");
    std::vector<CharSet::Range> followed;
    std::vector<NodeId> options;
    for (const auto& [c, next] : at.next) {
      followed.push_back({c, c});
      options.push_back(g_.sequence({written(CharSet::of(c)), build(next, depth + 1)}));
    }
    options.push_back(g_.sequence({written(CharSet(std::move(followed)).complement()), anything}));
    if (!at.is_name) options.push_back(g_.empty());
    return g_.choice(options);
  };
  return quoted(build(root, 0));
}

NodeId JsonParts::as_rule(const char* name, NodeId node) {
  const Grammar::RuleId rule = g_.declare(name);
  g_.define(rule, node);
  return g_.call(rule);
}

NodeId JsonParts::array(const std::vector<NodeId>& fixed, std::optional<NodeId> rest, uint32_t least, uint32_t most) {
  if (rest) rest = as_rule("item", *rest);
  const NodeId comma = g_.sequence({g_.text(","), space()});
  const auto open = [&](NodeId inside) { return g_.sequence({g_.text("["), space(), inside, space(), g_.text("]")}); };
  // Built from its end: what may follow once `count` items are there. The last step is the repetition.
  const uint32_t in_place = std::min(static_cast<uint32_t>(fixed.size()), most);
  std::optional<NodeId> after;  // nothing: no more items
  if (rest && most > fixed.size()) {
    const auto count = static_cast<uint32_t>(fixed.size());
    const uint32_t more_least = least > count ? least - count : 0;
    const uint32_t more_most = most == Grammar::kUnbounded ? most : most - count;
    if (count == 0) {  // the first one has no comma before it
      const NodeId more = g_.repeat(g_.sequence({comma, *rest}), more_least > 0 ? more_least - 1 : 0,
                                    more_most == Grammar::kUnbounded ? more_most : more_most - 1);
      const NodeId items = g_.sequence({*rest, more});
      return more_least > 0 ? open(items) : g_.choice({open(items), g_.text("[]")});
    }
    after = g_.repeat(g_.sequence({comma, *rest}), more_least, more_most);
  }
  NodeId tail = after ? *after : g_.empty();
  for (uint32_t i = in_place; i-- > 0;) {
    const NodeId item = i == 0 ? fixed[0] : g_.sequence({comma, fixed[i]});
    tail = g_.sequence({item, tail});
    if (i >= least && i > 0) tail = g_.optional(tail);
  }
  if (in_place == 0) return g_.text("[]");
  return least == 0 ? g_.choice({open(tail), g_.text("[]")}) : open(tail);
}

NodeId JsonParts::member(const Member& of) { return g_.sequence({of.name, g_.text(":"), space(), of.value}); }

// Two ways through the members: none was written yet, so the next has no comma, or one was.
NodeId JsonParts::object(const std::vector<Member>& members, const std::optional<Member>& others) {
  const NodeId comma = g_.sequence({g_.text(","), space()});
  NodeId written = g_.empty(), nothing = g_.empty();
  if (others) {
    const NodeId other = as_rule("member", member(*others));
    written = g_.repeat(g_.sequence({comma, other}), 0, Grammar::kUnbounded);
    nothing = g_.optional(g_.sequence({other, written}));
  }
  for (size_t i = members.size(); i-- > 0;) {
    // Rules, so that each is built once though two ways lead to it.
    const NodeId one = as_rule("member", member(members[i])), rest_of = as_rule("members", written);
    const NodeId after_one = g_.sequence({one, rest_of});
    const NodeId after_more = g_.sequence({comma, one, rest_of});
    nothing = members[i].required ? after_one : g_.choice({after_one, nothing});
    written = members[i].required ? after_more : g_.choice({after_more, rest_of});
  }
  const auto open = [&](NodeId inside) { return g_.sequence({g_.text("{"), space(), inside, space(), g_.text("}")}); };
  return open(nothing);
}

}  // namespace bantam
