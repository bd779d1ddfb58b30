// The weights of a model being trained: it owns their values and gradients and shows them as a Weights tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/page_buffer.h"
#include "model/config.h"
#include "model/weights.h"

namespace bantam {

// What an optimiser must know of a tensor.
enum class ParameterKind {
  embedding,  // token table, also the head when they are tied
  head,
  matrix,  // a hidden layer's [out, in]
  vector,  // norms and biases
};

// One trainable tensor [rows, cols], row-major. `data` is in `dtype`; `grad` has rows * cols values.
struct Parameter {
  std::string name;
  ParameterKind kind;
  int rows, cols;
  DType dtype;
  std::byte* data;
  real* grad;

  size_t size() const { return static_cast<size_t>(rows) * static_cast<size_t>(cols); }
  size_t bytes() const { return static_cast<size_t>(rows) * row_bytes(dtype, cols); }
};

class Parameters {
 public:
  // All zero. `matrices` is the format of two-dimensional tensors: kRealType or bf16; vectors are kRealType.
  // Throws UsageError for another format.
  explicit Parameters(const ModelConfig& config, DType matrices = kRealType);

  const ModelConfig& config() const { return config_; }
  const Weights& weights() const { return weights_; }
  // In for_each_tensor's order.
  std::span<const Parameter> list() const { return list_; }
  // Values in all tensors.
  size_t count() const { return count_; }
  // Of all tensors, one after the other; padding between them is zero.
  std::span<real> gradients() { return {reinterpret_cast<real*>(grad_.data()), grad_count_}; }
  void clear_gradients();

  // Embeddings and head: normal, deviation 0.02. Hidden matrices: normal, deviation 1 / sqrt(in), but zero where they
  // end a residual branch (wo, w_down), so that a fresh model is the identity on the residual stream. Norms: one (zero
  // with norm_plus_one). Biases: zero. The same on every machine.
  void initialise(uint64_t seed);

  // Copies the values of another tree with the same shapes, in any weight format, rounding to ours. What only a reader
  // has may be missing there and stays as it is.
  // Throws UsageError naming the first tensor that is missing or whose shape differs.
  void copy_from(const ModelConfig& config, const Weights& weights, const std::string& source);

 private:
  ModelConfig config_;
  Weights weights_;
  std::vector<Parameter> list_;
  size_t count_ = 0, grad_count_ = 0;
  PageBuffer data_, grad_;
};

}  // namespace bantam
