// Kernels for x86-64 with AVX-512 F, BW, DQ, VL and VNNI (Cascade Lake, Ice Lake, Zen 4 and later).
#include <immintrin.h>

#include "kernels/simd_types.h"

namespace bantam {
namespace {

#include "kernels/simd_avx512.inc"

// Products of one block of activations with blocks of weights, which are made unsigned by adding an offset.
struct Products {
  __m256i low, high;

  explicit Products(const BlockQ8_0* x) : low(twice(x->q)), high(twice(x->q + 16)) {}

  // Lane l: the product with block b of rows[l].
  template <class Block>
  __m256i with(const Block* const* rows, int b) const {
    const auto fours = [&](int l) { return pair_fours(rows[l] + b, rows[l + 4] + b); };
    return add_fours(fours(0), fours(1), fours(2), fours(3));
  }

 private:
  __m256i fours(const RowPair& unsigned_bytes, __m256i start) const {
    return _mm256_dpbusd_epi32(_mm256_dpbusd_epi32(start, unsigned_bytes.low, low), unsigned_bytes.high, high);
  }
  // -(1 << shift) times the sums of four activations
  __m256i start(int shift) const {
    const __m256i one = _mm256_set1_epi8(1), zero = _mm256_setzero_si256();
    return _mm256_sub_epi32(zero, _mm256_slli_epi32(fours({one, one}, zero), shift));
  }
  __m256i pair_fours(const BlockQ8_0* a, const BlockQ8_0* b) const {
    const RowPair w = pair(a, b);
    const __m256i top = _mm256_set1_epi8(-128);
    return fours({_mm256_xor_si256(w.low, top), _mm256_xor_si256(w.high, top)}, start(7));
  }
  __m256i pair_fours(const BlockQ4_0* a, const BlockQ4_0* b) const { return fours(pair(a, b), start(3)); }
};

// A unit is four bytes. Activations become unsigned by adding 128; `start` takes 128 * sum(weights) off again.
constexpr int kUnits = 8;

I pack_weights(const Bytes* rows, I* units) {
  transpose_dwords(rows, units);
  __m512i sums = _mm512_setzero_si512();
  for (int u = 0; u < kUnits; ++u) sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi8(-128), units[u]);
  return _mm512_sub_epi32(_mm512_setzero_si512(), sums);
}
void pack_activations(Bytes x, int32_t* units) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(units), _mm256_xor_si256(x, _mm256_set1_epi8(-128)));
}
I add_products(I sum, I weights, int32_t activations) {
  return _mm512_dpbusd_epi32(sum, _mm512_set1_epi32(activations), weights);
}

// Each builds on those before it.
// clang-format off
#include "kernels/simd_math.inc"
#include "kernels/simd_ops.inc"
#include "kernels/simd_matmul.inc"
#include "kernels/simd_attend.inc"
#include "kernels/simd_quantized.inc"
#include "kernels/simd_table.inc"
// clang-format on

}  // namespace

constinit const Kernels avx512_vnni_table = make_table("avx512_vnni");

}  // namespace bantam
