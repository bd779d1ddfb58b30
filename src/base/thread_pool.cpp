#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <cassert>

#include "base/error.h"

namespace bantam {
namespace {

constexpr int kSpins = 2000;  // a few microseconds: longer than the gap between two ops, shorter than anyone notices
constexpr int64_t kMaxChunks = int64_t{1} << 20;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Spins until `ready()`; false when the spinning was in vain and the caller should sleep.
template <class Ready>
bool spin(Ready ready) {
  for (int i = 0; i < kSpins; ++i) {
    if (ready()) return true;
    pause();
  }
  return false;
}

uint32_t untaken(uint64_t ticket) { return static_cast<uint32_t>(ticket); }

}  // namespace

ThreadPool::ThreadPool(int threads) {
  if (threads < 1 || threads > 1024) throw UsageError("thread count is {}, expected 1 to 1024", threads);
  workers_.reserve(static_cast<size_t>(threads) - 1);
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
}

ThreadPool::~ThreadPool() {
  stop_.store(true);
  wake_.fetch_add(1);
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(Job job) {
  job.grain = std::max({job.grain, int64_t{1}, (job.n + kMaxChunks - 1) / kMaxChunks});
  const auto chunks = static_cast<uint32_t>((job.n + job.grain - 1) / job.grain);
  assert(untaken(ticket_.load()) == 0);
  job_ = job;
  unfinished_.store(static_cast<int32_t>(chunks), std::memory_order_relaxed);
  const uint64_t number = (ticket_.load(std::memory_order_relaxed) >> 32) + 1;
  ticket_.store(number << 32 | chunks, std::memory_order_release);
  wake_.fetch_add(1);
  wake_.notify_all();

  while (take_and_run_chunk()) {
  }
  const auto finished = [this] { return unfinished_.load(std::memory_order_acquire) == 0; };
  if (!spin(finished)) {
    for (int32_t left; (left = unfinished_.load(std::memory_order_acquire)) != 0;) unfinished_.wait(left);
  }
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

bool ThreadPool::take_and_run_chunk() {
  uint64_t ticket = ticket_.load(std::memory_order_acquire);
  do {
    if (untaken(ticket) == 0) return false;
  } while (!ticket_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel, std::memory_order_acquire));

  const int64_t begin = (untaken(ticket) - 1) * job_.grain;
  try {
    job_.call(job_.body, begin, std::min(begin + job_.grain, job_.n));
  } catch (...) {
    const std::lock_guard lock(error_mutex_);
    if (!error_) error_ = std::current_exception();
  }
  if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
  return true;
}

void ThreadPool::work() {
  int32_t seen = wake_.load();
  while (!stop_.load()) {
    if (take_and_run_chunk()) continue;
    const auto woken = [&] { return wake_.load(std::memory_order_acquire) != seen; };
    if (!spin(woken)) wake_.wait(seen);
    seen = wake_.load();
  }
}

int available_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

}  // namespace bantam
