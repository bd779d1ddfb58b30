// What the instruction-set files hand to dispatch.cpp. A vector table may leave matmul slots null: dispatch.cpp fills
// them with matmul_decoded().
#pragma once

#include <span>
#include <utility>

#include "kernels/kernels.h"

namespace bantam {

extern const Kernels scalar_table, avx2_table, avx_vnni_table, avx512_table, avx512_vnni_table, neon_table,
    neon_dot_table;

// Matmul for any format: weights are decoded piece by piece, then multiplied with `dot`. The pieces' dot products are
// added in order.
void matmul_decoded(DType format, decltype(Kernels::dot) dot, const MatmulArgs& args, int out_begin, int out_end);

struct VectorTable {
  Kernels kernels;
  bool usable;  // on this CPU
};

// The vector tables of this build, slowest first. Defined by vector_tables_{x86,arm,none}.cpp.
std::span<const VectorTable> vector_tables();

// `partial` with its empty matmul slots filled.
template <const Kernels& partial>
Kernels complete() {
  Kernels kernels = partial;
  [&]<size_t... id>(std::index_sequence<id...>) {
    const auto fill = [](MatmulKernel& slot, MatmulKernel fallback) {
      if (!slot) slot = fallback;
    };
    (fill(kernels.matmul[id],
          [](const MatmulArgs& args, int out_begin, int out_end) {
            matmul_decoded(static_cast<DType>(id), partial.dot, args, out_begin, out_end);
          }),
     ...);
  }
  (std::make_index_sequence<kDTypeSlots>{});
  return kernels;
}

}  // namespace bantam
