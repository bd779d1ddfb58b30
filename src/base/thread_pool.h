// Splits row ranges over threads. Ops in `model/` use it; ARCHITECTURE.md says who else starts threads, and what for.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace bantam {

// The caller works too; `threads() - 1` workers help. Chunks are taken as threads come free, so one that is not
// scheduled delays nobody, and a chunk's bounds depend only on (n, grain): results do not depend on who ran it.
// Idle workers spin for a few microseconds, then sleep. One parallel_for() at a time; not reentrant.
class ThreadPool {
 public:
  // threads >= 1 counts the caller. Throws UsageError when out of [1, 1024].
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls f(begin, end) for consecutive chunks of at most `grain` items covering [0, n), and returns when all are
  // done. The first exception thrown by a chunk is rethrown here after the others have finished.
  template <class F>
  void parallel_for(int64_t n, int64_t grain, F&& f) {
    if (n <= 0) return;
    if (n <= grain) {
      f(int64_t{0}, n);
      return;
    }
    using Body = std::remove_reference_t<F>;
    run({[](void* body, int64_t begin, int64_t end) { (*static_cast<Body*>(body))(begin, end); },
         const_cast<std::remove_const_t<Body>*>(&f), n, grain});
  }

 private:
  struct Job {
    void (*call)(void* body, int64_t begin, int64_t end) = nullptr;
    void* body = nullptr;
    int64_t n = 0, grain = 1;
  };

  void run(Job job);
  void work();
  bool take_and_run_chunk();

  Job job_;
  // High half: number of the current job; low half: chunks nobody has taken yet. Owning a chunk keeps the job alive.
  std::atomic<uint64_t> ticket_{0};
  std::atomic<int32_t> unfinished_{0};
  std::atomic<int32_t> wake_{0};
  std::atomic<bool> stop_{false};
  std::mutex error_mutex_;
  std::exception_ptr error_;
  std::vector<std::thread> workers_;
};

// Number of CPUs this process may run on (its affinity mask, not the machine's total).
int available_cpus();

}  // namespace bantam
