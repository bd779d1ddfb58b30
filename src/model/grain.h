// How the ops of this folder split element-wise work over threads.
#pragma once

#include <algorithm>
#include <cstdint>

namespace bantam {

inline constexpr int64_t kElementGrain = 1 << 12;  // elements per chunk: a microsecond or two, a few times a barrier

inline int64_t rows_per_chunk(int cols) { return std::max<int64_t>(1, kElementGrain / cols); }

}  // namespace bantam
