#include "text/grammar/automaton.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/error.h"

namespace bantam {
namespace {

using Edge = Automaton::Edge;
constexpr uint32_t kNever = UINT32_MAX;
constexpr uint32_t kMostCopies = 32;  // of a set of characters: more are counted instead

struct Count {
  uint32_t rule, least, most;
};

// Thompson's construction: one piece of automaton for each rule, with one start and one end.
struct Network {
  struct Rule {
    std::string name;
    uint32_t start, end;
  };
  std::vector<std::vector<Edge>> edges;  // of each state
  std::vector<Count> calls;
  std::vector<Rule> rules;
};

class NetworkBuilder {
 public:
  explicit NetworkBuilder(const Grammar& grammar) : grammar_(grammar) {}

  // The grammar's root becomes rule 0.
  Network build() {
    rule_of(grammar_.root);
    for (size_t r = 0; r < to_build_.size(); ++r) {
      const auto [node, rule] = to_build_[r];
      tasks_.push_back({node, net_.rules[rule].start, net_.rules[rule].end});
      while (!tasks_.empty()) {
        const Task task = tasks_.back();
        tasks_.pop_back();
        add(task);
      }
    }
    return std::move(net_);
  }

 private:
  struct Task {
    Grammar::NodeId node;
    uint32_t from, to;
  };

  uint32_t new_state() {
    if (net_.edges.size() >= Automaton::kMostStates) {
      throw FormatError("the form of the answer needs more than {} states; make it smaller", Automaton::kMostStates);
    }
    net_.edges.emplace_back();
    return static_cast<uint32_t>(net_.edges.size() - 1);
  }

  void skip(uint32_t from, uint32_t to) { net_.edges[from].push_back({.kind = Edge::Kind::skip, .target = to}); }

  uint32_t new_rule(Grammar::NodeId node, std::string name) {
    const auto id = static_cast<uint32_t>(net_.rules.size());
    const uint32_t start = new_state();
    net_.rules.push_back({std::move(name), start, new_state()});
    to_build_.emplace_back(node, id);
    return id;
  }

  uint32_t rule_of(Grammar::RuleId rule) {
    const auto [known, is_new] = rules_.try_emplace(rule, 0);
    if (is_new) {
      const Grammar::Rule& of = grammar_.rules()[rule];
      if (of.node == UINT32_MAX) throw FormatError("the rule '{}' is used but not defined", of.name);
      known->second = new_rule(of.node, of.name);
    }
    return known->second;
  }

  uint32_t rule_of_part(Grammar::NodeId node) {
    const auto [known, is_new] = parts_.try_emplace(node, 0);
    if (is_new) known->second = new_rule(node, "a repeated part");
    return known->second;
  }

  void call(uint32_t from, uint32_t to, Count count) {
    net_.edges[from].push_back(
        {.kind = Edge::Kind::call, .target = to, .call = static_cast<uint32_t>(net_.calls.size())});
    net_.calls.push_back(count);
  }

  void add(const Task& task) {
    const Grammar::Node& node = grammar_.nodes()[task.node];
    switch (node.kind) {
      case Grammar::Kind::chars:
        return add_chars(grammar_.set(node), task);
      case Grammar::Kind::sequence: {
        uint32_t from = task.from;
        const auto parts = grammar_.children(node);
        for (size_t i = 0; i + 1 < parts.size(); ++i) {
          const uint32_t next = new_state();
          tasks_.push_back({parts[i], from, next});
          from = next;
        }
        if (parts.empty()) return skip(from, task.to);
        tasks_.push_back({parts.back(), from, task.to});
        return;
      }
      case Grammar::Kind::choice:
        for (const Grammar::NodeId option : grammar_.children(node)) tasks_.push_back({option, task.from, task.to});
        return;
      case Grammar::Kind::repeat:
        return add_repeat(node, task);
      case Grammar::Kind::rule:
        return call(task.from, task.to, {rule_of(node.first), 1, 1});
    }
  }

  void add_chars(const CharSet& set, const Task& task) {
    std::map<std::vector<ByteRange>, uint32_t> after;  // bytes still to come before task.to
    for (const ByteSequence& sequence : utf8_sequences(set)) {
      uint32_t target = task.to;
      for (size_t i = sequence.size; i-- > 1;) {
        const std::vector<ByteRange> rest(sequence.bytes.begin() + static_cast<std::ptrdiff_t>(i),
                                          sequence.bytes.begin() + sequence.size);
        const auto [known, is_new] = after.try_emplace(rest, 0);
        if (is_new) {
          known->second = new_state();
          net_.edges[known->second].push_back(
              {.kind = Edge::Kind::bytes, .bytes = sequence.bytes[i], .target = target});
        }
        target = known->second;
      }
      net_.edges[task.from].push_back({.kind = Edge::Kind::bytes, .bytes = sequence.bytes[0], .target = target});
    }
  }

  void add_repeat(const Grammar::Node& node, const Task& task) {
    const Grammar::NodeId part = grammar_.children(node)[0];
    const uint32_t least = node.least, most = node.most;
    if (most == Grammar::kUnbounded && least <= 1) {
      const uint32_t before = new_state(), after = new_state();
      skip(task.from, before);
      tasks_.push_back({part, before, after});
      skip(after, before);
      skip(after, task.to);
      if (least == 0) skip(before, task.to);
      return;
    }
    const bool copied = most == 1 || (most <= kMostCopies && grammar_.nodes()[part].kind == Grammar::Kind::chars);
    if (!copied) {
      if (most > 0) call(task.from, task.to, {rule_of_part(part), least, most});
      if (least == 0) skip(task.from, task.to);
      return;
    }
    uint32_t from = task.from;
    for (uint32_t i = 0; i < most; ++i) {
      if (i >= least) skip(from, task.to);
      const uint32_t next = new_state();
      tasks_.push_back({part, from, next});
      from = next;
    }
    skip(from, task.to);
  }

  const Grammar& grammar_;
  Network net_;
  std::unordered_map<uint32_t, uint32_t> rules_, parts_;
  std::vector<std::pair<Grammar::NodeId, uint32_t>> to_build_;
  std::vector<Task> tasks_;
};

struct Incoming {
  uint32_t from;
  Edge edge;
};

std::vector<std::vector<Incoming>> incoming_edges(const std::vector<std::vector<Edge>>& edges) {
  std::vector<std::vector<Incoming>> out(edges.size());
  for (uint32_t from = 0; from < edges.size(); ++from) {
    for (const Edge& edge : edges[from]) out[edge.target].push_back({from, edge});
  }
  return out;
}

// Which rules match the empty text. Goes backwards from the ends; each edge is looked at a bounded number of times.
std::vector<uint8_t> nullable_rules(const Network& net) {
  const auto incoming = incoming_edges(net.edges);
  std::vector<std::vector<std::pair<uint32_t, uint32_t>>> calls_of(net.rules.size());  // from, target
  std::unordered_map<uint32_t, uint32_t> rule_at;                                      // start -> rule
  for (uint32_t r = 0; r < net.rules.size(); ++r) rule_at[net.rules[r].start] = r;
  for (uint32_t from = 0; from < net.edges.size(); ++from) {
    for (const Edge& edge : net.edges[from]) {
      if (edge.kind == Edge::Kind::call) calls_of[net.calls[edge.call].rule].emplace_back(from, edge.target);
    }
  }
  std::vector<uint8_t> ends(net.edges.size()), nullable(net.rules.size());
  std::vector<uint32_t> todo;
  const auto mark = [&](uint32_t state) {
    if (ends[state] == 0) todo.push_back(state);
    ends[state] = 1;
  };
  for (const Network::Rule& rule : net.rules) mark(rule.end);
  while (!todo.empty()) {
    const uint32_t state = todo.back();
    todo.pop_back();
    for (const Incoming& in : incoming[state]) {
      const bool passes = in.edge.kind == Edge::Kind::skip ||
                          (in.edge.kind == Edge::Kind::call && nullable[net.calls[in.edge.call].rule] != 0);
      if (passes) mark(in.from);
    }
    const auto rule = rule_at.find(state);
    if (rule == rule_at.end()) continue;
    nullable[rule->second] = 1;
    for (const auto& [from, target] : calls_of[rule->second]) {
      if (ends[target] != 0) mark(from);
    }
  }
  return nullable;
}

}  // namespace

// Each state of the network is there twice: before anything was consumed in its rule, and after.
class Automaton::Builder {
 public:
  Builder(const Grammar& grammar, Automaton& out) : net_(NetworkBuilder(grammar).build()), out_(out) {
    nullable_ = nullable_rules(net_);
    out_.matches_empty_ = nullable_[0] != 0;
    for (const Network::Rule& rule : net_.rules) starts_.push_back(state(rule.start, false));
    while (!todo_.empty()) {
      const auto [of, consumed] = todo_.back();
      todo_.pop_back();
      expand(of, consumed);
    }
    find_tails();
    find_needs();
    if (need_[starts_[0]] == kNever && !out_.matches_empty_) {
      if (too_deep_) throw FormatError("the form of the answer nests deeper than {} parts", kDeepest);
      throw FormatError("nothing can be written that has the form wanted");
    }
    prune();
    rank_rules();
  }

 private:
  struct Place {
    uint32_t of;
    bool consumed;
  };

  uint32_t state(uint32_t of, bool consumed) {
    const auto [known, is_new] = states_.try_emplace(2 * uint64_t{of} + (consumed ? 1 : 0), 0);
    if (is_new) {
      known->second = static_cast<uint32_t>(edges_.size());
      edges_.emplace_back();
      consumed_.push_back(consumed);
      todo_.push_back({of, consumed});
    }
    return known->second;
  }

  void expand(uint32_t of, bool consumed) {
    const uint32_t from = state(of, consumed);
    for (Edge edge : net_.edges[of]) {
      const uint32_t target = edge.target;
      if (edge.kind == Edge::Kind::skip) {
        edge.target = state(target, consumed);
      } else if (edge.kind == Edge::Kind::bytes) {
        edge.target = state(target, true);
      } else {
        const Count& count = net_.calls[edge.call];
        const bool nullable = nullable_[count.rule] != 0;  // then any number of times may be empty
        const uint32_t least = nullable ? 0 : count.least;
        if (nullable) {
          const uint32_t past = state(target, consumed);  // edges_ may grow
          edges_[from].push_back({.kind = Edge::Kind::skip, .target = past});
        }
        edge.target = state(target, true);
        edge.call = static_cast<uint32_t>(out_.calls_.size());
        out_.calls_.push_back({count.rule, std::max(1u, least), count.most, false});
      }
      edges_[from].push_back(edge);
    }
  }

  void find_tails() {
    final_.assign(edges_.size(), 0);
    for (const Network::Rule& rule : net_.rules) {
      const auto end = states_.find(2 * uint64_t{rule.end} + 1);
      if (end != states_.end()) final_[end->second] = 1;
    }
    const auto only_ends = [&](uint32_t at) {
      for (int steps = 0; steps < 8; ++steps) {
        if (final_[at] != 0) return edges_[at].empty();
        if (edges_[at].size() != 1 || edges_[at][0].kind != Edge::Kind::skip) return false;
        at = edges_[at][0].target;
      }
      return false;
    };
    for (const auto& edges : edges_) {
      for (const Edge& edge : edges) {
        if (edge.kind != Edge::Kind::call) continue;
        Call& call = out_.calls_[edge.call];
        call.tail = call.least == 1 && call.most == 1 && only_ends(edge.target);
      }
    }
  }

  // In order of depth: first what needs no call inside a call, then what needs one, and so on.
  void find_needs() {
    const auto incoming = incoming_edges(edges_);
    std::vector<std::vector<Incoming>> calls_of(net_.rules.size());
    for (uint32_t from = 0; from < edges_.size(); ++from) {
      for (const Edge& edge : edges_[from]) {
        if (edge.kind == Edge::Kind::call) calls_of[out_.calls_[edge.call].rule].push_back({from, edge});
      }
    }
    std::unordered_map<uint32_t, uint32_t> rule_at;
    for (uint32_t r = 0; r < starts_.size(); ++r) rule_at[starts_[r]] = r;
    need_.assign(edges_.size(), kNever);
    std::vector<std::vector<uint32_t>> todo(kDeepest + 2);
    const auto reach = [&](uint32_t at, uint32_t depth) {
      if (depth > kDeepest) too_deep_ = true;
      if (depth > kDeepest || depth >= need_[at]) return;
      need_[at] = depth;
      todo[depth].push_back(at);
    };
    const auto reach_call = [&](const Incoming& in) {
      const Call& call = out_.calls_[in.edge.call];
      const uint32_t inside = need_[starts_[call.rule]], after = need_[in.edge.target];
      if (inside != kNever && after != kNever) reach(in.from, std::max(inside + (call.tail ? 0 : 1), after));
    };
    for (uint32_t at = 0; at < edges_.size(); ++at) {
      if (final_[at] != 0) reach(at, 0);
    }
    for (uint32_t depth = 0; depth <= kDeepest; ++depth) {
      while (!todo[depth].empty()) {
        const uint32_t at = todo[depth].back();
        todo[depth].pop_back();
        if (need_[at] != depth) continue;
        for (const Incoming& in : incoming[at]) {
          in.edge.kind == Edge::Kind::call ? reach_call(in) : reach(in.from, depth);
        }
        if (const auto rule = rule_at.find(at); rule != rule_at.end()) {
          for (const Incoming& in : calls_of[rule->second]) reach_call(in);
        }
      }
    }
  }

  // Keeps the edges from which the end can be reached.
  void prune() {
    out_.first_edge_.push_back(0);
    for (uint32_t at = 0; at < edges_.size(); ++at) {
      bool has_bytes = false;
      for (const Edge& edge : edges_[at]) {
        const bool dead = need_[edge.target] == kNever ||
                          (edge.kind == Edge::Kind::call && need_[starts_[out_.calls_[edge.call].rule]] == kNever);
        if (dead) continue;
        has_bytes = has_bytes || edge.kind == Edge::Kind::bytes;
        out_.edges_.push_back(edge);
      }
      out_.first_edge_.push_back(static_cast<uint32_t>(out_.edges_.size()));
      out_.has_bytes_.push_back(has_bytes);
    }
    out_.final_ = final_;
    out_.need_ = need_;
  }

  // Ranks by a walk in depth over "can begin with"; a rule that can begin with itself has no rank.
  void rank_rules() {
    const auto count = static_cast<uint32_t>(starts_.size());
    std::vector<std::vector<uint32_t>> begins(count);
    for (uint32_t r = 0; r < count; ++r) {
      std::vector<uint32_t> todo = {starts_[r]}, seen = todo;
      std::unordered_map<uint32_t, bool> known = {{starts_[r], true}};
      while (!todo.empty()) {
        const uint32_t at = todo.back();
        todo.pop_back();
        for (const Edge& edge : out_.edges(at)) {
          if (edge.kind == Edge::Kind::call) begins[r].push_back(out_.calls_[edge.call].rule);
          if (edge.kind == Edge::Kind::skip && known.try_emplace(edge.target, true).second) todo.push_back(edge.target);
        }
      }
    }
    enum : uint8_t { fresh, open, done };
    std::vector<uint8_t> mark(count, fresh);
    std::vector<uint32_t> order;
    for (uint32_t first = 0; first < count; ++first) {
      std::vector<std::pair<uint32_t, size_t>> path;
      if (mark[first] == fresh) path.emplace_back(first, 0);
      mark[first] = mark[first] == fresh ? uint8_t{open} : mark[first];
      while (!path.empty()) {
        auto& [rule, next] = path.back();
        if (next == begins[rule].size()) {
          mark[rule] = done;
          order.push_back(rule);
          path.pop_back();
          continue;
        }
        const uint32_t other = begins[rule][next++];
        if (mark[other] == open) {
          throw FormatError(
              "the rule '{}' can begin with itself before anything is written (left recursion); write the repetition "
              "behind the first part instead",
              net_.rules[other].name);
        }
        if (mark[other] == fresh) {
          mark[other] = open;
          path.emplace_back(other, 0);
        }
      }
    }
    out_.rules_.resize(count);
    for (uint32_t i = 0; i < count; ++i) out_.rules_[order[i]] = {starts_[order[i]], count - 1 - i};
  }

  const Network net_;
  Automaton& out_;
  std::vector<uint8_t> nullable_;
  std::unordered_map<uint64_t, uint32_t> states_;
  std::vector<Place> todo_;
  std::vector<std::vector<Edge>> edges_;
  std::vector<uint8_t> consumed_, final_;
  std::vector<uint32_t> starts_, need_;
  bool too_deep_ = false;
};

Automaton::Automaton(const Grammar& grammar) { Builder(grammar, *this); }

}  // namespace bantam
