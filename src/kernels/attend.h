// Attention for inference: how keys and values lie in memory, and what its kernels are given. Written by KvCache, read
// by the kernel tables.
#pragma once

#include <cstddef>

#include "tensor/tensor.h"

namespace bantam {

// Rows of a sequence are kept by pages. In a page every head has two tiles of kPageTokens * row_bytes(format, head_dim)
// bytes:
//   values  row by row, as the format encodes a row
//   keys    turned, so that lanes can be rows: element d of row r is at [d * kPageTokens + r]; in q8_0 these are the
//           integers, and the f16 scale of block b of row r follows them at [b * kPageTokens + r]
inline constexpr int kPageTokens = 32;

// Sums run over spans of this many rows, counted from a sequence's first one; spans are then joined in order. Where
// spans begin never depends on who asks, so neither do the bits.
inline constexpr int kSpanPages = 8, kSpanTokens = kSpanPages * kPageTokens;

// One head of one row that looks at rows [begin, end) of a span, begin < end.
struct AttendQuery {
  const real* q;  // [head_dim]
  int begin, end;
  // What it finds: the highest score, the sum of e^(score - highest), then the sum of e^(score - highest) * value:
  // [2 + head_dim].
  real* partial;
};

inline constexpr int kAttendQueries = 16;  // at most, of one call

// Queries that read the same head of one span. score = cap(scale * q.k), and cap(s) = cap * tanh(s / cap).
struct AttendArgs {
  const std::byte* const* keys;  // tiles of the span's pages; those that no query sees are not touched
  const std::byte* const* values;
  DType format;  // kRealType, f16, or q8_0 with head_dim a multiple of 32
  int head_dim;
  real scale, cap;  // cap 0: none
  const AttendQuery* queries;
  int count;
};

}  // namespace bantam
