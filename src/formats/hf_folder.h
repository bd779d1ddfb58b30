// A model as Hugging Face keeps it: a folder with config.json, safetensors and tokenizer.json.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "formats/model_file.h"
#include "formats/tensor_source.h"

namespace bantam {

// Keys of config.json have this prefix in Metadata; members of nested objects follow a dot: "hf.rope_scaling.factor".
inline constexpr std::string_view kHfPrefix = "hf.";

// Reads config.json, the tensors of model.safetensors or of the shards model.safetensors.index.json lists, and, where
// the folder has one, the tokenizer. Tensors keep Hugging Face's names, which `model/families` translates. Values of
// config.json that Metadata cannot hold (null, empty or mixed arrays, arrays of arrays or objects) are left out.
// Throws IoError, FormatError or UnsupportedError naming the file of the folder.
ModelFile read_hf_folder(const std::filesystem::path& folder);

// Writes config.json from the keys with kHfPrefix, model.safetensors, and, when the metadata has one, the tokenizer.
// The folder is made if needed; each file is written all or nothing, config.json last. Throws as write_safetensors()
// and write_hf_tokenizer() do, and FormatError for a key that would be both a value and an object.
void write_hf_folder(const std::filesystem::path& folder, const Metadata& metadata,
                     std::span<const TensorSource> tensors);

}  // namespace bantam
