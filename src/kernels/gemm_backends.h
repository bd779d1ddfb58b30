// What gemm.cpp chooses from. Every backend may assume m, n, k >= 1; nobody else includes this.
#pragma once

#include "kernels/gemm.h"

namespace bantam {

void gemm_openblas(const BasicGemmArgs<float>& args);
void gemm_openblas(const BasicGemmArgs<double>& args);

// Rounds the operands to bf16 (nearest even). Only for CPUs with AMX tiles, see has_bf16_gemm(); x86-64 builds only.
void gemm_amx(const BasicGemmArgs<float>& args);

}  // namespace bantam
