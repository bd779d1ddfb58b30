// The f32 products: OpenBLAS, kept to the calling thread because our own pool splits the rows.
#include <cblas.h>

#include "base/shared_library.h"
#include "kernels/gemm_backends.h"

namespace bantam {
namespace {

// Loaded when a model is first trained: it starts a thread for each CPU, which no other command should wait for.
struct OpenBlas {
  SharedLibrary library{"libopenblas.so.0", "libopenblas0-pthread"};
  decltype(&::cblas_sgemm) sgemm = library.find("cblas_sgemm");
  decltype(&::cblas_dgemm) dgemm = library.find("cblas_dgemm");
  decltype(&::openblas_get_config) get_config = library.find("openblas_get_config");

  OpenBlas() {
    decltype(&::openblas_set_num_threads) set_num_threads = library.find("openblas_set_num_threads");
    set_num_threads(1);
  }
};

const OpenBlas& openblas() {
  static const OpenBlas library;
  return library;
}

CBLAS_TRANSPOSE flag(bool transpose) { return transpose ? CblasTrans : CblasNoTrans; }

}  // namespace

void gemm_openblas(const BasicGemmArgs<float>& g) {
  openblas().sgemm(CblasRowMajor, flag(g.transpose_a), flag(g.transpose_b), g.m, g.n, g.k, g.alpha, g.a, g.lda, g.b,
                   g.ldb, g.beta, g.c, g.ldc);
}

void gemm_openblas(const BasicGemmArgs<double>& g) {
  openblas().dgemm(CblasRowMajor, flag(g.transpose_a), flag(g.transpose_b), g.m, g.n, g.k, g.alpha, g.a, g.lda, g.b,
                   g.ldb, g.beta, g.c, g.ldc);
}

std::string_view gemm_library() {
  static const std::string_view config = openblas().get_config();  // a static buffer that names the chosen core too
  return config;
}

}  // namespace bantam
