// Kernels for x86-64 with AVX-512 F, BW, DQ and VL (Skylake-X and later).
#include <immintrin.h>

#include "kernels/simd_types.h"

namespace bantam {
namespace {

#include "kernels/simd_avx512.inc"
#include "kernels/simd_maddubs.inc"

// A unit is two 16-bit values: bytes 0 and 2 of dword u for unit u, bytes 1 and 3 for unit u + 8.
constexpr int kUnits = 16;
I even_bytes(I v) { return _mm512_srai_epi16(_mm512_slli_epi16(v, 8), 8); }
I odd_bytes(I v) { return _mm512_srai_epi16(v, 8); }

I pack_weights(const Bytes* rows, I* units) {
  I dwords[8];
  transpose_dwords(rows, dwords);
  for (int d = 0; d < 8; ++d) {
    units[d] = even_bytes(dwords[d]);
    units[d + 8] = odd_bytes(dwords[d]);
  }
  return _mm512_setzero_si512();
}
void pack_activations(Bytes x, int32_t* units) {
  const I both = _mm512_castsi256_si512(x);
  _mm512_storeu_si512(units, _mm512_inserti64x4(even_bytes(both), _mm512_castsi512_si256(odd_bytes(both)), 1));
}
I add_products(I sum, I weights, int32_t activations) {
  return _mm512_add_epi32(sum, _mm512_madd_epi16(weights, _mm512_set1_epi32(activations)));
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

constinit const Kernels avx512_table = make_table("avx512");

}  // namespace bantam
