// What a model family is to the loader: how a checkpoint's metadata and tensor names map to ModelConfig and to the
// tensor list in weights.h. One file per family; families.cpp lists them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "formats/model_file.h"
#include "model/config.h"

namespace bantam {

struct Family {
  std::string_view name;             // general.architecture in GGUF
  std::string_view hf_architecture;  // architectures[0] in config.json
  RopePairs gguf_rope_pairs;         // how GGUF files of this family order the rows of q and k

  // Read the metadata keys of a file into a config, not yet validated. Throw FormatError and UnsupportedError.
  ModelConfig (*from_gguf)(const ModelFile& file);
  ModelConfig (*from_hf)(const ModelFile& folder);
  // The keys that from_gguf() or from_hf() reads back.
  void (*to_gguf)(const ModelConfig& config, Metadata& metadata);
  void (*to_hf)(const ModelConfig& config, Metadata& metadata);
  // Hugging Face's name of a tensor in weights.h.
  std::string (*hf_tensor_name)(std::string_view name);
};

std::span<const Family* const> all_families();

// Throw UnsupportedError with the list of known ones.
const Family& family_by_name(std::string_view name, const std::string& source);
const Family& family_by_hf_architecture(std::string_view name, const std::string& source);

extern const Family kLlama;
extern const Family kReader;

}  // namespace bantam
