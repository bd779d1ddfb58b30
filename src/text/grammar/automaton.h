// A grammar as a recursive transition network over bytes, made so that whatever can be reached can also be finished.
// Matcher (matcher.h) runs it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "text/grammar/grammar.h"

namespace bantam {

// Immutable. Every rule matches at least one byte: that a part may be empty is said where it is called. So no rule ends
// before it consumed something, and repeating a part always gets somewhere.
class Automaton {
 public:
  static constexpr uint32_t kMostStates = 200'000;
  static constexpr uint32_t kDeepest = 120;  // calls inside calls; JSON of more levels is not read by our own parser

  struct Edge {
    enum class Kind : uint8_t { bytes, skip, call };
    Kind kind;
    ByteRange bytes{};
    uint32_t target = 0;  // of a call the state to go on from afterwards
    uint32_t call = 0;    // index of calls()
  };
  struct Call {
    uint32_t rule;
    uint32_t least, most;  // times; least >= 1, most may be Grammar::kUnbounded
    bool tail;             // once, and nothing comes afterwards in the rule that calls: needs no place on the stack
  };
  struct Rule {
    uint32_t start;
    uint32_t rank;  // rules that can begin with another have a lower one
  };

  // Throws FormatError when nothing matches, when a rule would call itself before it consumed anything, when the
  // shortest text nests deeper than kDeepest, and when it gets too large.
  explicit Automaton(const Grammar& grammar);

  std::span<const Edge> edges(uint32_t state) const {
    return std::span(edges_).subspan(first_edge_[state], first_edge_[state + 1] - first_edge_[state]);
  }
  bool is_final(uint32_t state) const { return final_[state] != 0; }
  bool has_bytes(uint32_t state) const { return has_bytes_[state] != 0; }
  // The most calls inside calls that the shallowest way from here to the end of the rule needs.
  uint32_t need(uint32_t state) const { return need_[state]; }
  const Call& call(uint32_t index) const { return calls_[index]; }
  const Rule& rule(uint32_t index) const { return rules_[index]; }
  uint32_t root() const { return 0; }
  bool matches_empty() const { return matches_empty_; }
  size_t states() const { return final_.size(); }

 private:
  class Builder;

  std::vector<uint32_t> first_edge_;
  std::vector<Edge> edges_;
  std::vector<uint8_t> final_, has_bytes_;
  std::vector<uint32_t> need_;
  std::vector<Call> calls_;
  std::vector<Rule> rules_;
  bool matches_empty_ = false;
};

}  // namespace bantam
