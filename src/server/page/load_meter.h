// How fast tokens are made now, from counts that only grow.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>

namespace bantam {

// Any thread may use it.
class LoadMeter {
 public:
  using Clock = std::chrono::steady_clock;
  // Tokens a second since the oldest sample of the last five seconds, and takes this one. 0 for the first.
  double rate(uint64_t tokens, Clock::time_point now = Clock::now());

 private:
  struct Sample {
    Clock::time_point at;
    uint64_t tokens;
  };
  std::mutex mutex_;
  std::deque<Sample> samples_;
};

}  // namespace bantam
