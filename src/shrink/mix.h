// Which weight format each matrix of a model gets: the usual mixes, by the names llama.cpp gave them. Used by
// quantize().
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "formats/model_file.h"

namespace bantam {

// A format for most matrices, and better ones for those that lose most from few bits.
struct Mix {
  // Layers of a matrix that get the better format. `sensitive`: the first and last eighth and every third between.
  enum class Layers { none, first_two, first_four, first_sixteenth, first_eighth, sensitive };
  struct Choice {
    DType usual;
    Layers layers = Layers::none;
    DType better = usual;
  };

  std::string_view name;  // as on command lines: "q4_k_m"
  DType base;
  int file_type;                              // its number in `general.file_type` (llama.h, enum llama_ftype)
  DType output = DType::q6_k;                 // output.weight, and token_embd.weight when that is both
  Choice attn_v = {base}, ffn_down = {base};  // attn_qkv counts as attn_v
  DType attn_output = base, embedding = base;
  std::optional<DType> shared_v = std::nullopt;      // attn_v where four or more query heads share it
  std::optional<DType> first_down = std::nullopt;    // ffn_down of the first eighth when there is no importance
  std::optional<DType> guarded_down = std::nullopt;  // and when there is
};

// In the order they are listed to users, best first.
std::span<const Mix> all_mixes();
// Null when there is no such mix.
const Mix* find_mix(std::string_view name);

// What the choice of formats depends on besides a tensor's name.
struct MixContext {
  int layers = 1;
  int heads_per_kv = 1;  // query heads that share a head of keys and values
  int experts = 0;
  bool tied = true;  // no output.weight: token_embd.weight is both
  bool importance = false;
};

// From metadata and tensor names. Throws FormatError for metadata of the wrong type.
MixContext mix_context(const ModelFile& file, bool importance);

// Whether a tensor of two or more dimensions is quantised at all: norms, expert routers, positions and token types,
// which are small, are not.
bool is_quantised_matrix(std::string_view tensor);

// The format of a matrix, before its shape is looked at.
DType mixed_format(const Mix& mix, const MixContext& context, std::string_view tensor);

// `wanted`, or where rows of `cols` are not whole blocks of it, the format llama.cpp falls back to: one of blocks of 32
// and at least as many bits, or f16.
DType fitting_format(DType wanted, int64_t cols);

}  // namespace bantam
