#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bantam {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

int64_t steps_in(double seconds, double step_s) {
  return std::max(int64_t{1}, static_cast<int64_t>(std::floor(seconds / step_s)));
}

}  // namespace

SchedulePlan plan_by_steps(int64_t total, int64_t warmup, double decay_share) {
  SchedulePlan plan;
  plan.total = total;
  plan.decay_begin = total - std::llround(static_cast<double>(total) * decay_share);
  plan.warmup = std::min(warmup, std::max(plan.decay_begin, total / 2));
  return plan;
}

SchedulePlan plan_open_ended(int64_t warmup) { return {warmup, kNever, kNever, true}; }

void settle_by_clock(SchedulePlan& plan, int64_t step, const Clock& clock) {
  if (!plan.estimated || clock.step_s <= 0) return;
  const double left_s = clock.budget_s - clock.elapsed_s;
  if (clock.elapsed_s >= (1 - clock.decay_share) * clock.budget_s) {
    plan.decay_begin = step;
    plan.total = step + steps_in(std::max(0.0, left_s), clock.step_s);
    plan.estimated = false;
  } else if (plan.total == kNever && step >= plan.warmup) {
    plan.total = step + steps_in(left_s, clock.step_s);
  }
}

double learning_rate_factor(const SchedulePlan& plan, int64_t step) {
  if (step >= plan.total) return 0;
  double factor = 1;
  if (step < plan.warmup) factor = static_cast<double>(step + 1) / static_cast<double>(plan.warmup + 1);
  if (step >= plan.decay_begin) {
    const double left = static_cast<double>(plan.total - step);
    factor = std::min(factor, left / static_cast<double>(plan.total - plan.decay_begin + 1));
  }
  return factor;
}

double weight_decay_factor(const SchedulePlan& plan, int64_t step) {
  if (plan.total == kNever) return 1;
  return std::clamp(1 - static_cast<double>(step) / static_cast<double>(plan.total), 0.0, 1.0);
}

}  // namespace bantam
