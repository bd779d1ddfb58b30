// x86-64: AVX2 and AVX-512, each without and with VNNI.
#include <cpuid.h>

#include "kernels/tables.h"

namespace bantam {
namespace {

// Which compilers of today cannot ask for by name: CPUID leaf 7, subleaf 1, EAX bit 4.
bool has_avx_vnni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_max(0, nullptr) >= 7 && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && eax >= 1 &&
         __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax >> 4 & 1);
}

}  // namespace

std::span<const VectorTable> vector_tables() {
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  static const VectorTable tables[] = {
      // Every CPU with AVX2 has F16C too, which clang 14 cannot ask for.
      {complete<avx2_table>(), avx2},
      {complete<avx_vnni_table>(), avx2 && has_avx_vnni()},
      {complete<avx512_table>(), avx512},
      {complete<avx512_vnni_table>(), avx512 && __builtin_cpu_supports("avx512vnni")},
  };
  return tables;
}

}  // namespace bantam
