// Kernels for x86-64 with AVX2, FMA, F16C and AVX-VNNI (Alder Lake and later, Zen 5).
#include <immintrin.h>

#include "kernels/simd_types.h"

namespace bantam {
namespace {

#include "kernels/simd_avx2.inc"

// Sums of products of packed codes up to kTop with activations.
template <int kTop>
struct Sum {
  I all;

  void start(int offset, int x_sum) { all = _mm256_set1_epi32(-offset * x_sum); }
  template <int>
  void add(I codes, int32_t x) {
    all = _mm256_dpbusd_avx_epi32(all, codes, _mm256_set1_epi32(x));
  }
  I total() const { return all; }
};

I add_pairs(I sum, I words, int32_t x) { return _mm256_dpwssd_avx_epi32(sum, words, _mm256_set1_epi32(x)); }

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

constinit const Kernels avx_vnni_table = make_table("avx_vnni");

}  // namespace bantam
