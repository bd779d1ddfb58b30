// Kernels for x86-64 with AVX2, FMA and F16C.
#include <immintrin.h>

#include "kernels/simd_types.h"

namespace bantam {
namespace {

#include "kernels/simd_avx2.inc"

// Sums of products of packed codes up to kTop with activations: byte products are added in pairs, in 16 bits, as many
// as cannot overflow, and then widened.
template <int kTop>
struct Sum {
  static constexpr int kNarrow = 32767 / (2 * 127 * kTop);  // sums of two products that fit
  static_assert(kNarrow >= 1);
  I all, narrow;

  void start(int offset, int x_sum) { all = _mm256_set1_epi32(-offset * x_sum); }
  template <int n>
  void add(I codes, int32_t x) {
    const I two = _mm256_maddubs_epi16(codes, _mm256_set1_epi32(x));
    if constexpr (n > 0 && n % kNarrow == 0) all = total();
    narrow = n % kNarrow == 0 ? two : _mm256_add_epi16(narrow, two);
  }
  I total() const { return _mm256_add_epi32(all, _mm256_madd_epi16(narrow, _mm256_set1_epi16(1))); }
};

// Codes of 8 bits are products of signed bytes: |codes - 128| times the activations with those signs.
template <>
struct Sum<255> {
  I all;

  void start(int offset, int x_sum) { all = _mm256_set1_epi32((128 - offset) * x_sum); }
  template <int>
  void add(I codes, int32_t x) {
    const I w = _mm256_xor_si256(codes, _mm256_set1_epi8(-128));
    const I two = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(_mm256_set1_epi32(x), w));
    all = _mm256_add_epi32(all, _mm256_madd_epi16(two, _mm256_set1_epi16(1)));
  }
  I total() const { return all; }
};

I add_pairs(I sum, I words, int32_t x) { return _mm256_add_epi32(sum, _mm256_madd_epi16(words, _mm256_set1_epi32(x))); }

// Each builds on those before it.
// clang-format off
#include "kernels/simd_math.inc"
#include "kernels/simd_ops.inc"
#include "kernels/simd_matmul.inc"
#include "kernels/simd_attend.inc"
#include "kernels/simd_packed.inc"
#include "kernels/simd_table.inc"
// clang-format on

}  // namespace

constinit const Kernels avx2_table = make_table("avx2");

}  // namespace bantam
