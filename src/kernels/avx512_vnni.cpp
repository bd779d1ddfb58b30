// Kernels for x86-64 with AVX-512 F, BW, DQ, VL and VNNI (Cascade Lake, Ice Lake, Zen 4 and later).
#include <immintrin.h>

#include "kernels/simd_types.h"

namespace bantam {
namespace {

#include "kernels/simd_avx512.inc"

// Sums of products of packed codes up to kTop with activations.
template <int kTop>
struct Sum {
  I all;

  void start(int offset, int x_sum) { all = _mm512_set1_epi32(-offset * x_sum); }
  template <int>
  void add(I codes, int32_t x) {
    all = _mm512_dpbusd_epi32(all, codes, _mm512_set1_epi32(x));
  }
  I total() const { return all; }
};

I add_pairs(I sum, I words, int32_t x) { return _mm512_dpwssd_epi32(sum, words, _mm512_set1_epi32(x)); }

// A tile of a packed product.
constexpr int kPackedRows = 6, kPackedPanels = 2;

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

constinit const Kernels avx512_vnni_table = make_table("avx512_vnni");

}  // namespace bantam
