// A set of texts, as rules over characters: what expressions, grammars and JSON schemas are compiled to. Automaton
// (automaton.h) decides which bytes may come next.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/grammar/char_set.h"

namespace bantam {

class Grammar {
 public:
  using NodeId = uint32_t;
  using RuleId = uint32_t;
  static constexpr uint32_t kUnbounded = UINT32_MAX;
  static constexpr uint32_t kMostRepeats = 1'000'000'000;
  static constexpr size_t kMostNodes = 400'000;

  enum class Kind : uint8_t { chars, sequence, choice, repeat, rule };
  struct Node {
    Kind kind;
    uint32_t first = 0, count = 0;  // of children in children(); `first`: of chars the set, of a rule its id
    uint32_t least = 0, most = 0;   // of a repeat
  };

  // Building. Nodes may be used in several places. All throw FormatError when the grammar gets too large.
  NodeId chars(CharSet set);
  NodeId text(std::string_view utf8);  // exactly this; throws FormatError where it is not UTF-8
  NodeId sequence(std::span<const NodeId> parts);
  NodeId sequence(std::initializer_list<NodeId> parts) { return sequence(std::span(parts.begin(), parts.size())); }
  NodeId choice(std::span<const NodeId> options);  // of none: nothing matches
  NodeId choice(std::initializer_list<NodeId> options) { return choice(std::span(options.begin(), options.size())); }
  NodeId words(std::vector<std::string> words);  // any one of these; beginnings that they share are followed once
  // Throws FormatError unless least <= most and both are at most kMostRepeats, or `most` is kUnbounded.
  NodeId repeat(NodeId node, uint32_t least, uint32_t most);
  NodeId optional(NodeId node) { return repeat(node, 0, 1); }
  NodeId empty() { return sequence({}); }

  // A rule may be used before it is defined, and by itself. `name` is for messages.
  RuleId declare(std::string name);
  void define(RuleId rule, NodeId node) { rules_[rule].node = node; }
  NodeId call(RuleId rule);

  RuleId root = 0;

  struct Rule {
    std::string name;
    NodeId node = UINT32_MAX;
  };
  std::span<const Rule> rules() const { return rules_; }
  std::span<const Node> nodes() const { return nodes_; }
  std::span<const NodeId> children(const Node& node) const {
    return std::span(children_).subspan(node.first, node.count);
  }
  const CharSet& set(const Node& node) const { return sets_[node.first]; }

  // Leaves out all other characters.
  void keep_only(const CharSet& writable);

 private:
  NodeId add(Node node);
  NodeId add(Kind kind, std::span<const NodeId> children);

  std::vector<Node> nodes_;
  std::vector<NodeId> children_;
  std::vector<CharSet> sets_;
  size_t ranges_ = 0;  // of all sets
  std::vector<Rule> rules_;
};

}  // namespace bantam
