#include "model/save.h"

#include "model/families/family.h"

namespace bantam {
namespace {

// Row that holds, in order `to`, what row `r` of q or k held in order `from`. Inverse of itself with the orders
// swapped.
int source_row(int r, int head_dim, int rope_dim, RopePairs from, RopePairs to) {
  const int in_head = r % head_dim, half = rope_dim / 2;
  if (from == to || in_head >= rope_dim) return r;
  const int other = to == RopePairs::neighbours ? in_head / 2 + in_head % 2 * half      // 0 1 2 3 <- 0 h 1 h+1
                                                : in_head % half * 2 + in_head / half;  // 0 1 .. h <- 0 2 .. 1
  return r - in_head + other;
}

bool rotates(std::string_view name) {
  return name.ends_with("attn_q.weight") || name.ends_with("attn_k.weight") || name.ends_with("attn_q.bias") ||
         name.ends_with("attn_k.bias");
}

std::vector<TensorSource> sources(const ModelConfig& config, const Weights& weights, RopePairs order,
                                  std::string (*rename)(std::string_view)) {
  std::vector<TensorSource> out;
  const auto add = [&](const std::string& name, int rows, int cols, const Matrix& w) {
    TensorSource source{rename ? rename(name) : name, w.dtype, {}, {}};
    source.shape = rows == 1 ? std::vector<int64_t>{cols} : std::vector<int64_t>{rows, cols};
    const bool permuted = rotates(name) && order != config.rope_pairs;
    // A bias is permuted element by element, a matrix row by row: both are `count` items of `item_bytes`.
    const int count = rows == 1 ? cols : rows;
    const size_t item_bytes = rows == 1 ? row_bytes(w.dtype, 1) : w.row_bytes();
    source.produce = [=, &config](const ByteSink& put) {
      if (!permuted) return put({w.data, item_bytes * static_cast<size_t>(count)});
      for (int r = 0; r < count; ++r) {
        const int from = source_row(r, config.head_dim, config.rope_dim, config.rope_pairs, order);
        put({w.data + static_cast<size_t>(from) * item_bytes, item_bytes});
      }
    };
    out.push_back(std::move(source));
  };
  for_each_tensor(config, add, weights);
  return out;
}

}  // namespace

Metadata gguf_metadata(const ModelConfig& config) {
  Metadata meta("model");
  meta.set("general.architecture", config.family);
  family_by_name(config.family, "model").to_gguf(config, meta);
  return meta;
}

std::vector<TensorSource> gguf_tensors(const ModelConfig& config, const Weights& weights) {
  return sources(config, weights, family_by_name(config.family, "model").gguf_rope_pairs, nullptr);
}

Metadata hf_metadata(const ModelConfig& config) {
  Metadata meta("model");
  family_by_name(config.family, "model").to_hf(config, meta);
  return meta;
}

std::vector<TensorSource> hf_tensors(const ModelConfig& config, const Weights& weights) {
  return sources(config, weights, RopePairs::halves, family_by_name(config.family, "model").hf_tensor_name);
}

}  // namespace bantam
