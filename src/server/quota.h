// How much one key may use, and how much of it is used: what a request may need is taken when it is admitted and put
// right when it ends, so that the requests admitted never use more than the limits, however many come at once.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace bantam {

// 0: no limit.
struct Limits {
  int64_t requests_per_minute = 0, tokens_per_minute = 0;
  int64_t requests_per_day = 0, tokens_per_day = 0;  // of UTC
  int64_t concurrent = 0;                            // requests at a time
  int64_t budget_nano = 0;                           // 1e-9 of the currency of the prices, in a month of UTC

  friend bool operator==(const Limits&, const Limits&) = default;
};

struct Amount {
  int64_t tokens = 0, cost_nano = 0;
};

// The sum over the last minute, in steps of a second: what came up to 60 s ago counts.
class SlidingMinute {
 public:
  // `second` may be past, `amount` below 0: a correction. What has left the window changes nothing.
  void add(int64_t second, int64_t amount);
  int64_t total(int64_t now_s);
  // Seconds until at most `most` is left of it, if nothing is added.
  int64_t seconds_until(int64_t most, int64_t now_s);

 private:
  static constexpr int64_t kSeconds = 61;
  void move_to(int64_t second);

  std::array<int64_t, kSeconds> amounts_{};
  int64_t newest_ = 0, total_ = 0;
};

class Quota {
 public:
  struct Refusal {
    std::string limit;  // "requests per minute"
    int64_t most = 0, retry_after_ms = 0;
  };
  struct Left {  // of the limits per minute; -1: there is none
    int64_t requests = -1, tokens = -1, requests_reset_s = 0, tokens_reset_s = 0;
  };

  // Takes one request of that amount, or nothing and says why.
  std::optional<Refusal> admit(const Limits& limits, int64_t now_ms, const Amount& reserved);
  // A request that was admitted at `admitted_ms` with `reserved` has used `used`.
  void settle(int64_t admitted_ms, const Amount& reserved, const Amount& used);
  // What was used before this object was: of the running day and month.
  void restore(int64_t at_ms, const Amount& used);
  Left left(const Limits& limits, int64_t now_ms);

 private:
  void begin_periods(int64_t now_ms);

  SlidingMinute requests_, tokens_;
  int64_t day_ = 0, day_requests_ = 0, day_tokens_ = 0;
  int64_t month_ = 0, month_cost_ = 0;
  int64_t running_ = 0;
};

// Months since the year 0 and the first millisecond of one, in UTC.
int64_t month_of(int64_t ms);
int64_t month_begin_ms(int64_t month);

}  // namespace bantam
