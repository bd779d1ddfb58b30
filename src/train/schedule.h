// The learning-rate and weight-decay schedule: a pure function of the step and a plan, so that a resumed run continues
// exactly where it was. Used by the trainer.
#pragma once

#include <cstdint>

namespace bantam {

// Step numbers, 0 the first: [0, warmup) rises, [warmup, decay_begin) is steady, [decay_begin, total) falls to zero.
// A run with a time budget learns decay_begin and total late; until then they are an estimate (see settle_by_clock).
struct SchedulePlan {
  int64_t warmup = 0, decay_begin = 0, total = 0;
  bool estimated = false;  // total was guessed from the clock, the decay has not begun
  bool operator==(const SchedulePlan&) const = default;
};

// A plan for a known number of steps; decay_share in [0, 1] of them fall. Warm-up takes at most half of what is left.
SchedulePlan plan_by_steps(int64_t total, int64_t warmup, double decay_share);

// A plan for a time budget before any step was timed: steady for ever.
SchedulePlan plan_open_ended(int64_t warmup);

// What the clock tells a run with a time budget, asked before each step. Changes an estimated plan at most twice, so
// that the schedule stays a function of a few recorded numbers: once warm-up is over it guesses `total`, and when the
// decay's share of the budget begins it fixes decay_begin = step and total.
struct Clock {
  double elapsed_s = 0;  // of this run, over all resumes
  double step_s = 0;     // measured time of a step; 0: not known yet
  double budget_s = 0;
  double decay_share = 0;
};
void settle_by_clock(SchedulePlan& plan, int64_t step, const Clock& clock);

// Multipliers in [0, 1]: warm-up / steady / linear decay (arXiv 2405.18392), and weight decay linear to zero.
double learning_rate_factor(const SchedulePlan& plan, int64_t step);
double weight_decay_factor(const SchedulePlan& plan, int64_t step);

}  // namespace bantam
