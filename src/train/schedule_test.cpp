#include "train/schedule.h"

#include <gtest/gtest.h>

#include "train/data_stream.h"

namespace bantam {
namespace {

TEST(Schedule, rises_stays_and_falls_to_almost_zero) {
  const SchedulePlan plan = plan_by_steps(100, 10, 0.4);
  EXPECT_EQ(plan.decay_begin, 60);
  EXPECT_NEAR(learning_rate_factor(plan, 0), 1.0 / 11, 1e-12);
  for (int64_t s = 1; s <= 10; ++s) EXPECT_GT(learning_rate_factor(plan, s), learning_rate_factor(plan, s - 1));
  for (int64_t s = 10; s < 60; ++s) EXPECT_EQ(learning_rate_factor(plan, s), 1);
  for (int64_t s = 60; s < 100; ++s) EXPECT_LT(learning_rate_factor(plan, s), learning_rate_factor(plan, s - 1));
  EXPECT_NEAR(learning_rate_factor(plan, 99), 1.0 / 41, 1e-12);
  EXPECT_EQ(learning_rate_factor(plan, 100), 0);
}

TEST(Schedule, weight_decay_falls_from_one_to_zero_over_the_run) {
  const SchedulePlan plan = plan_by_steps(50, 5, 0.2);
  EXPECT_EQ(weight_decay_factor(plan, 0), 1);
  EXPECT_NEAR(weight_decay_factor(plan, 25), 0.5, 1e-12);
  EXPECT_EQ(weight_decay_factor(plan, 50), 0);
}

TEST(Schedule, a_warm_up_longer_than_the_run_is_shortened) {
  const SchedulePlan plan = plan_by_steps(10, 1000, 1.0);
  EXPECT_EQ(plan.warmup, 5);
  EXPECT_GT(learning_rate_factor(plan, 4), 0.3);
}

TEST(Schedule, with_a_time_budget_the_clock_decides_once_when_the_decay_begins) {
  SchedulePlan plan = plan_open_ended(10);
  const auto tell = [&](int64_t step, double elapsed) { settle_by_clock(plan, step, {elapsed, 2.0, 1000.0, 0.3}); };
  tell(5, 10);
  EXPECT_EQ(plan, plan_open_ended(10)) << "nothing is settled during warm-up";
  tell(10, 20);
  EXPECT_TRUE(plan.estimated);
  EXPECT_EQ(plan.total, 10 + 490);
  EXPECT_EQ(learning_rate_factor(plan, 100), 1);
  tell(300, 650);
  EXPECT_EQ(plan.total, 500) << "the estimate stays until the decay";
  tell(330, 700);
  EXPECT_FALSE(plan.estimated);
  EXPECT_EQ(plan.decay_begin, 330);
  EXPECT_EQ(plan.total, 330 + 150);
  const SchedulePlan settled = plan;
  tell(400, 999);
  EXPECT_EQ(plan, settled);
}

TEST(Schedule, a_budget_already_spent_still_ends_after_one_step) {
  SchedulePlan plan = plan_open_ended(0);
  settle_by_clock(plan, 7, {5000, 2.0, 1000, 0.3});
  EXPECT_EQ(plan.total, 8);
}

TEST(Shares, given_ones_are_kept_and_the_rest_is_split_by_size) {
  const std::vector<double> shares = resolve_shares({0.1, -1, -1}, {5, 300, 100});
  EXPECT_DOUBLE_EQ(shares[0], 0.1);
  EXPECT_DOUBLE_EQ(shares[1], 0.675);
  EXPECT_DOUBLE_EQ(shares[2], 0.225);
  const std::vector<double> relative = resolve_shares({1, 0.5}, {1, 1});
  EXPECT_DOUBLE_EQ(relative[0] / relative[1], 2);
}

}  // namespace
}  // namespace bantam
