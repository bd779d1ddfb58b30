// Runs an Automaton over bytes. What can follow a text is one number, a state; states and the steps between them are
// worked out when they are first needed and kept, so that a step is mostly one look into a table.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "text/grammar/automaton.h"

namespace bantam {

// The places of the automaton that a text may have reached, each with the calls it is inside of. The stacks are shared:
// a stack is a set of frames, a frame has the stack below it, and stacks with the same frames are one.
class Matcher {
 public:
  using State = int32_t;
  static constexpr State kDead = -1;
  static constexpr size_t kMostStates = 4096;  // kept at a time; callers start anew when there are more (see full())

  explicit Matcher(std::shared_ptr<const Automaton> automaton);

  State start() const { return start_; }
  // kDead when no text goes on so. Throws UsageError when the grammar is so ambiguous that a state has too many places.
  State next(State state, uint8_t byte) {
    const State known = next_[static_cast<size_t>(state) * 256 + byte];
    return known != kUnknown ? known : step(state, byte);
  }
  // The text may end here.
  bool complete(State state) const { return info_[static_cast<size_t>(state)].complete; }
  // Goes on as `state` does for the next `bytes` bytes: counts that cannot run out by then are equal in it.
  State equal_for(State state, uint32_t bytes);

  bool full() const { return info_.size() >= kMostStates || stacks_.size() >= kMostStacks; }
  // The same state in a matcher of the same automaton that has just been made.
  State move_to(State state, Matcher& fresh) const;

 private:
  static constexpr State kUnknown = -2;
  static constexpr size_t kMostStacks = 65'536, kMostPlaces = 20'000;
  using StackId = uint32_t;

  struct Frame {
    uint32_t rule;         // begun again while `most` is not 0
    uint32_t least, most;  // times still
    uint32_t after;        // state to go on from when `least` is 0
    StackId below;
    auto operator<=>(const Frame&) const = default;
  };
  struct Stack {
    std::vector<Frame> frames;  // sorted
    bool bottom = false;        // may also be empty: the whole text ends
    uint32_t depth = 0;
    bool operator==(const Stack&) const = default;
  };
  struct Place {
    uint32_t state;
    StackId stack;
    auto operator<=>(const Place&) const = default;
  };
  struct Info {
    std::vector<Place> places;  // sorted; each state once
    bool complete;
    State equal = kUnknown;
    uint32_t equal_bytes = 0;
  };
  class Closure;

  State step(State state, uint8_t byte);
  State intern(std::vector<Place> places, bool complete);
  StackId intern(Stack stack);
  StackId united(StackId a, StackId b);
  StackId clamped(StackId stack, uint32_t most, std::unordered_map<StackId, StackId>& known);

  const std::shared_ptr<const Automaton> automaton_;
  std::vector<State> next_;  // [states * 256]
  std::vector<Info> info_;
  std::vector<Stack> stacks_;  // 0: the empty one
  std::unordered_multimap<uint64_t, State> states_by_hash_;
  std::unordered_multimap<uint64_t, StackId> stacks_by_hash_;
  State start_ = kDead;
};

}  // namespace bantam
