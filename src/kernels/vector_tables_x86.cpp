// x86-64: AVX2, AVX-512 and AVX-512 with VNNI.
#include "kernels/tables.h"

namespace bantam {

std::span<const VectorTable> vector_tables() {
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  static const VectorTable tables[] = {
      // Every CPU with AVX2 has F16C too, which clang 14 cannot ask for.
      {complete<avx2_table>(), __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")},
      {complete<avx512_table>(), avx512},
      {complete<avx512_vnni_table>(), avx512 && __builtin_cpu_supports("avx512vnni")},
  };
  return tables;
}

}  // namespace bantam
