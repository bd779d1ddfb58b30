#include "text/grammar/matcher.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"

namespace bantam {
namespace {

constexpr uint32_t kUnbounded = Grammar::kUnbounded;

void mix(uint64_t& hash, uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15ull;
  hash ^= hash >> 29;
}

}  // namespace

// From the places after a byte to all places from which the next byte is taken: first out of the calls that have ended,
// then into those that begin, callers before what they call, so that each rule is entered once.
class Matcher::Closure {
 public:
  explicit Closure(Matcher& matcher) : m_(matcher), a_(*matcher.automaton_) {}

  void add(uint32_t state, StackId stack) {
    if (!seen_.insert({state, stack}).second) return;
    if (seen_.size() > kMostPlaces)
      throw UsageError("the grammar is so ambiguous that a text can be read in more than {} ways", kMostPlaces);
    todo_.push_back({state, stack});
  }

  // Adds the beginning of a rule.
  void enter(uint32_t rule, StackId stack) {
    const auto [at, is_new] = entered_.try_emplace(a_.rule(rule).rank, Entry{rule, stack});
    if (!is_new) at->second.stack = m_.united(at->second.stack, stack);
  }

  State finish() {
    run();
    while (!entered_.empty()) {
      const Entry entry = entered_.begin()->second;
      entered_.erase(entered_.begin());
      add(a_.rule(entry.rule).start, entry.stack);
      run();
    }
    std::vector<Place> places;
    for (const auto& [state, stack] : found_) places.push_back({state, stack});
    if (places.empty() && !complete_) return kDead;
    return m_.intern(std::move(places), complete_);
  }

  void set_complete() { complete_ = true; }

 private:
  struct Entry {
    uint32_t rule;
    StackId stack;
  };

  void run() {
    while (!todo_.empty()) {
      const Place place = todo_.back();
      todo_.pop_back();
      expand(place);
    }
  }

  void expand(const Place& place) {
    if (a_.has_bytes(place.state)) {
      const auto [at, is_new] = found_.try_emplace(place.state, place.stack);
      if (!is_new) at->second = m_.united(at->second, place.stack);
    }
    for (const Automaton::Edge& edge : a_.edges(place.state)) {
      if (edge.kind == Automaton::Edge::Kind::skip) add(edge.target, place.stack);
      if (edge.kind == Automaton::Edge::Kind::call) call(a_.call(edge.call), edge.target, place.stack);
    }
    if (a_.is_final(place.state)) leave(place.stack);
  }

  void call(const Automaton::Call& call, uint32_t after, StackId stack) {
    if (call.tail) return enter(call.rule, stack);
    // What is entered here can be finished within the limit: see Automaton::need().
    const uint32_t depth = m_.stacks_[stack].depth + 1;
    if (depth + a_.need(a_.rule(call.rule).start) > Automaton::kDeepest) return;
    const uint32_t most = call.most == kUnbounded ? kUnbounded : call.most - 1;
    enter(call.rule, m_.intern(Stack{{{call.rule, call.least - 1, most, after, stack}}, false, depth}));
  }

  void leave(StackId stack) {
    if (m_.stacks_[stack].bottom) complete_ = true;
    const std::vector<Frame> frames = m_.stacks_[stack].frames;  // a copy: stacks_ may grow
    for (const Frame& frame : frames) {
      if (frame.least == 0) add(frame.after, frame.below);
      if (frame.most == 0) continue;
      Frame again = frame;
      again.least -= again.least > 0 ? 1 : 0;
      again.most -= again.most == kUnbounded ? 0 : 1;
      enter(frame.rule, m_.intern(Stack{{again}, false, m_.stacks_[frame.below].depth + 1}));
    }
  }

  Matcher& m_;
  const Automaton& a_;
  std::vector<Place> todo_;
  std::set<Place> seen_;
  std::map<uint32_t, StackId> found_;
  std::map<uint32_t, Entry> entered_;  // by rank
  bool complete_ = false;
};

Matcher::Matcher(std::shared_ptr<const Automaton> automaton) : automaton_(std::move(automaton)) {
  intern(Stack{{}, true, 0});
  Closure closure(*this);
  closure.enter(automaton_->root(), 0);
  if (automaton_->matches_empty()) closure.set_complete();
  start_ = closure.finish();
}

Matcher::State Matcher::step(State state, uint8_t byte) {
  Closure closure(*this);
  const std::vector<Place> places = info_[static_cast<size_t>(state)].places;
  for (const Place& place : places) {
    for (const Automaton::Edge& edge : automaton_->edges(place.state)) {
      const bool takes =
          edge.kind == Automaton::Edge::Kind::bytes && edge.bytes.first <= byte && byte <= edge.bytes.last;
      if (takes) closure.add(edge.target, place.stack);
    }
  }
  const State to = closure.finish();
  next_[static_cast<size_t>(state) * 256 + byte] = to;
  return to;
}

Matcher::State Matcher::intern(std::vector<Place> places, bool complete) {
  uint64_t hash = complete ? 1 : 0;
  for (const Place& place : places) mix(hash, uint64_t{place.state} << 32 | place.stack);
  const auto [begin, end] = states_by_hash_.equal_range(hash);
  for (auto at = begin; at != end; ++at) {
    const Info& known = info_[static_cast<size_t>(at->second)];
    if (known.complete == complete && known.places == places) return at->second;
  }
  const auto id = static_cast<State>(info_.size());
  info_.push_back({std::move(places), complete});
  next_.resize(next_.size() + 256, kUnknown);
  states_by_hash_.emplace(hash, id);
  return id;
}

Matcher::StackId Matcher::intern(Stack stack) {
  uint64_t hash = stack.bottom ? 1 : 0;
  for (const Frame& f : stack.frames) {
    mix(hash, uint64_t{f.rule} << 32 | f.after);
    mix(hash, uint64_t{f.least} << 32 | f.most);
    mix(hash, f.below);
  }
  const auto [begin, end] = stacks_by_hash_.equal_range(hash);
  for (auto at = begin; at != end; ++at) {
    if (stacks_[at->second] == stack) return at->second;
  }
  const auto id = static_cast<StackId>(stacks_.size());
  stacks_.push_back(std::move(stack));
  stacks_by_hash_.emplace(hash, id);
  return id;
}

Matcher::StackId Matcher::united(StackId a, StackId b) {
  if (a == b) return a;
  const Stack &x = stacks_[a], &y = stacks_[b];
  Stack both{{}, x.bottom || y.bottom, std::max(x.depth, y.depth)};
  std::ranges::set_union(x.frames, y.frames, std::back_inserter(both.frames));
  if (both.frames.size() > kMostPlaces)
    throw UsageError("the grammar is so ambiguous that a text can be read in more than {} ways", kMostPlaces);
  return intern(std::move(both));
}

Matcher::StackId Matcher::clamped(StackId stack, uint32_t most, std::unordered_map<StackId, StackId>& known) {
  if (const auto at = known.find(stack); at != known.end()) return at->second;
  Stack out = stacks_[stack];
  for (Frame& frame : out.frames) {
    frame.least = std::min(frame.least, most);
    if (frame.most != kUnbounded) frame.most = std::min(frame.most, most);
    frame.below = clamped(frame.below, most, known);  // at most kDeepest calls inside each other
  }
  std::ranges::sort(out.frames);
  out.frames.erase(std::unique(out.frames.begin(), out.frames.end()), out.frames.end());
  const StackId id = intern(std::move(out));
  known.emplace(stack, id);
  return id;
}

Matcher::State Matcher::equal_for(State state, uint32_t bytes) {
  Info& info = info_[static_cast<size_t>(state)];
  if (info.equal != kUnknown && info.equal_bytes == bytes) return info.equal;
  std::unordered_map<StackId, StackId> known;
  std::vector<Place> places = info.places;
  const bool complete = info.complete;
  for (Place& place : places) place.stack = clamped(place.stack, bytes + 1, known);
  const State equal = intern(std::move(places), complete);
  Info& now = info_[static_cast<size_t>(state)];
  now.equal = equal;
  now.equal_bytes = bytes;
  return equal;
}

Matcher::State Matcher::move_to(State state, Matcher& fresh) const {
  std::unordered_map<StackId, StackId> known;
  const auto moved = [&](const auto& self, StackId id) -> StackId {
    if (const auto at = known.find(id); at != known.end()) return at->second;
    Stack out = stacks_[id];
    for (Frame& frame : out.frames) frame.below = self(self, frame.below);
    std::ranges::sort(out.frames);
    const StackId to = fresh.intern(std::move(out));
    known.emplace(id, to);
    return to;
  };
  const Info& info = info_[static_cast<size_t>(state)];
  std::vector<Place> places = info.places;
  for (Place& place : places) place.stack = moved(moved, place.stack);
  return fresh.intern(std::move(places), info.complete);
}

}  // namespace bantam
