// Regular expressions as parts of a grammar: what ECMAScript and Python have in common and automata can do. Not
// capturing back, looking around, word boundaries, flags.
#pragma once

#include <functional>
#include <string_view>

#include "text/grammar/grammar.h"

namespace bantam {

struct RegexOptions {
  bool anywhere = false;  // the text needs only to contain a match, as for JSON Schema's "pattern"
  // How a character of one of a set is written; the plain way by default. A string of JSON writes some in another way.
  std::function<Grammar::NodeId(const CharSet&)> write = nullptr;
};

struct RegexPart {
  Grammar::NodeId node;
  uint64_t shortest, longest;  // characters of what matches; longest may be kEndless
  static constexpr uint64_t kEndless = UINT64_MAX;
};

// Throws FormatError with the place for what is no expression, UnsupportedError for one that cannot be held to.
RegexPart compile_regex(Grammar& grammar, std::string_view expression, const RegexOptions& options = {});

}  // namespace bantam
