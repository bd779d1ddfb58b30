// The arithmetic under the ops: a table of pure, single-threaded functions over row ranges, one table per instruction
// set. scalar.cpp is the definition; the others are tested against it. Ops in `model/` split rows over threads.
//
// Every output element is accumulated in one order that depends only on the table and the row length, never on how many
// rows or which tile it is computed with: a row's result does not depend on its neighbours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/attend.h"
#include "kernels/packed.h"
#include "tensor/tensor.h"

namespace bantam {

// y[r * y_stride + o] = sum_i x[r][i] * w[o][i], r < rows, o in a range given apart.
struct MatmulArgs {
  const std::byte* w = nullptr;  // [out, in] in the kernel's weight format; packed: panels (packed.h)
  size_t w_row_bytes = 0;        // packed: of a panel
  int in = 0;                    // a multiple of the format's block
  const std::byte* x = nullptr;  // [rows, in]; packed: ActivationBlock or ActivationWords[rows, in / 32]
  size_t x_row_bytes = 0;
  int rows = 0;
  real* y = nullptr;
  int y_stride = 0;
};
using MatmulKernel = void (*)(const MatmulArgs& args, int out_begin, int out_end);

enum class Activation { silu, gelu_tanh, relu_squared };

struct AdamwArgs {
  real* w;
  const real* g;
  float* m;  // first and second moments
  float* v;
  size_t n;
  float lr, beta1, beta2, eps, weight_decay;
  float bias1, bias2;  // 1 - beta^t
  float grad_scale;
};

struct Kernels {
  std::string_view name;  // "scalar", "avx2", "avx_vnni", "avx512", "avx512_vnni", "neon", "neon_dot"

  // Indexed by weight format; never null for a known format.
  MatmulKernel matmul[kDTypeSlots];
  // Over packed weights; null where !is_packable(). Ranges of outputs begin at multiples of kPanelRows, and end there
  // or at the last output. All tables give the same bits.
  MatmulKernel matmul_packed[kDTypeSlots];
  // x[n] to n / 32 blocks: q and scale are exactly what encode_q8_0 gives.
  void (*quantize_activations)(const real* x, ActivationBlock* blocks, int n);
  // Likewise for weights of 16 bits. All tables give the same bits.
  void (*quantize_words)(const real* x, ActivationWords* blocks, int n);

  // Multiplies codes by activations in registers, `rounds` times as many as are in flight at once; returns how many
  // bytes were multiplied. The most that matmul_packed could do, for benchmarks.
  int64_t (*byte_products)(int64_t rounds);

  real (*dot)(const real* a, const real* b, int n);
  // y += a * x
  void (*axpy)(real a, const real* x, real* y, size_t n);
  // y = a + b; y may be a or b
  void (*add)(const real* a, const real* b, real* y, size_t n);
  // y = x / rms(x) * (w + plus), rms = sqrt(mean(x^2) + eps); returns 1 / rms
  real (*rmsnorm)(const real* x, const real* w, real* y, int n, real eps, real plus);
  // dx += d/dx; dw += d/dw, given what rmsnorm returned
  void (*rmsnorm_backward)(const real* x, const real* w, real inv_rms, const real* dy, real* dx, real* dw, int n,
                           real plus);
  // In place; returns log(sum(exp(x))).
  real (*softmax)(real* x, int n);
  // y = act(gate) * up; without `up` (null): act(gate)
  void (*gated)(Activation act, const real* gate, const real* up, real* y, size_t n);
  // dgate += ..., dup += ...; dup may be null, and is where `up` is
  void (*gated_backward)(Activation act, const real* gate, const real* up, const real* dy, real* dgate, real* dup,
                         size_t n);
  // y = cap * tanh(x / cap); y may be x
  void (*soft_cap)(const real* x, real cap, real* y, size_t n);
  // x = exp(x - shift), for attention's backward
  void (*exp_shifted)(real* x, real shift, size_t n);
  // What each query finds in one span, see attend.h.
  void (*attend)(const AttendArgs& args);
  // Adds a span's partial result to that of the spans before it, both [2 + head_dim].
  void (*attend_join)(real* state, const real* partial, int head_dim);
  // Decoupled weight decay (arXiv 1711.05101), g scaled by grad_scale first.
  void (*adamw)(const AdamwArgs& args);
};

// The table for this CPU, chosen once: the best supported one, or BANTAM_KERNELS=name from the environment.
// Throws UsageError listing the known and the usable names when that name is neither.
const Kernels& active_kernels();

// Every table compiled in and usable on this CPU, slowest first; the first is the scalar definition.
std::span<const Kernels* const> usable_kernels();

// A usable table by name; throws UsageError as active_kernels() does.
const Kernels& kernels_by_name(std::string_view name);

}  // namespace bantam
