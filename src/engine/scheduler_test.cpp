#include "engine/scheduler.h"

#include <gtest/gtest.h>

#include "engine/session.h"
#include "model/test_model.h"

namespace bantam {
namespace {

// Sequences are run by counting: no model, no engine.
class SchedulerTest : public testing::Test {
 protected:
  static constexpr int kContext = 4 * kPageTokens;

  explicit SchedulerTest(int pages = 64) : pool_(Switches::config(0), pages) {}

  Scheduler& make(SchedulerOptions options = {}) { return scheduler_.emplace(pool_, options); }

  Sequence& add(int prompt, const std::string& tenant = "t", int priority = 0, int32_t token = 0) {
    auto sequence = std::make_unique<Sequence>(Sequence{next_id_++,
                                                        tenant,
                                                        priority,
                                                        {},
                                                        std::vector<int32_t>(static_cast<size_t>(prompt), token),
                                                        KvCache(pool_, kContext)});
    Sequence& added = *sequence;
    scheduler_->add(std::move(sequence));
    return added;
  }

  // Runs what is planned: (id, rows) of each.
  std::vector<std::pair<uint64_t, int>> step() {
    std::vector<std::pair<uint64_t, int>> ran;
    for (const Work& work : scheduler_->plan()) {
      ran.emplace_back(work.sequence->id, work.rows);
      work.sequence->kv.advance(work.rows);
      if (work.sequence->pending() == 0) {
        work.sequence->tokens.push_back(1);
        work.sequence->decoding_since = Clock::now();
      }
      scheduler_->keep_prefix(*work.sequence);
    }
    EXPECT_TRUE(pool_.check_integrity());
    return ran;
  }

  void remove(uint64_t id) {
    scheduler_->remove_if([&](const Sequence& s) { return s.id == id; });
  }

  using Ran = std::vector<std::pair<uint64_t, int>>;

  KvPool pool_;
  std::optional<Scheduler> scheduler_;
  uint64_t next_id_ = 1;
};

class SmallPool : public SchedulerTest {
 protected:
  SmallPool() : SchedulerTest(5) {}
};

TEST_F(SchedulerTest, everyone_who_writes_gets_a_row_beside_a_piece_of_a_prompt) {
  make();
  add(3);
  add(2);
  EXPECT_EQ(step(), (Ran{{1, 3}, {2, 2}}));
  add(100);
  const int piece = scheduler_->prefill_rows(2);
  ASSERT_LT(piece, 100);
  EXPECT_EQ(step(), (Ran{{1, 1}, {2, 1}, {3, piece}}));
}

TEST_F(SchedulerTest, a_piece_of_a_prompt_takes_about_as_long_as_the_step_beside_it) {
  make();
  add(3);
  step();
  step();
  scheduler_->observe(0.010);
  add(120);
  const int first = static_cast<int>(step().back().second);
  scheduler_->observe(0.010 + 0.001 * first);
  EXPECT_NEAR(scheduler_->prefill_rows(1), 15, 1);
  EXPECT_EQ(scheduler_->prefill_rows(0), kPrefillRows);
}

TEST_F(SchedulerTest, tenants_take_turns_however_many_requests_one_has) {
  make({.most_running = 1});
  for (int i = 0; i < 3; ++i) add(10, "many");
  add(10, "one");
  std::vector<uint64_t> order;
  while (!scheduler_->empty()) {
    order.push_back(step().front().first);
    remove(order.back());
  }
  EXPECT_EQ(order, (std::vector<uint64_t>{1, 4, 2, 3}));
}

TEST_F(SchedulerTest, a_higher_priority_starts_first_and_takes_a_place) {
  make({.most_running = 1});
  add(5, "a", 0);
  step();
  add(5, "b", 1);
  EXPECT_EQ(step(), (Ran{{2, 5}}));
  EXPECT_EQ(scheduler_->preemptions(), 1u);
  remove(2);
  EXPECT_EQ(step(), (Ran{{1, 6}})) << "its rows are run again";
}

TEST_F(SmallPool, when_pages_run_out_the_last_one_waits_and_the_first_goes_on) {
  make();
  add(2 * kPageTokens - 4, "a", 0, 1);
  add(2 * kPageTokens - 4, "b", 0, 2);
  step();
  for (int i = 0; i < 2 * kPageTokens; ++i) {
    const Ran ran = step();
    ASSERT_FALSE(ran.empty());
    ASSERT_EQ(ran.front().first, 1u);
  }
  EXPECT_GE(scheduler_->preemptions(), 1u);
  EXPECT_EQ(scheduler_->waiting(), 1);
  remove(1);
  EXPECT_EQ(step().front().first, 2u);
}

TEST_F(SmallPool, cached_prefixes_give_way_before_any_sequence_does) {
  make();
  add(4 * kPageTokens - 1, "a", 0, 1);
  step();
  remove(1);
  EXPECT_EQ(scheduler_->prefixes().pages(), 3);
  add(4 * kPageTokens - 1, "a", 0, 2);
  step();
  EXPECT_EQ(scheduler_->preemptions(), 0u);
  EXPECT_EQ(scheduler_->running(), 1);
}

TEST_F(SchedulerTest, a_prompt_that_began_alike_runs_only_the_rest_and_always_its_last_token) {
  make();
  const Sequence& first = add(2 * kPageTokens);
  step();
  EXPECT_EQ(first.usage.cached_tokens, 0);
  const Sequence& second = add(2 * kPageTokens);
  int rows = 0;
  while (second.pending() > 1 || !second.decoding_since) rows += step().back().second;
  EXPECT_EQ(rows, kPageTokens);
  EXPECT_EQ(second.usage.cached_tokens, kPageTokens);
  const Sequence& foreign = add(2 * kPageTokens, "other");
  step();
  EXPECT_GT(foreign.kv.size(), 0);
  EXPECT_EQ(foreign.usage.cached_tokens, 0);
}

TEST_F(SchedulerTest, without_a_prefix_cache_everything_runs) {
  make({.prefix_cache = false});
  add(2 * kPageTokens);
  step();
  remove(1);
  EXPECT_EQ(pool_.free_pages(), pool_.pages());
  add(2 * kPageTokens);
  EXPECT_EQ(step(), (Ran{{2, 2 * kPageTokens}}));
}

TEST_F(SchedulerTest, who_does_not_read_is_passed_over_and_makes_room) {
  make({.most_running = 1});
  Sequence& slow = add(5);
  slow.events = std::make_shared<EventQueue>(1, std::function<void()>{}, [] {});
  step();
  slow.events->push(TextEvent{});
  EXPECT_TRUE(step().empty());
  EXPECT_EQ(scheduler_->paused(), 1);
  add(7);
  EXPECT_EQ(step(), (Ran{{2, 7}}));
  slow.events->try_next();
  EXPECT_EQ(step(), (Ran{{1, 1}, {2, 1}}));
}

TEST_F(SchedulerTest, the_earliest_deadline_is_known) {
  make();
  EXPECT_FALSE(scheduler_->next_deadline());
  const auto now = Clock::now();
  add(5).deadline = now + std::chrono::seconds(9);
  add(5).deadline = now + std::chrono::seconds(4);
  step();
  add(5);
  EXPECT_EQ(scheduler_->next_deadline(), now + std::chrono::seconds(4));
}

}  // namespace
}  // namespace bantam
