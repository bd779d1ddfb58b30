// Speed of the kernel tables on one core: products of every format in the shapes of small models, and the kernels that
// should run at memory speed. Example: kernels_bench --benchmark_filter=avx512/matmul
//
// Products report GFLOP/s (two per multiply-add, integers alike) and the weight bytes read per second.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "base/page_buffer.h"
#include "base/rng.h"
#include "kernels/kernels.h"

namespace bantam {
namespace {

std::vector<float> random_values(size_t n) {
  Rng rng(7);
  std::vector<float> values(n);
  for (float& v : values) v = static_cast<float>(rng.normal());
  return values;
}

std::vector<std::byte> encoded(const DTypeTraits& format, size_t n) {
  const std::vector<float> values = random_values(n);
  std::vector<std::byte> bytes(row_bytes(format.dtype, static_cast<int64_t>(n)));
  format.encode(values.data(), bytes.data(), static_cast<int64_t>(n));
  return bytes;
}

// Packed where the format is, as a model runs it.
void matmul(benchmark::State& state, const Kernels& kernels, const DTypeTraits& format, int in, int outs, int rows) {
  const bool packed = is_packable(format.dtype, in), words = packed && packed_format(format.dtype).bits == 16;
  const auto slot = static_cast<size_t>(format.dtype);
  std::vector<std::byte> w = encoded(format, static_cast<size_t>(in * outs));
  const std::vector<float> x = random_values(static_cast<size_t>(in * rows));
  std::vector<float> y(static_cast<size_t>(outs * rows));
  std::vector<ActivationBlock> blocks(x.size() / kPackedValues);
  std::vector<ActivationWords> word_blocks(x.size() / kPackedValues);
  MatmulArgs args{.w = w.data(),
                  .w_row_bytes = row_bytes(format.dtype, in),
                  .in = in,
                  .x = reinterpret_cast<const std::byte*>(x.data()),
                  .x_row_bytes = static_cast<size_t>(in) * sizeof(float),
                  .rows = rows,
                  .y = y.data(),
                  .y_stride = outs};
  if (packed) {
    std::vector<std::byte> panels(packed_bytes(format.dtype, outs, in));
    const size_t panel = panel_bytes(format.dtype, in);
    for (int out = 0; out < outs; out += kPanelRows) {
      pack_panel(format.dtype, w.data() + static_cast<size_t>(out) * args.w_row_bytes, args.w_row_bytes, kPanelRows, in,
                 panels.data() + static_cast<size_t>(out / kPanelRows) * panel);
    }
    w = std::move(panels);
    kernels.quantize_activations(x.data(), blocks.data(), in * rows);
    kernels.quantize_words(x.data(), word_blocks.data(), in * rows);
    args.w = w.data();
    args.w_row_bytes = panel;
    args.x = words ? reinterpret_cast<const std::byte*>(word_blocks.data())
                   : reinterpret_cast<const std::byte*>(blocks.data());
    args.x_row_bytes =
        static_cast<size_t>(in / kPackedValues) * (words ? sizeof(ActivationWords) : sizeof(ActivationBlock));
  }
  const MatmulKernel kernel = packed ? kernels.matmul_packed[slot] : kernels.matmul[slot];
  for (auto _ : state) {
    kernel(args, 0, outs);
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
  const auto runs = static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * in * outs * rows * runs, benchmark::Counter::kIsRate);
  state.counters["GB/s"] = benchmark::Counter(1e-9 * static_cast<double>(w.size()) * runs, benchmark::Counter::kIsRate);
}

// Spans of one head seen by `count` queries: 3 is a token of a model whose query heads share keys by threes. They lie
// in memory as a sequence's do, one after the other; all of them are more than the caches hold unless `near`.
void attend(benchmark::State& state, const Kernels& kernels, const DTypeTraits& format, int count, bool near) {
  constexpr int kHeadDim = 64;
  const size_t tile = row_bytes(format.dtype, kHeadDim) * kPageTokens, span = 2 * kSpanPages * tile;
  const size_t spans = near ? 1 : (size_t{96} << 20) / span;
  const PageBuffer memory(spans * span);
  const auto one = encoded(format, size_t{kPageTokens} * kHeadDim);
  for (size_t at = 0; at < memory.size() / tile * tile; at += tile)
    std::copy(one.begin(), one.end(), memory.data() + at);
  const auto q = random_values(kHeadDim);
  std::vector<std::vector<float>> partial(static_cast<size_t>(count), std::vector<float>(kHeadDim + 2));
  std::vector<AttendQuery> queries;
  for (auto& values : partial) queries.push_back({q.data(), 0, kSpanTokens, values.data()});
  size_t next = 0;
  for (auto _ : state) {
    const std::byte* keys[kSpanPages];
    const std::byte* values[kSpanPages];
    for (size_t p = 0; p < kSpanPages; ++p) {
      keys[p] = memory.data() + next * span + p * tile;
      values[p] = keys[p] + kSpanPages * tile;
    }
    next = (next + 1) % spans;
    kernels.attend({.keys = keys,
                    .values = values,
                    .format = format.dtype,
                    .head_dim = kHeadDim,
                    .scale = 0.125f,
                    .cap = 0,
                    .queries = queries.data(),
                    .count = count});
    benchmark::ClobberMemory();
  }
  const auto runs = static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] =
      benchmark::Counter(4e-9 * kSpanTokens * kHeadDim * count * runs, benchmark::Counter::kIsRate);
  state.counters["GB/s"] = benchmark::Counter(1e-9 * static_cast<double>(span) * runs, benchmark::Counter::kIsRate);
}

// `arrays` of n floats are read or written by one call of `run(arrays)`.
template <class Run>
void stream(benchmark::State& state, size_t n, size_t arrays, size_t touched, Run run) {
  std::vector<std::vector<float>> data(arrays, random_values(n));
  for (float& v : data.back()) v *= v;  // the second moments are last
  for (auto _ : state) {
    run(data);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<int64_t>(n * sizeof(float) * touched) * state.iterations());
}

void register_table(const Kernels& kernels) {
  const std::string table(kernels.name);
  const auto add = [&](const std::string& name, auto run) {
    benchmark::RegisterBenchmark((table + "/" + name).c_str(), run);
  };
  for (const DTypeTraits& format : all_dtypes()) {
    for (const auto& [in, outs] : {std::pair(1536, 576), std::pair(256, 1024), std::pair(2048, 8192)}) {
      for (int rows : {1, 2, 4, 8, 64}) {
        add("matmul/" + std::string(format.name) + "/" + std::to_string(in) + "x" + std::to_string(outs) +
                "/rows:" + std::to_string(rows),
            [&kernels, &format, in = in, outs = outs, rows](benchmark::State& state) {
              matmul(state, kernels, format, in, outs, rows);
            });
      }
    }
  }
  for (const DType format : {DType::f32, DType::f16, DType::q8_0}) {
    for (const bool near : {true, false}) {
      for (int count : {1, 3, 15}) {
        add("attend/" + std::string(traits(format).name) + "/queries:" + std::to_string(count) + (near ? "" : "/far"),
            [&kernels, format, count, near](benchmark::State& state) {
              attend(state, kernels, traits(format), count, near);
            });
      }
    }
  }
  for (size_t n : {size_t{4096}, size_t{1} << 22}) {
    const std::string size = "/" + std::to_string(n);
    add("add" + size, [&kernels, n](benchmark::State& state) {
      stream(state, n, 3, 3, [&](auto& d) { kernels.add(d[0].data(), d[1].data(), d[2].data(), n); });
    });
    add("gated" + size, [&kernels, n](benchmark::State& state) {
      stream(state, n, 3, 3,
             [&](auto& d) { kernels.gated(Activation::silu, d[0].data(), d[1].data(), d[2].data(), n); });
    });
    add("gated_backward" + size, [&kernels, n](benchmark::State& state) {
      stream(state, n, 5, 7, [&](auto& d) {
        kernels.gated_backward(Activation::silu, d[0].data(), d[1].data(), d[2].data(), d[3].data(), d[4].data(), n);
      });
    });
    add("adamw" + size, [&kernels, n](benchmark::State& state) {
      stream(state, n, 4, 7, [&](auto& d) {
        kernels.adamw({.w = d[0].data(),
                       .g = d[1].data(),
                       .m = d[2].data(),
                       .v = d[3].data(),
                       .n = n,
                       .lr = 1e-3f,
                       .beta1 = 0.9f,
                       .beta2 = 0.99f,
                       .eps = 1e-8f,
                       .weight_decay = 0.1f,
                       .bias1 = 1,
                       .bias2 = 1,
                       .grad_scale = 1});
      });
    });
  }
  for (int n : {576, 4096}) {
    const auto size = static_cast<size_t>(n);
    const std::string suffix = "/" + std::to_string(n);
    add("rmsnorm" + suffix, [&kernels, n, size](benchmark::State& state) {
      stream(state, size, 3, 3, [&](auto& d) { kernels.rmsnorm(d[0].data(), d[1].data(), d[2].data(), n, 1e-6f, 0); });
    });
    add("rmsnorm_backward" + suffix, [&kernels, n, size](benchmark::State& state) {
      stream(state, size, 5, 7, [&](auto& d) {
        kernels.rmsnorm_backward(d[0].data(), d[1].data(), 1, d[2].data(), d[3].data(), d[4].data(), n, 0);
      });
    });
    add("softmax" + suffix, [&kernels, n, size](benchmark::State& state) {
      stream(state, size, 1, 2, [&](auto& d) { kernels.softmax(d[0].data(), n); });
    });
    add("quantize_activations" + suffix, [&kernels, n, size](benchmark::State& state) {
      std::vector<ActivationBlock> blocks(size / kPackedValues);
      stream(state, size, 1, 1, [&](auto& d) { kernels.quantize_activations(d[0].data(), blocks.data(), n); });
    });
  }
}

}  // namespace
}  // namespace bantam

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  for (const bantam::Kernels* table : bantam::usable_kernels()) bantam::register_table(*table);
  benchmark::RunSpecifiedBenchmarks();
}
