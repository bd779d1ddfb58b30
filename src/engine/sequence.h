// One request while it waits and runs. Only the engine's thread touches it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/continuation.h"
#include "engine/prompt_lookup.h"
#include "engine/stream.h"
#include "model/kv_cache.h"

namespace bantam {

struct Sequence {
  uint64_t id;  // in the order of arrival
  std::string tenant;
  int priority;
  std::optional<Clock::time_point> deadline;
  std::vector<int32_t> tokens;  // the prompt and what was sampled
  KvCache kv;                   // of the first tokens
  Usage usage = {};
  std::shared_ptr<EventQueue> events = nullptr;

  std::unique_ptr<Continuation> continuation = nullptr;  // null: an embedding is wanted
  Pooling pooling = Pooling::mean;
  std::vector<double> pooled = {};  // [dim], the sum or the last row so far
  PromptLookup lookup = {};

  Clock::time_point arrived = Clock::now();
  std::optional<Clock::time_point> started = {}, decoding_since = {};
  bool share_prefix = true;  // with later sequences of its tenant, by the prefix cache
  bool preempted = false;    // its pages were taken from it once
  int kept_pages = 0;        // how many the prefix cache has been told of

  // Tokens whose rows have not run; after the last of them the next token can be sampled.
  int pending() const { return static_cast<int>(tokens.size()) - kv.size(); }
  // Only one row is left to run each time, until the text ends.
  bool decoding() const { return decoding_since && pending() == 1; }
  // Its reader does not keep up.
  bool paused() const { return events && events->full(); }
};

}  // namespace bantam
