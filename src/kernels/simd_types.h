// Storage types the vector layers load from, and what every per-ISA file may include. No functions: an inline function
// compiled here with wide vectors could be linked into code for older CPUs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "kernels/packed.h"
#include "kernels/tables.h"
#include "tensor/quant/q8_0.h"

namespace bantam {

static_assert(std::is_same_v<real, float>, "the vector tables compute in float");

// kIq4Numbers + 128 (tensor/quant/iq4.h).
inline constexpr uint8_t kIq4Bytes[16] = {1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241};

struct Half {
  uint16_t bits;
};
struct Bfloat16 {
  uint16_t bits;
};

}  // namespace bantam
