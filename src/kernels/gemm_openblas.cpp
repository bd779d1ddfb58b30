// The f32 products: OpenBLAS, kept to the calling thread because our own pool splits the rows.
#include <cblas.h>

#include "kernels/gemm_backends.h"

namespace bantam {
namespace {

// Loads the library's settings once: no threads of its own.
void keep_to_calling_thread() { [[maybe_unused]] static const bool done = (openblas_set_num_threads(1), true); }

CBLAS_TRANSPOSE flag(bool transpose) { return transpose ? CblasTrans : CblasNoTrans; }

}  // namespace

void gemm_openblas(const BasicGemmArgs<float>& g) {
  keep_to_calling_thread();
  cblas_sgemm(CblasRowMajor, flag(g.transpose_a), flag(g.transpose_b), g.m, g.n, g.k, g.alpha, g.a, g.lda, g.b, g.ldb,
              g.beta, g.c, g.ldc);
}

void gemm_openblas(const BasicGemmArgs<double>& g) {
  keep_to_calling_thread();
  cblas_dgemm(CblasRowMajor, flag(g.transpose_a), flag(g.transpose_b), g.m, g.n, g.k, g.alpha, g.a, g.lda, g.b, g.ldb,
              g.beta, g.c, g.ldc);
}

std::string_view gemm_library() {
  static const std::string_view config = openblas_get_config();  // a static buffer that names the chosen core too
  return config;
}

}  // namespace bantam
