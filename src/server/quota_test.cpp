#include "server/quota.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace bantam {
namespace {

constexpr int64_t kNow = 1'790'000'000'000;  // a moment in 2026, in milliseconds

TEST(Quota, admits_up_to_each_limit_and_no_further) {
  for (const Limits& limits :
       {Limits{.requests_per_minute = 5}, Limits{.tokens_per_minute = 50}, Limits{.requests_per_day = 5},
        Limits{.tokens_per_day = 50}, Limits{.concurrent = 5}, Limits{.budget_nano = 500}}) {
    Quota quota;
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(quota.admit(limits, kNow, {10, 100})) << i;
    const auto refusal = quota.admit(limits, kNow, {10, 100});
    ASSERT_TRUE(refusal);
    EXPECT_GT(refusal->retry_after_ms, 0);
  }
}

TEST(Quota, what_was_reserved_and_not_used_comes_back) {
  const Limits limits{.tokens_per_minute = 100, .tokens_per_day = 100};
  Quota quota;
  EXPECT_FALSE(quota.admit(limits, kNow, {100, 0}));
  EXPECT_TRUE(quota.admit(limits, kNow, {1, 0}));
  quota.settle(kNow, {100, 0}, {30, 0});
  EXPECT_TRUE(quota.admit(limits, kNow, {71, 0}));
  EXPECT_FALSE(quota.admit(limits, kNow, {70, 0}));
}

TEST(Quota, after_the_time_it_names_a_request_is_admitted_and_not_before) {
  const Limits limits{.requests_per_minute = 3, .tokens_per_minute = 100};
  std::mt19937 random(1);
  Quota quota;
  int64_t now = kNow;
  for (int i = 0; i < 500; ++i) {
    const Amount amount{static_cast<int64_t>(random() % 60), 0};
    if (const auto refusal = quota.admit(limits, now, amount)) {
      ASSERT_GT(refusal->retry_after_ms, 0);
      ASSERT_LE(refusal->retry_after_ms, 61'000);
      ASSERT_TRUE(quota.admit(limits, now + refusal->retry_after_ms - 1000, amount));
      now += refusal->retry_after_ms;
    } else {
      quota.settle(now, amount, amount);
      now += static_cast<int64_t>(random() % 20'000);
    }
  }
}

TEST(Quota, no_minute_has_more_than_the_limit_whenever_it_begins) {
  const Limits limits{.requests_per_minute = 7};
  std::mt19937 random(2);
  Quota quota;
  std::vector<int64_t> admitted;
  for (int64_t now = kNow; now < kNow + 600'000; now += static_cast<int64_t>(random() % 3000)) {
    if (quota.admit(limits, now, {})) continue;
    quota.settle(now, {}, {});
    admitted.push_back(now);
  }
  ASSERT_GT(admitted.size(), 60u);
  for (size_t i = 7; i < admitted.size(); ++i) EXPECT_GE(admitted[i] - admitted[i - 7], 60'000);
}

TEST(Quota, a_day_and_a_month_begin_anew) {
  const int64_t month = month_of(kNow);
  const int64_t end = month_begin_ms(month + 1);
  EXPECT_EQ(month_of(end), month + 1);
  EXPECT_EQ(month_of(end - 1), month);
  const Limits limits{.requests_per_day = 1, .budget_nano = 10};
  Quota quota;
  EXPECT_FALSE(quota.admit(limits, end - 1, {0, 10}));
  EXPECT_EQ(quota.admit(limits, end - 1, {0, 1})->retry_after_ms, 1);
  EXPECT_FALSE(quota.admit(limits, end, {0, 10}));
  quota.settle(end - 1, {0, 10}, {0, 3});  // of the month that is over
  EXPECT_TRUE(quota.admit(limits, end + 1, {0, 1}));
}

TEST(Quota, remembers_what_was_used_before_a_restart) {
  const Limits limits{.requests_per_minute = 2, .tokens_per_day = 10};
  Quota quota;
  quota.restore(kNow - 61'000, {4, 0});
  quota.restore(kNow - 1000, {5, 0});
  EXPECT_TRUE(quota.admit(limits, kNow, {2, 0}));
  EXPECT_FALSE(quota.admit(limits, kNow, {1, 0}));
  EXPECT_TRUE(quota.admit(limits, kNow, {0, 0}));
  EXPECT_EQ(quota.left(limits, kNow).requests, 0);
  EXPECT_EQ(quota.left(limits, kNow + 70'000).requests, 2);
}

}  // namespace
}  // namespace bantam
