// What the tests of grammars share: whole texts through a Matcher.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/grammar/gbnf.h"
#include "text/grammar/matcher.h"
#include "text/grammar/regex.h"

namespace bantam {

inline Matcher regex_matcher(std::string_view expression, bool anywhere = false) {
  Grammar g;
  g.root = g.declare("root");
  g.define(g.root, compile_regex(g, expression, {.anywhere = anywhere}).node);
  return Matcher(std::make_shared<Automaton>(g));
}

inline Matcher gbnf_matcher(std::string_view text) { return Matcher(std::make_shared<Automaton>(compile_gbnf(text))); }

// The state after `text`, kDead when it cannot begin so.
inline Matcher::State run(Matcher& matcher, std::string_view text) {
  Matcher::State state = matcher.start();
  for (const char c : text) {
    if (state == Matcher::kDead) break;
    state = matcher.next(state, static_cast<uint8_t>(c));
  }
  return state;
}

inline bool accepts(Matcher& matcher, std::string_view text) {
  const Matcher::State state = run(matcher, text);
  return state != Matcher::kDead && matcher.complete(state);
}
inline bool accepts(Matcher&& matcher, std::string_view text) { return accepts(matcher, text); }

// The shortest text that leads from here to an end, nothing when there is none: a search in breadth.
inline std::optional<std::string> shortest_end(Matcher& matcher, Matcher::State from) {
  std::vector<Matcher::State> order = {from};
  std::map<Matcher::State, std::string> way = {{from, ""}};
  for (size_t i = 0; i < order.size(); ++i) {
    const Matcher::State state = order[i];
    if (matcher.complete(state)) return way[state];
    for (int byte = 0; byte < 256; ++byte) {
      const Matcher::State to = matcher.next(state, static_cast<uint8_t>(byte));
      if (to != Matcher::kDead && way.try_emplace(to, way[state] + static_cast<char>(byte)).second) order.push_back(to);
    }
  }
  return std::nullopt;
}

}  // namespace bantam
