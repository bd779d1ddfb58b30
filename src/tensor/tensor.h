// Views of numbers: Tensor for activations, Matrix for weights of any format. Neither owns anything.
#pragma once

#include <cassert>
#include <cstddef>

#include "tensor/dtype.h"

namespace bantam {

// The type activations and gradients are computed in. The product uses float; one test build of the same sources
// uses double, so that gradients can be checked numerically to 1e-5.
#ifndef BANTAM_REAL
#define BANTAM_REAL float
#endif
using real = BANTAM_REAL;

// The weight format whose values are `real`.
inline constexpr DType kRealType = sizeof(real) == sizeof(double) ? DType::f64 : DType::f32;

// Rows of activations, row-major. `grad` is null unless a tape is recording.
struct Tensor {
  real* data = nullptr;
  real* grad = nullptr;
  int rows = 0, cols = 0;

  real* row(int r) const { return data + static_cast<size_t>(r) * static_cast<size_t>(cols); }
  real* grad_row(int r) const { return grad + static_cast<size_t>(r) * static_cast<size_t>(cols); }
  size_t size() const { return static_cast<size_t>(rows) * static_cast<size_t>(cols); }
};

// A weight: `rows` outputs by `cols` inputs in any format; vectors (norms, biases) have one row and kRealType.
// `grad` holds rows * cols reals while training and is null otherwise; `packed` the same weights as panels
// (kernels/packed.h), for products, where there are any.
struct Matrix {
  const std::byte* data = nullptr;
  real* grad = nullptr;
  int rows = 0, cols = 0;
  DType dtype = kRealType;
  const std::byte* packed = nullptr;

  explicit operator bool() const { return data != nullptr; }
  size_t size() const { return static_cast<size_t>(rows) * static_cast<size_t>(cols); }
  size_t row_bytes() const { return bantam::row_bytes(dtype, cols); }
  const std::byte* row(int r) const { return data + static_cast<size_t>(r) * row_bytes(); }
  real* grad_row(int r) const { return grad + static_cast<size_t>(r) * static_cast<size_t>(cols); }
  const real* values() const {
    assert(dtype == kRealType);
    return reinterpret_cast<const real*>(data);
  }
};

}  // namespace bantam
