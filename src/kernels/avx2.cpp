// Kernels for x86-64 with AVX2, FMA and F16C.
//
// A layer is F (kLanes floats) and the functions below; the simd_*.inc files are the kernels, written once over it.
// Everything stays in an anonymous namespace: nothing compiled with these instructions may be linked elsewhere.
#include <immintrin.h>

#include "kernels/simd_types.h"

namespace bantam {
namespace {

using F = __m256;
constexpr int kLanes = 8, kRegisters = 16;

__m256i first_lanes(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

F set(float v) { return _mm256_set1_ps(v); }
F load(const float* p) { return _mm256_loadu_ps(p); }
F load(const Half* p) { return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
F load(const Bfloat16* p) {
  const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
F load(const int8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
F load_first(const float* p, int n) { return _mm256_maskload_ps(p, first_lanes(n)); }
template <class T>
F load_first(const T* p, int n) {
  T lanes[kLanes] = {};
  for (int i = 0; i < n; ++i) lanes[i] = p[i];
  return load(lanes);
}
void store(float* p, F v) { _mm256_storeu_ps(p, v); }
void store_first(float* p, F v, int n) { _mm256_maskstore_ps(p, first_lanes(n), v); }
F keep_first(F v, F other, int n) { return _mm256_blendv_ps(other, v, _mm256_castsi256_ps(first_lanes(n))); }

F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
// Where either is NaN, b.
F max(F a, F b) { return _mm256_max_ps(a, b); }
F min(F a, F b) { return _mm256_min_ps(a, b); }
F sqrt(F v) { return _mm256_sqrt_ps(v); }
F nearest(F v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
F select_less(F a, F b, F yes, F no) { return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ)); }
F with_sign(F size, F sign) {
  const F sign_bit = set(-0.0f);
  return _mm256_or_ps(_mm256_andnot_ps(sign_bit, size), _mm256_and_ps(sign_bit, sign));
}

F power_of_2(__m256i n) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}
// v * 2^n for integral |n| <= 252; in two steps, so that results may be subnormal or infinite.
F scale_by_power_of_2(F v, F n) {
  const __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1);
  return v * power_of_2(half) * power_of_2(_mm256_sub_epi32(whole, half));
}

// Adds lanes l and l + 4, then l and l + 2, then l and l + 1.
float sum(F v) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
// Four sums at once, lanes added in the same order.
void store_sums(float* y, F a, F b, F c, F d) {
  const F ab = _mm256_permute2f128_ps(a, b, 0x20) + _mm256_permute2f128_ps(a, b, 0x31);
  const F cd = _mm256_permute2f128_ps(c, d, 0x20) + _mm256_permute2f128_ps(c, d, 0x31);
  const F pairs = _mm256_shuffle_ps(ab, cd, 0x44) + _mm256_shuffle_ps(ab, cd, 0xEE);
  const F acac_bdbd = _mm256_shuffle_ps(pairs, pairs, 0x88) + _mm256_shuffle_ps(pairs, pairs, 0xDD);
  _mm_storeu_ps(y, _mm_unpacklo_ps(_mm256_castps256_ps128(acac_bdbd), _mm256_extractf128_ps(acac_bdbd, 1)));
}
float highest(F v) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

// |values| compared as integers: NaN is larger than infinity, infinity larger than all numbers.
F larger_size(F size, F v) {
  const __m256i bits = _mm256_castps_si256(_mm256_andnot_ps(set(-0.0f), v));
  return _mm256_castsi256_ps(_mm256_max_epi32(_mm256_castps_si256(size), bits));
}
float largest_size(F size) {
  const __m256i bits = _mm256_castps_si256(size);
  const __m128i four = _mm_max_epi32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1));
  const __m128i two = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  return _mm_cvtss_f32(_mm_castsi128_ps(_mm_max_epi32(two, _mm_shuffle_epi32(two, 0xB1))));
}
// Truncates towards 0; values are within [-128, 127].
void store_bytes(int8_t* p, F v) {
  const __m256i lanes = _mm256_cvttps_epi32(v);
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(words, words));
}

using I = __m256i;
#include "kernels/simd_ymm.inc"

F to_float(I v) { return _mm256_cvtepi32_ps(v); }
#include "kernels/simd_maddubs.inc"

// A unit is two 16-bit values: bytes 0 and 2 of dword u for unit u, bytes 1 and 3 for unit u + 8.
constexpr int kUnits = 16;
__m256i even_bytes(__m256i v) { return _mm256_srai_epi16(_mm256_slli_epi16(v, 8), 8); }
__m256i odd_bytes(__m256i v) { return _mm256_srai_epi16(v, 8); }

I pack_weights(const Bytes* rows, I* units) {
  __m256i quads[8];  // 128-bit half h of quads[4 * g + d]: dword d + 4 * h of rows 4 * g ... 4 * g + 3
  for (int g = 0; g < 2; ++g) {
    const Bytes* r = rows + 4 * g;
    const __m256i a = _mm256_unpacklo_epi32(r[0], r[1]), b = _mm256_unpackhi_epi32(r[0], r[1]);
    const __m256i c = _mm256_unpacklo_epi32(r[2], r[3]), d = _mm256_unpackhi_epi32(r[2], r[3]);
    quads[4 * g] = _mm256_unpacklo_epi64(a, c);
    quads[4 * g + 1] = _mm256_unpackhi_epi64(a, c);
    quads[4 * g + 2] = _mm256_unpacklo_epi64(b, d);
    quads[4 * g + 3] = _mm256_unpackhi_epi64(b, d);
  }
  for (int d = 0; d < 4; ++d) {
    const __m256i low = _mm256_permute2x128_si256(quads[d], quads[d + 4], 0x20);
    const __m256i high = _mm256_permute2x128_si256(quads[d], quads[d + 4], 0x31);
    units[d] = even_bytes(low);
    units[d + 4] = even_bytes(high);
    units[d + 8] = odd_bytes(low);
    units[d + 12] = odd_bytes(high);
  }
  return _mm256_setzero_si256();
}
void pack_activations(Bytes x, int32_t* units) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(units), even_bytes(x));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(units + 8), odd_bytes(x));
}
I add_products(I sum, I weights, int32_t activations) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(weights, _mm256_set1_epi32(activations)));
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

constinit const Kernels avx2_table = make_table("avx2");

}  // namespace bantam
