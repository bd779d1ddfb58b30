// What a machine can do, for `bantam bench` to hold its speeds against, and how busy it is with other work.
#pragma once

#include <cstdint>

#include "base/thread_pool.h"
#include "kernels/kernels.h"

namespace bantam {

// Bytes per second that the pool's threads read together from memory much larger than caches; best of several passes.
double read_bandwidth(ThreadPool& pool);

// Byte multiplications and additions per second of the table's products without memory, all threads together.
double product_rate(ThreadPool& pool, const Kernels& kernels);

// CPU time of all processes but this one, from when it was made.
class OtherWork {
 public:
  OtherWork();
  // As a share of one CPU's time; 0 where the system does not tell.
  double share() const;

 private:
  double all_s_, own_s_, clock_s_;
};

}  // namespace bantam
