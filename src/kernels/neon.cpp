// Kernels for every 64-bit ARM CPU.
#include <arm_neon.h>

#include "kernels/simd_types.h"

namespace bantam {
namespace {

using I = int32x4_t;

// Two products of bytes fit in 16 bits, since |a| <= 128 and |b| <= 127.
I dot4(I sum, int8x16_t a, int8x16_t b) {
  const int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(b)), high = vmull_high_s8(a, b);
  return vpadalq_s16(sum, vpaddq_s16(low, high));
}

#include "kernels/simd_neon.inc"

}  // namespace

constinit const Kernels neon_table = make_table("neon");

}  // namespace bantam
