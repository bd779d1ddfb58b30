// How a file format stores the tensors of weights.h: under which names, in which order of rows, and which of them as
// parts of one. Loading and saving both go by it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "formats/model_file.h"
#include "model/config.h"

namespace bantam {

// A name of weights.h without "blk.N." and ".weight" or ".bias", and what takes its place. "{}" is an expert's number.
using StemPair = std::pair<std::string_view, std::string_view>;

struct TensorLayout {
  RopePairs rope_pairs = RopePairs::halves;  // the order of the rows of q and k
  bool fused_qkv = false;                    // attn_q, attn_k and attn_v as one: attn_qkv
  bool fused_gate_up = false;                // ffn_gate and ffn_up as one: ffn_up
  bool stacked_experts = false;              // ffn_gate.0, ffn_gate.1, ... as one of three dimensions: ffn_gate_exps
  bool norms_minus_one = false;              // norms hold w where we multiply by 1 + w
  std::span<const StemPair> stems = {};      // empty: names are GGUF's
  std::string_view layers = "blk.";          // takes the place of "blk."

  // What the format calls a tensor of weights.h; nothing when it has no place for it.
  std::string name_of(std::string_view name) const;
  // The same for what the format stores it as part of; `name_of(name)` when it is stored alone.
  std::string whole_of(std::string_view name) const;
  // The tensor of this file that holds `name`, alone if it is there, else as a part; null when there is neither.
  const NamedTensor* find(const ModelFile& file, std::string_view name) const;
};

// Names of GGUF's tensors that hold ModelConfig's rope factors.
inline constexpr std::string_view kRopeFactors = "rope_freqs.weight";
inline constexpr std::string_view kShortRopeFactors = "rope_factors_short.weight";
inline constexpr std::string_view kLongRopeFactors = "rope_factors_long.weight";

}  // namespace bantam
