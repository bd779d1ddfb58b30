// Chooses the backend of a product, and finds out whether there is a second one.
#include "kernels/gemm.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <type_traits>

#include "kernels/gemm_backends.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace bantam {
namespace {

#if defined(__x86_64__) && defined(__linux__)

// Linux hands out the 8 KiB of tile registers only on request, once for the whole process.
// (Linux, Documentation/arch/x86/xstate.rst)
bool request_tiles() {
  constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr int kTileData = 18;               // XFEATURE_XTILE_DATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

// CPUID leaf 7: EDX bit 22 is AMX-BF16, bit 24 AMX-TILE. (Intel SDM vol. 2A, CPUID)
bool cpu_has_tiles() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  constexpr unsigned kAmx = 1u << 22 | 1u << 24;
  return (edx & kAmx) == kAmx && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

bool can_run_tiles() { return cpu_has_tiles() && request_tiles(); }

// The double build exists to check gradients; it has no bf16 products.
constexpr bool kTilesBuilt = std::is_same_v<real, float>;

#else

bool can_run_tiles() { return false; }
constexpr bool kTilesBuilt = false;

#endif

template <class T>
void gemm_bf16([[maybe_unused]] const BasicGemmArgs<T>& args) {
  if constexpr (kTilesBuilt) gemm_amx(args);
}

void clear(const GemmArgs& args) {
  for (int row = 0; row < args.m; ++row) std::fill_n(args.c + static_cast<ptrdiff_t>(row) * args.ldc, args.n, real{0});
}

}  // namespace

bool has_bf16_gemm() {
  static const bool has = kTilesBuilt && can_run_tiles();
  return has;
}

void gemm(GemmPrecision precision, const GemmArgs& args) {
  assert(args.beta == 0 || args.beta == 1);
  if (args.m == 0 || args.n == 0) return;
  if (args.k == 0) {
    if (args.beta == 0) clear(args);
    return;
  }
  if (precision == GemmPrecision::f32) {
    gemm_openblas(args);
  } else {
    assert(has_bf16_gemm());
    gemm_bf16(args);
  }
}

}  // namespace bantam
