// Storage types the vector layers load from, and what every per-ISA file may include. No functions: an inline function
// compiled here with wide vectors could be linked into code for older CPUs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/tables.h"
#include "tensor/quant/q4_0.h"
#include "tensor/quant/q8_0.h"

namespace bantam {

static_assert(std::is_same_v<real, float>, "the vector tables compute in float");

struct Half {
  uint16_t bits;
};
struct Bfloat16 {
  uint16_t bits;
};

}  // namespace bantam
