// Kernels for x86-64 with AVX-512 F, BW, DQ and VL (Skylake-X and later).
#include <immintrin.h>

#include "kernels/simd_types.h"

namespace bantam {
namespace {

#include "kernels/simd_avx512.inc"

// Sums of products of packed codes up to kTop with activations: byte products are added in pairs, in 16 bits, as many
// as cannot overflow, and then widened.
template <int kTop>
struct Sum {
  static constexpr int kNarrow = 32767 / (2 * 127 * kTop);  // sums of two products that fit
  static_assert(kNarrow >= 1);
  I all, narrow;

  void start(int offset, int x_sum) { all = _mm512_set1_epi32(-offset * x_sum); }
  template <int n>
  void add(I codes, int32_t x) {
    const I two = _mm512_maddubs_epi16(codes, _mm512_set1_epi32(x));
    if constexpr (n > 0 && n % kNarrow == 0) all = total();
    narrow = n % kNarrow == 0 ? two : _mm512_add_epi16(narrow, two);
  }
  I total() const { return _mm512_add_epi32(all, _mm512_madd_epi16(narrow, _mm512_set1_epi16(1))); }
};

// Codes of 8 bits are products of signed bytes: |codes - 128| times the activations with those signs.
template <>
struct Sum<255> {
  I all;

  void start(int offset, int x_sum) { all = _mm512_set1_epi32((128 - offset) * x_sum); }
  template <int>
  void add(I codes, int32_t x) {
    const I w = _mm512_xor_si512(codes, _mm512_set1_epi8(-128)), four = _mm512_set1_epi32(x);
    const I signed_x = _mm512_mask_sub_epi8(four, _mm512_movepi8_mask(w), _mm512_setzero_si512(), four);
    const I two = _mm512_maddubs_epi16(_mm512_abs_epi8(w), signed_x);
    all = _mm512_add_epi32(all, _mm512_madd_epi16(two, _mm512_set1_epi16(1)));
  }
  I total() const { return all; }
};

I add_pairs(I sum, I words, int32_t x) { return _mm512_add_epi32(sum, _mm512_madd_epi16(words, _mm512_set1_epi32(x))); }

// A tile of a packed product: each sum takes two registers.
constexpr int kPackedRows = 4, kPackedPanels = 2;

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

constinit const Kernels avx512_table = make_table("avx512");

}  // namespace bantam
