// bf16 products on AMX tiles. Compiled with AVX-512 and AMX flags and called only where has_bf16_gemm() is true, so
// everything but gemm_amx() is in an anonymous namespace and no inline function of another header is used.
//
// A tile is 16 rows of 64 bytes. One tile product adds a[16, 32] * b[32, 16] to a c[16, 16] of f32, with `a` row by
// row and `b` as rows of pairs: row p holds b[2p][j], b[2p + 1][j] for j = 0..15. (Intel SDM vol. 2B, TDPBF16PS)
// Seen as 16 x 16 pairs of values, one form is the transpose of the other.
//
// Operands are rounded and packed, block by block, into strips of 32 rows (a) or columns (b): for every 32 values of
// k two tiles, 2 KiB. Blocks stay in the L2 cache, a strip of `a` in L1 while all strips of `b` pass by.
#pragma GCC diagnostic ignored "-Wuninitialized"  // false in GCC 12's AVX-512 header: its bug 105593
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <new>

#include "kernels/gemm_backends.h"

namespace bantam {
namespace {

constexpr int kTile = 16;          // rows of a tile, and f32 columns
constexpr int kTileK = 32;         // values of k a tile product sums over
constexpr int kStrip = 2 * kTile;  // 2 x 2 tiles of c at a time: every loaded tile is used twice
constexpr ptrdiff_t kTileBytes = 1024;
constexpr ptrdiff_t kTileRowBytes = 64;
constexpr int kBlockK = 512;         // longer sums go through c: a strip of this depth takes 32 KiB of L1
constexpr int kBlockA = 128 * 1024;  // elements of a packed block
constexpr int kBlockB = 512 * 1024;

// The packed blocks of one thread, kept from call to call: 1.25 MiB, of which small products touch little.
class Workspace {
 public:
  Workspace() = default;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() { ::operator delete(bytes_, kAlignment); }

  std::byte* a() const { return bytes_; }
  std::byte* b() const { return bytes_ + kBlockA * sizeof(uint16_t); }

 private:
  static constexpr std::align_val_t kAlignment{4096};
  std::byte* const bytes_ = static_cast<std::byte*>(::operator new((kBlockA + kBlockB) * sizeof(uint16_t), kAlignment));
};

// Palette 1: eight tiles of 16 rows of 64 bytes. Static, because GCC's _tile_loadconfig only claims to read 8 bytes.
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
constexpr TileConfig kTileConfig;

constexpr int smaller(int a, int b) { return a < b ? a : b; }
constexpr int round_up(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }

__mmask16 first_lanes(int count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffffu : count <= 0 ? 0u : (1u << count) - 1u);
}

__m512i to_bf16(__m512 low, __m512 high) { return (__m512i)_mm512_cvtne2ps_pbh(high, low); }

// Below, an operand is `lines` (rows of op(a) or columns of op(b)) of `depth` values of k.

// pairs[i] = the 16 pairs of line i: 16 lines of 32 values of k each, zero outside `lines` and `depth`.
[[gnu::always_inline]] inline void load_lines(const float* x, ptrdiff_t ld, int lines, int depth, __m512i pairs[16]) {
  const __mmask16 low = first_lanes(depth), high = first_lanes(depth - 16);
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) {
    pairs[i] = _mm512_setzero_si512();
    if (i < lines)
      pairs[i] = to_bf16(_mm512_maskz_loadu_ps(low, x + i * ld), _mm512_maskz_loadu_ps(high, x + i * ld + 16));
  }
}

// pairs[p] = pair p of all 16 lines, from rows of memory 2p and 2p + 1.
[[gnu::always_inline]] inline void load_pairs(const float* x, ptrdiff_t ld, int lines, int depth, __m512i pairs[16]) {
  const __mmask16 lanes = first_lanes(lines);
  const __m512i interleave = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22,
                                              6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
#pragma GCC unroll 16
  for (int p = 0; p < 16; ++p) {
    __m512 even = _mm512_setzero_ps(), odd = _mm512_setzero_ps();
    if (2 * p < depth) even = _mm512_maskz_loadu_ps(lanes, x + 2 * p * ld);
    if (2 * p + 1 < depth) odd = _mm512_maskz_loadu_ps(lanes, x + (2 * p + 1) * ld);
    pairs[p] = _mm512_permutexvar_epi16(interleave, to_bf16(even, odd));
  }
}

// Transposes 16 x 16 pairs: 4 x 4 within 128-bit lanes, then the lanes.
[[gnu::always_inline]] inline void transpose(__m512i r[16]) {
  __m512i t[16];
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    const __m512i a = _mm512_unpacklo_epi32(r[i], r[i + 1]), b = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    const __m512i c = _mm512_unpacklo_epi32(r[i + 2], r[i + 3]), d = _mm512_unpackhi_epi32(r[i + 2], r[i + 3]);
    t[i] = _mm512_unpacklo_epi64(a, c);
    t[i + 1] = _mm512_unpackhi_epi64(a, c);
    t[i + 2] = _mm512_unpacklo_epi64(b, d);
    t[i + 3] = _mm512_unpackhi_epi64(b, d);
  }
  // Lane l of t[4i + j] holds rows 4i..4i+3 of column 4l + j.
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const __m512i a = _mm512_shuffle_i32x4(t[j], t[4 + j], 0x88), b = _mm512_shuffle_i32x4(t[j], t[4 + j], 0xdd);
    const __m512i c = _mm512_shuffle_i32x4(t[8 + j], t[12 + j], 0x88),
                  d = _mm512_shuffle_i32x4(t[8 + j], t[12 + j], 0xdd);
    r[j] = _mm512_shuffle_i32x4(a, c, 0x88);
    r[8 + j] = _mm512_shuffle_i32x4(a, c, 0xdd);
    r[4 + j] = _mm512_shuffle_i32x4(b, d, 0x88);
    r[12 + j] = _mm512_shuffle_i32x4(b, d, 0xdd);
  }
}

// Packs `lines` x `depth` values into strips, walking memory in its own order. `kTransposed` asks for the form of tile
// that the memory order does not give by itself.
template <bool kContiguous, bool kTransposed>
void pack_strips(const float* x, ptrdiff_t ld, int lines, int depth, std::byte* packed) {
  const ptrdiff_t strip_bytes = ptrdiff_t{round_up(depth, kTileK) / kTileK} * 2 * kTileBytes;
  const auto pack_tile = [&](int line, int k) {
    __m512i pairs[16];
    if constexpr (kContiguous) {
      load_lines(x + line * ld + k, ld, lines - line, depth - k, pairs);
    } else {
      load_pairs(x + k * ld + line, ld, lines - line, depth - k, pairs);
    }
    if constexpr (kTransposed) transpose(pairs);
    std::byte* tile = packed + line / kStrip * strip_bytes + (k / kTileK * 2 + line / kTile % 2) * kTileBytes;
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) _mm512_store_si512(tile + i * kTileRowBytes, pairs[i]);
  };
  const int lines_end = round_up(lines, kStrip);
  if constexpr (kContiguous) {
    for (int line = 0; line < lines_end; line += kTile) {
      for (int k = 0; k < depth; k += kTileK) pack_tile(line, k);
    }
  } else {
    for (int k = 0; k < depth; k += kTileK) {
      for (int line = 0; line < lines_end; line += kTile) pack_tile(line, k);
    }
  }
}

void pack_a(const BasicGemmArgs<float>& g, int row, int k, int rows, int depth, std::byte* packed) {
  if (g.transpose_a) {
    pack_strips<false, true>(g.a + ptrdiff_t{k} * g.lda + row, g.lda, rows, depth, packed);
  } else {
    pack_strips<true, false>(g.a + ptrdiff_t{row} * g.lda + k, g.lda, rows, depth, packed);
  }
}

void pack_b(const BasicGemmArgs<float>& g, int k, int col, int depth, int cols, std::byte* packed) {
  if (g.transpose_b) {
    pack_strips<true, true>(g.b + ptrdiff_t{col} * g.ldb + k, g.ldb, cols, depth, packed);
  } else {
    pack_strips<false, false>(g.b + ptrdiff_t{k} * g.ldb + col, g.ldb, cols, depth, packed);
  }
}

// c[32, 32] = a strip * b strip (+ c), `steps` tile products deep.
void multiply_strips(const std::byte* a, const std::byte* b, int steps, bool add, float* c, ptrdiff_t ldc) {
  const ptrdiff_t c_row_bytes = ldc * ptrdiff_t{sizeof(float)};
  float* const lower = c + kTile * ldc;
  if (add) {
    _tile_loadd(0, c, c_row_bytes);
    _tile_loadd(1, c + kTile, c_row_bytes);
    _tile_loadd(2, lower, c_row_bytes);
    _tile_loadd(3, lower + kTile, c_row_bytes);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  int requested = 0;  // of the 64 cache lines of c, fetched for writing while the products run
  for (int step = 0; step < steps; ++step) {
    for (; requested * steps < 2 * kStrip * (step + 1); ++requested) {
      _mm_prefetch(c + requested / 2 * ldc + requested % 2 * kTile, _MM_HINT_ET0);
    }
    _tile_loadd(4, a, kTileRowBytes);
    _tile_loadd(6, b, kTileRowBytes);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, b + kTileBytes, kTileRowBytes);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a + kTileBytes, kTileRowBytes);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
    a += 2 * kTileBytes;
    b += 2 * kTileBytes;
  }
  _tile_stored(0, c, c_row_bytes);
  _tile_stored(1, c + kTile, c_row_bytes);
  _tile_stored(2, lower, c_row_bytes);
  _tile_stored(3, lower + kTile, c_row_bytes);
}

// c[rows, cols] = alpha * sums (+ c), for blocks that do not fill 32 x 32 or need scaling.
void merge(const float* sums, float alpha, bool add, int rows, int cols, float* c, ptrdiff_t ldc) {
  for (int row = 0; row < rows; ++row) {
    for (int col = 0; col < cols; col += 16) {
      const __mmask16 lanes = first_lanes(cols - col);
      __m512 sum = _mm512_mul_ps(_mm512_set1_ps(alpha), _mm512_load_ps(sums + row * kStrip + col));
      float* out = c + row * ldc + col;
      if (add) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(lanes, out));
      _mm512_mask_storeu_ps(out, lanes, sum);
    }
  }
}

// c[rows, cols] = alpha * packed a * packed b (+ c), `depth` values of k.
void multiply_blocks(const Workspace& packed, int rows, int cols, int depth, float alpha, bool add, float* c,
                     ptrdiff_t ldc) {
  const int steps = round_up(depth, kTileK) / kTileK;
  const ptrdiff_t strip_bytes = steps * 2 * kTileBytes;
  for (int row = 0; row < rows; row += kStrip) {
    const std::byte* a = packed.a() + row / kStrip * strip_bytes;
    for (int col = 0; col < cols; col += kStrip) {
      const std::byte* b = packed.b() + col / kStrip * strip_bytes;
      float* out = c + row * ldc + col;
      if (rows - row >= kStrip && cols - col >= kStrip && alpha == 1) {
        multiply_strips(a, b, steps, add, out, ldc);
      } else {
        alignas(64) float sums[kStrip * kStrip];
        multiply_strips(a, b, steps, false, sums, kStrip);
        merge(sums, alpha, add, smaller(rows - row, kStrip), smaller(cols - col, kStrip), out, ldc);
      }
    }
  }
}

}  // namespace

void gemm_amx(const BasicGemmArgs<float>& g) {
  thread_local const Workspace packed;
  _tile_loadconfig(&kTileConfig);
  const int k_blocks = (g.k + kBlockK - 1) / kBlockK;
  const int block_k = round_up((g.k + k_blocks - 1) / k_blocks, kTileK);
  const int block_m = kBlockA / block_k / kStrip * kStrip;
  const int block_n = kBlockB / block_k / kStrip * kStrip;
  for (int col = 0; col < g.n; col += block_n) {
    const int cols = smaller(g.n - col, block_n);
    for (int k = 0; k < g.k; k += block_k) {
      const int depth = smaller(g.k - k, block_k);
      pack_b(g, k, col, depth, cols, packed.b());
      for (int row = 0; row < g.m; row += block_m) {
        const int rows = smaller(g.m - row, block_m);
        pack_a(g, row, k, rows, depth, packed.a());
        // GCC's tile loads do not say that they read memory: keep the packing before them.
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        multiply_blocks(packed, rows, cols, depth, g.alpha, k > 0 || g.beta != 0, g.c + ptrdiff_t{row} * g.ldc + col,
                        g.ldc);
      }
    }
  }
  _tile_release();  // keeps the tiles out of context switches
}

}  // namespace bantam
