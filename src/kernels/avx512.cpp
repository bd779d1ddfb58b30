// Kernels for x86-64 with AVX-512 F, BW, DQ, VL and VNNI (Cascade Lake, Ice Lake, Zen 4 and later). See avx2.cpp for
// what a layer is.
#include <immintrin.h>

#include "kernels/simd_types.h"

namespace bantam {
namespace {

using F = __m512;
constexpr int kLanes = 16, kRegisters = 32;

__mmask16 first_lanes(int n) { return static_cast<__mmask16>((1u << n) - 1); }

F set(float v) { return _mm512_set1_ps(v); }
F widen(const Half*, __m256i bits) { return _mm512_cvtph_ps(bits); }
F widen(const Bfloat16*, __m256i bits) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}
F load(const float* p) { return _mm512_loadu_ps(p); }
template <class T>
F load(const T* p) {
  return widen(p, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
F load_first(const float* p, int n) { return _mm512_maskz_loadu_ps(first_lanes(n), p); }
template <class T>
F load_first(const T* p, int n) {
  return widen(p, _mm256_maskz_loadu_epi16(first_lanes(n), p));
}
void store(float* p, F v) { _mm512_storeu_ps(p, v); }
void store_first(float* p, F v, int n) { _mm512_mask_storeu_ps(p, first_lanes(n), v); }
F keep_first(F v, F other, int n) { return _mm512_mask_blend_ps(first_lanes(n), other, v); }

F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
// Where either is NaN, b.
F max(F a, F b) { return _mm512_max_ps(a, b); }
F min(F a, F b) { return _mm512_min_ps(a, b); }
F sqrt(F v) { return _mm512_sqrt_ps(v); }
F nearest(F v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
F select_less(F a, F b, F yes, F no) { return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes); }
F with_sign(F size, F sign) {
  const F sign_bit = set(-0.0f);
  return _mm512_or_ps(_mm512_andnot_ps(sign_bit, size), _mm512_and_ps(sign_bit, sign));
}
F scale_by_power_of_2(F v, F n) { return _mm512_scalef_ps(v, n); }

__m256 low_half(F v) { return _mm512_castps512_ps256(v); }
__m256 high_half(F v) { return _mm512_extractf32x8_ps(v, 1); }

// Adds lanes l and l + 8, then l and l + 4, then l and l + 2, then l and l + 1.
float sum(F v) {
  const __m256 eight = _mm256_add_ps(low_half(v), high_half(v));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
// Four sums at once, lanes added in the same order.
void store_sums(float* y, F a, F b, F c, F d) {
  const F ab = _mm512_shuffle_f32x4(a, b, 0x44) + _mm512_shuffle_f32x4(a, b, 0xEE);
  const F cd = _mm512_shuffle_f32x4(c, d, 0x44) + _mm512_shuffle_f32x4(c, d, 0xEE);
  const F abcd = _mm512_shuffle_f32x4(ab, cd, 0x88) + _mm512_shuffle_f32x4(ab, cd, 0xDD);
  const F pairs = abcd + _mm512_shuffle_ps(abcd, abcd, 0x4E);
  const F sums = pairs + _mm512_shuffle_ps(pairs, pairs, 0xB1);
  _mm_storeu_ps(y, _mm512_castps512_ps128(_mm512_maskz_compress_ps(0x1111, sums)));
}
float highest(F v) { return _mm512_reduce_max_ps(v); }

// |values| compared as integers: NaN is larger than infinity, infinity larger than all numbers.
F larger_size(F size, F v) {
  const __m512i bits = _mm512_castps_si512(_mm512_abs_ps(v));
  return _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(size), bits));
}
float largest_size(F size) {
  return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(_mm512_reduce_max_epi32(_mm512_castps_si512(size)))));
}
// Truncates towards 0; values are within [-128, 127].
void store_bytes(int8_t* p, F v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(v)));
}

using I = __m512i;
#include "kernels/simd_ymm.inc"

F to_float(I v) { return _mm512_cvtepi32_ps(v); }
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
__m512i rows_and_next_four(const Bytes* rows) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(rows[0]), rows[4], 1);
}

I pack_weights(const Bytes* rows, I* units) {
  __m512i quads[8];  // quads[4 * g + d]: dwords d and d + 4 of rows 8 * g ... + 3, then of the next four rows
  for (int g = 0; g < 2; ++g) {
    const Bytes* r = rows + 8 * g;
    const __m512i r0 = rows_and_next_four(r), r1 = rows_and_next_four(r + 1);
    const __m512i r2 = rows_and_next_four(r + 2), r3 = rows_and_next_four(r + 3);
    const __m512i a = _mm512_unpacklo_epi32(r0, r1), b = _mm512_unpackhi_epi32(r0, r1);
    const __m512i c = _mm512_unpacklo_epi32(r2, r3), d = _mm512_unpackhi_epi32(r2, r3);
    quads[4 * g] = _mm512_unpacklo_epi64(a, c);
    quads[4 * g + 1] = _mm512_unpackhi_epi64(a, c);
    quads[4 * g + 2] = _mm512_unpacklo_epi64(b, d);
    quads[4 * g + 3] = _mm512_unpackhi_epi64(b, d);
  }
  __m512i sums = _mm512_setzero_si512();
  for (int d = 0; d < 4; ++d) {
    units[d] = _mm512_shuffle_i32x4(quads[d], quads[d + 4], 0x88);
    units[d + 4] = _mm512_shuffle_i32x4(quads[d], quads[d + 4], 0xDD);
    sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi8(-128), units[d]);
    sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi8(-128), units[d + 4]);
  }
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
#include "kernels/simd_quantized.inc"
#include "kernels/simd_table.inc"
// clang-format on

}  // namespace

constinit const Kernels avx512_table = make_table("avx512");

}  // namespace bantam
