#include "cli/bench_machine.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <string>

#include "base/page_buffer.h"

namespace bantam {
namespace {

constexpr size_t kBytes = size_t{512} << 20, kPieceBytes = size_t{1} << 20;
constexpr int kPasses = 5;
constexpr int64_t kRounds = 2'000'000;

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double own_cpu_s() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Busy time of all CPUs: user, nice, system, interrupts and what a host took away.
double all_cpu_s() {
  std::ifstream in("/proc/stat");
  std::string name;
  double user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, soft = 0, stolen = 0;
  in >> name >> user >> nice >> system >> idle >> waiting >> irq >> soft >> stolen;
  return (user + nice + system + irq + soft + stolen) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// The fastest of `kPasses` passes, in units of `work` per second.
template <class F>
double best_rate(double work, F pass) {
  double best = 0;
  for (int i = 0; i < kPasses; ++i) {
    const double began = now_s();
    pass();
    best = std::max(best, work / (now_s() - began));
  }
  return best;
}

uint64_t sum_of(const uint64_t* values, size_t n) {
  uint64_t sums[8] = {};
  for (size_t i = 0; i < n; i += 8) {
    for (size_t j = 0; j < 8; ++j) sums[j] += values[i + j];
  }
  return sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
}

}  // namespace

double read_bandwidth(ThreadPool& pool) {
  const PageBuffer memory(kBytes);
  std::fill_n(reinterpret_cast<uint64_t*>(memory.data()), kBytes / sizeof(uint64_t), 1u);
  std::atomic<uint64_t> total{0};  // so that the reads cannot be left out
  return best_rate(kBytes, [&] {
    pool.parallel_for(kBytes / kPieceBytes, 1, [&](int64_t begin, int64_t end) {
      for (auto piece = static_cast<size_t>(begin); piece < static_cast<size_t>(end); ++piece) {
        const auto* values = reinterpret_cast<const uint64_t*>(memory.data() + piece * kPieceBytes);
        total += sum_of(values, kPieceBytes / sizeof(uint64_t));
      }
    });
  });
}

double product_rate(ThreadPool& pool, const Kernels& kernels) {
  std::atomic<int64_t> products{0};
  const auto pass = [&] {
    products = 0;
    pool.parallel_for(pool.threads(), 1, [&](int64_t, int64_t) { products += kernels.byte_products(kRounds); });
  };
  pass();
  return best_rate(2 * static_cast<double>(products.load()), pass);
}

OtherWork::OtherWork() : all_s_(all_cpu_s()), own_s_(own_cpu_s()), clock_s_(now_s()) {}

double OtherWork::share() const {
  const double others = (all_cpu_s() - all_s_) - (own_cpu_s() - own_s_);
  return std::max(0.0, others / std::max(1e-9, now_s() - clock_s_));
}

}  // namespace bantam
