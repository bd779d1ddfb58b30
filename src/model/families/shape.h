// What the families' metadata have in common, for the family files.
#pragma once

#include <string>

#include "model/families/family.h"

namespace bantam {

inline constexpr int64_t kMostInt = INT32_MAX;

// "llama.block_count" of the family's GGUF keys.
std::string gguf_key(const Family& family, std::string_view rest);

// The first dimension of a matrix, where the vocabulary's size is read from. Throws FormatError.
int rows_of(const ModelFile& file, const TensorLayout& layout, std::string_view name);

// Which biases a file has, and whether it has an output matrix of its own.
void note_optional_tensors(const ModelFile& file, const TensorLayout& layout, ModelConfig& config);

// Gives `window` to the layers that see only a part: all of them where `every` is 1, else all but each `every`-th.
void set_windows(ModelConfig& config, int window, int every);
// The window that set_windows() was given, 0 for none. Throws UnsupportedError when the layers are not as it leaves
// them.
int window_of(const ModelConfig& config, int every, const std::string& source);

// The first layer that sees all, or, without one, the first: what a file says once holds for this one.
const LayerConfig& main_layer(const ModelConfig& config);

// The keys sliding_window and layer_types of a config.json; without the second, set_windows() with `every`.
void read_hf_windows(const Metadata& metadata, ModelConfig& config, int every);
void write_hf_windows(const ModelConfig& config, Metadata& metadata);

// rope_scaling, or rope_parameters as newer configs call it, but for its base. Throws UnsupportedError for kinds that
// are not known.
void read_hf_rope_scaling(const ModelFile& folder, ModelConfig& config);
void write_hf_rope_scaling(const ModelConfig& config, Metadata& metadata);

// The activation of a config.json, or the config's own when it names none. Throws UnsupportedError.
Activation read_hf_activation(const Metadata& metadata, const ModelConfig& config);

// Throws UnsupportedError unless all layers have the same value: most config.json have one for all.
int same_in_all_layers(const ModelConfig& config, int LayerConfig::*field, std::string_view what,
                       const std::string& source);

}  // namespace bantam
