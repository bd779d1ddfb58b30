// Dense matrix products for training, one thread per call: f32 through OpenBLAS, or bf16 products with f32 sums on
// CPUs with AMX tiles. Unlike the kernels in kernels.h, a row's bits may depend on the shape of the call.
#pragma once

#include <string_view>

#include "tensor/tensor.h"

namespace bantam {

enum class GemmPrecision { f32, bf16 };

// c[m, n] = alpha * op(a)[m, k] * op(b)[k, n] + beta * c, row-major; op is the transpose when the flag is set.
// Leading dimensions count elements of the matrix as stored. beta is 0 (c is not read) or 1.
template <class T>
struct BasicGemmArgs {
  bool transpose_a = false, transpose_b = false;
  int m = 0, n = 0, k = 0;
  T alpha = 1;
  const T* a = nullptr;
  int lda = 0;
  const T* b = nullptr;
  int ldb = 0;
  T beta = 0;
  T* c = nullptr;
  int ldc = 0;
};
using GemmArgs = BasicGemmArgs<real>;

// Same bits for the same call, every time. Threads may call it at the same time. m, n, k may be 0.
void gemm(GemmPrecision precision, const GemmArgs& args);

// Whether this build, CPU and kernel can run bf16 tiles. gemm() with bf16 is a bug where this is false.
bool has_bf16_gemm();

// Name and version of the BLAS and the kernel it chose, for benchmark reports.
std::string_view gemm_library();

}  // namespace bantam
