// x86-64: AVX2 and AVX-512.
#include "kernels/tables.h"

namespace bantam {

std::span<const VectorTable> vector_tables() {
  static const VectorTable tables[] = {
      // Every CPU with AVX2 has F16C too, which clang 14 cannot ask for.
      {complete<avx2_table>(), __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")},
      {complete<avx512_table>(), __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                     __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                                     __builtin_cpu_supports("avx512vnni")},
  };
  return tables;
}

}  // namespace bantam
