// One optimiser step over all parameters: Muon for hidden matrices, AdamW for everything else. Used by the trainer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/run.h"
#include "train/parameters.h"

namespace bantam {

struct OptimizerSettings {
  // Both updates are scaled to a root mean square of about 0.2 per unit of learning rate, so these rates compare.
  float matrix_lr = 0.006f;   // Muon: hidden matrices
  float embed_lr = 0.006f;    // AdamW: embeddings, head, norms and biases
  float weight_decay = 0.1f;  // decoupled; only matrices and embeddings shrink
  float momentum = 0.95f;
  float beta1 = 0.9f, beta2 = 0.95f, eps = 1e-8f;
};

// What changes from step to step.
struct StepRates {
  int64_t step = 0;  // 0 is the first
  double lr_factor = 1, decay_factor = 1;
  float grad_scale = 1;  // multiplies every gradient: clipping
};

// Muon (K. Jordan, "Muon: an optimizer for hidden layers", 2024): the Nesterov momentum of the gradient, orthogonalised
// by five Newton-Schulz steps, scaled by 0.2 * sqrt(max(rows, cols)) (arXiv 2502.16982, sec. 2.2).
// AdamW: arXiv 1711.05101. Weights kept in bf16 are updated in f32 and rounded stochastically: up with the probability
// of the distance, drawn from (seed, step, position), so nothing but the step needs saving.
// Results depend neither on the number of threads nor on their timing.
class Optimizer {
 public:
  Optimizer(const Parameters& parameters, const OptimizerSettings& settings, uint64_t seed);

  // The gradients are used up. compute.precision is that of the Newton-Schulz products, which only need to be rough.
  void step(const Parameters& parameters, const Compute& compute, const StepRates& rates);

  // State of parameter i: its momentum, or its first moments followed by its second.
  std::span<float> state(size_t i) { return state_[i]; }

 private:
  void step_matrix(const Parameter& p, size_t i, GemmPrecision precision, const StepRates& rates,
                   std::vector<real>& scratch);
  void step_adamw(const Parameter& p, size_t i, const Kernels& kernels, const StepRates& rates, size_t begin,
                  size_t end);

  OptimizerSettings settings_;
  uint64_t seed_;
  std::vector<size_t> matrices_;  // parameters for Muon, the costliest first
  std::vector<std::vector<float>> state_;
  std::vector<std::vector<real>> scratch_;  // one per thread
};

// x[rows, cols] is replaced by an approximation of the nearest matrix with orthonormal rows or columns: its singular
// values end in about [0.7, 1.2]. `scratch` grows to what is needed.
void orthogonalise(GemmPrecision precision, real* x, int rows, int cols, std::vector<real>& scratch);

// Euclidean norm of all gradients, summed in double in an order that does not depend on threads.
double gradient_norm(std::span<const real> gradients, ThreadPool& pool);

}  // namespace bantam
