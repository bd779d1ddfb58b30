#include "server/quota.h"

#include <algorithm>
#include <chrono>

namespace bantam {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kConcurrencyRetryMs = 1000;

}  // namespace

int64_t month_of(int64_t ms) {
  using namespace std::chrono;
  const year_month_day date{floor<days>(sys_time<milliseconds>(milliseconds(ms)))};
  return static_cast<int>(date.year()) * int64_t{12} + static_cast<unsigned>(date.month()) - 1;
}

int64_t month_begin_ms(int64_t month) {
  using namespace std::chrono;
  const year_month_day first{year(static_cast<int>(month / 12)),
                             std::chrono::month(static_cast<unsigned>(month % 12) + 1), day(1)};
  return duration_cast<milliseconds>(sys_days(first).time_since_epoch()).count();
}

void SlidingMinute::move_to(int64_t second) {
  if (second <= newest_) return;
  for (int64_t s = std::max(newest_ + 1, second - kSeconds + 1); s <= second; ++s) {
    int64_t& amount = amounts_[static_cast<size_t>(s % kSeconds)];
    total_ -= amount;
    amount = 0;
  }
  newest_ = second;
}

void SlidingMinute::add(int64_t second, int64_t amount) {
  move_to(second);
  if (second <= newest_ - kSeconds) return;
  amounts_[static_cast<size_t>(second % kSeconds)] += amount;
  total_ += amount;
}

int64_t SlidingMinute::total(int64_t now_s) {
  move_to(now_s);
  return total_;
}

int64_t SlidingMinute::seconds_until(int64_t most, int64_t now_s) {
  int64_t left = total(now_s);
  for (int64_t s = newest_ - kSeconds + 1; s <= newest_; ++s) {
    if (left <= most) return std::max<int64_t>(0, s - 1 + kSeconds - newest_);
    if (s >= 0) left -= amounts_[static_cast<size_t>(s % kSeconds)];
  }
  return kSeconds;
}

void Quota::begin_periods(int64_t now_ms) {
  if (const int64_t day = now_ms / kDayMs; day != day_) {
    day_ = day;
    day_requests_ = day_tokens_ = 0;
  }
  if (const int64_t month = month_of(now_ms); month != month_) {
    month_ = month;
    month_cost_ = 0;
  }
}

std::optional<Quota::Refusal> Quota::admit(const Limits& limits, int64_t now_ms, const Amount& reserved) {
  begin_periods(now_ms);
  const int64_t now_s = now_ms / 1000;
  const int64_t until_day = (day_ + 1) * kDayMs - now_ms;
  const auto over = [](int64_t used, int64_t more, int64_t most) { return most > 0 && used + more > most; };
  if (over(running_, 1, limits.concurrent))
    return Refusal{"requests at a time", limits.concurrent, kConcurrencyRetryMs};
  if (const int64_t most = limits.requests_per_minute; over(requests_.total(now_s), 1, most)) {
    return Refusal{"requests per minute", most, 1000 * requests_.seconds_until(most - 1, now_s)};
  }
  if (const int64_t most = limits.tokens_per_minute; over(tokens_.total(now_s), reserved.tokens, most)) {
    return Refusal{"tokens per minute", most, 1000 * tokens_.seconds_until(most - reserved.tokens, now_s)};
  }
  if (over(day_requests_, 1, limits.requests_per_day))
    return Refusal{"requests per day", limits.requests_per_day, until_day};
  if (over(day_tokens_, reserved.tokens, limits.tokens_per_day)) {
    return Refusal{"tokens per day", limits.tokens_per_day, until_day};
  }
  if (over(month_cost_, reserved.cost_nano, limits.budget_nano)) {
    return Refusal{"budget of the month", limits.budget_nano, month_begin_ms(month_ + 1) - now_ms};
  }
  ++running_;
  requests_.add(now_s, 1);
  tokens_.add(now_s, reserved.tokens);
  ++day_requests_;
  day_tokens_ += reserved.tokens;
  month_cost_ += reserved.cost_nano;
  return std::nullopt;
}

void Quota::settle(int64_t admitted_ms, const Amount& reserved, const Amount& used) {
  --running_;
  tokens_.add(admitted_ms / 1000, used.tokens - reserved.tokens);
  if (admitted_ms / kDayMs == day_) day_tokens_ += used.tokens - reserved.tokens;
  if (month_of(admitted_ms) == month_) month_cost_ += used.cost_nano - reserved.cost_nano;
}

void Quota::restore(int64_t at_ms, const Amount& used) {
  begin_periods(at_ms);
  requests_.add(at_ms / 1000, 1);
  tokens_.add(at_ms / 1000, used.tokens);
  ++day_requests_;
  day_tokens_ += used.tokens;
  month_cost_ += used.cost_nano;
}

Quota::Left Quota::left(const Limits& limits, int64_t now_ms) {
  const int64_t now_s = now_ms / 1000;
  Left left;
  if (const int64_t most = limits.requests_per_minute; most > 0) {
    left.requests = std::max<int64_t>(0, most - requests_.total(now_s));
    left.requests_reset_s = requests_.seconds_until(0, now_s);
  }
  if (const int64_t most = limits.tokens_per_minute; most > 0) {
    left.tokens = std::max<int64_t>(0, most - tokens_.total(now_s));
    left.tokens_reset_s = tokens_.seconds_until(0, now_s);
  }
  return left;
}

}  // namespace bantam
