#include "model/save.h"

#include <cassert>

#include "base/error.h"
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
         name.ends_with("attn_k.bias") || name.ends_with("attn_q_norm.weight") || name.ends_with("attn_k_norm.weight");
}

bool is_norm(std::string_view name) { return name.ends_with("norm.weight"); }

// The tensors of a model in a layout, gathered in the order of weights.h. Parts that the layout stores as one follow
// each other there.
class Gatherer {
 public:
  Gatherer(const ModelConfig& config, const TensorLayout& layout) : config_(config), layout_(layout) {}

  void operator()(const std::string& name, int rows, int cols, const Matrix& w) {
    std::string stored = layout_.whole_of(name);
    if (stored.empty()) {
      throw UnsupportedError("the tensor '{}' of the family '{}' has no place in a Hugging Face checkpoint", name,
                             config_.family);
    }
    const auto produce = producer(name, rows, cols, w);
    const int count = rows == 1 ? cols : rows;
    if (sources.empty() || sources.back().name != stored) {
      const bool stacked = stored.ends_with("_exps.weight");
      sources.push_back({std::move(stored), w.dtype, {}, produce});
      std::vector<int64_t>& shape = sources.back().shape;
      if (stacked) shape.push_back(1);
      shape.push_back(count);
      if (rows > 1) shape.push_back(cols);
      return;
    }
    TensorSource& whole = sources.back();
    if (whole.dtype != w.dtype) {
      throw UnsupportedError(
          "the tensor '{}' is {} and others stored with it are {}; a family that stores them as one "
          "needs one format",
          name, traits(w.dtype).name, traits(whole.dtype).name);
    }
    whole.shape[0] += whole.shape.size() == 3 ? 1 : count;
    whole.produce = [before = std::move(whole.produce), produce](const ByteSink& put) {
      before(put);
      produce(put);
    };
  }

  std::vector<TensorSource> sources;

 private:
  std::function<void(const ByteSink&)> producer(const std::string& name, int rows, int cols, const Matrix& w) const {
    // A vector is permuted element by element, a matrix row by row: both are `count` items of `item_bytes`.
    const int count = rows == 1 ? cols : rows;
    const size_t item_bytes = rows == 1 ? row_bytes(w.dtype, 1) : w.row_bytes();
    const real plus =
        static_cast<real>(config_.norm_plus_one ? 1 : 0) - static_cast<real>(layout_.norms_minus_one ? 1 : 0);
    if (is_norm(name) && plus != 0) {
      assert(w.dtype == kRealType);
      return [=](const ByteSink& put) {
        for (int i = 0; i < count; ++i) {
          const real moved = w.values()[i] + plus;
          put(std::as_bytes(std::span(&moved, 1)));
        }
      };
    }
    if (!rotates(name) || layout_.rope_pairs == config_.rope_pairs) {
      return [=](const ByteSink& put) { put({w.data, item_bytes * static_cast<size_t>(count)}); };
    }
    return [=, head_dim = config_.head_dim, rope_dim = config_.rope_dim, from = config_.rope_pairs,
            to = layout_.rope_pairs](const ByteSink& put) {
      for (int r = 0; r < count; ++r) {
        const int row = source_row(r, head_dim, rope_dim, from, to);
        put({w.data + static_cast<size_t>(row) * item_bytes, item_bytes});
      }
    };
  }

  const ModelConfig& config_;
  const TensorLayout& layout_;
};

void add_factors(std::string_view name, const std::vector<float>& factors, std::vector<TensorSource>& out) {
  if (factors.empty()) return;
  out.push_back(
      {std::string(name), DType::f32, {static_cast<int64_t>(factors.size())}, [&factors](const ByteSink& put) {
         put(std::as_bytes(std::span(factors)));
       }});
}

}  // namespace

Metadata gguf_metadata(const ModelConfig& config) {
  Metadata meta("model");
  config_to_gguf(family_by_name(config.family, "model"), config, meta);
  return meta;
}

std::vector<TensorSource> gguf_tensors(const ModelConfig& config, const Weights& weights) {
  Gatherer gather(config, family_by_name(config.family, "model").gguf);
  for_each_tensor(config, gather, weights);
  const bool both = !config.rope_factors_long.empty();
  add_factors(both ? kShortRopeFactors : kRopeFactors, config.rope_factors, gather.sources);
  add_factors(kLongRopeFactors, config.rope_factors_long, gather.sources);
  return std::move(gather.sources);
}

Metadata hf_metadata(const ModelConfig& config) {
  Metadata meta("model");
  config_to_hf(family_by_name(config.family, "model"), config, meta);
  return meta;
}

std::vector<TensorSource> hf_tensors(const ModelConfig& config, const Weights& weights) {
  Gatherer gather(config, family_by_name(config.family, "model").hf);
  for_each_tensor(config, gather, weights);
  return std::move(gather.sources);
}

}  // namespace bantam
