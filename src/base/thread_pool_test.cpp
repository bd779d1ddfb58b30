#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <numeric>
#include <thread>

#include "base/error.h"

namespace bantam {
namespace {

TEST(ThreadPool, every_item_is_visited_once_for_any_count_of_threads_and_grain) {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    for (int64_t n : {0, 1, 2, 7, 64, 1000}) {
      for (int64_t grain : {1, 3, 64, 5000}) {
        std::vector<std::atomic<int>> visits(static_cast<size_t>(n));
        pool.parallel_for(n, grain, [&](int64_t begin, int64_t end) {
          EXPECT_LE(end - begin, grain);
          for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
        });
        for (const auto& count : visits) EXPECT_EQ(count.load(), 1);
      }
    }
  }
}

TEST(ThreadPool, many_short_jobs_in_a_row_do_not_mix) {
  ThreadPool pool(4);
  for (int job = 0; job < 20000; ++job) {
    std::array<int, 5> out{};
    pool.parallel_for(5, 1, [&](int64_t begin, int64_t) { out[static_cast<size_t>(begin)] = job; });
    for (int value : out) ASSERT_EQ(value, job);
  }
}

TEST(ThreadPool, an_exception_in_a_chunk_reaches_the_caller_and_the_pool_goes_on) {
  ThreadPool pool(3);
  std::atomic<int> done = 0;
  const auto body = [&](int64_t begin, int64_t) {
    if (begin == 4) throw Error("chunk {}", begin);
    ++done;
  };
  EXPECT_THROW(pool.parallel_for(10, 1, body), Error);
  EXPECT_EQ(done, 9);
  pool.parallel_for(3, 1, [&](int64_t, int64_t) { ++done; });
  EXPECT_EQ(done, 12);
}

TEST(ThreadPool, idle_workers_do_not_burn_a_core) {
  ThreadPool pool(4);
  pool.parallel_for(64, 1, [](int64_t, int64_t) {});
  const auto cpu_seconds = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](timeval t) {
      return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  };
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const double before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(cpu_seconds() - before, 0.03);
}

TEST(ThreadPool, a_thread_count_out_of_range_is_a_usage_error) {
  EXPECT_THROW(ThreadPool(0), UsageError);
  EXPECT_THROW(ThreadPool(5000), UsageError);
}

}  // namespace
}  // namespace bantam
