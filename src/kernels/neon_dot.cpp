// Kernels for 64-bit ARM CPUs with the dot product instructions (most since 2018: Cortex-A76, Neoverse N1, Apple M1).
#include <arm_neon.h>

#include "kernels/simd_types.h"

namespace bantam {
namespace {

using I = int32x4_t;

I dot4(I sum, int8x16_t a, int8x16_t b) { return vdotq_s32(sum, a, b); }

#include "kernels/simd_neon.inc"

}  // namespace

constinit const Kernels neon_dot_table = make_table("neon_dot");

}  // namespace bantam
