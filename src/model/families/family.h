// What a model family is to the loader: how its files' metadata and tensors map to ModelConfig and weights.h. One file
// per family, nearly all data; families.cpp lists them, shape.h has what they share.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "formats/model_file.h"
#include "model/config.h"
#include "model/families/layout.h"

namespace bantam {

// Which optional tensors a model has is read off its file; a family says only what cannot be seen there. Any of the
// functions may be null: there is nothing more to say.
struct Family {
  std::string_view name;                  // ModelConfig::family
  std::string_view gguf_name = {};        // general.architecture in GGUF; empty: `name`
  std::string_view gguf_keys = {};        // what its metadata keys begin with; empty: `name`
  std::string_view hf_architecture = {};  // architectures[0] in config.json; empty: the family has no such form
  std::string_view hf_type = {};          // model_type in config.json
  TensorLayout gguf = {}, hf = {};
  bool reads_hf_only = false;  // folders of it are read, not written

  // What all models of the family do; before anything is read.
  void (*begin)(ModelConfig& config) = nullptr;
  // Makes of a folder's tensors what `hf` describes, where they are stored as no layout can say. Throws FormatError.
  ModelFile (*arrange_hf)(ModelFile folder) = nullptr;
  // The size and shape of a config.json whose keys are not the usual ones.
  void (*hf_shape)(const ModelFile& folder, ModelConfig& config) = nullptr;
  // Read the family's own metadata, after the usual keys. Throw FormatError and UnsupportedError.
  void (*read_gguf)(const ModelFile& file, ModelConfig& config) = nullptr;
  void (*read_hf)(const ModelFile& folder, ModelConfig& config) = nullptr;
  // Set what these read back.
  void (*write_gguf)(const ModelConfig& config, Metadata& metadata) = nullptr;
  void (*write_hf)(const ModelConfig& config, Metadata& metadata) = nullptr;
};

// One name per family; families.cpp has them in order.
extern const Family kLlama, kMistral, kMixtral, kQwen2, kQwen3, kPhi3, kGemma, kGemma2, kGemma3, kOpenElm, kStarCoder2,
    kStableLm, kPhi2, kGpt2, kBitnet, kBitnet158, kReader;

std::span<const Family* const> all_families();

// Throw UnsupportedError with the list of known ones.
const Family& family_by_name(std::string_view name, const std::string& source);
const Family& family_by_hf_architecture(std::string_view name, const std::string& source);

// The config of a file of this family, not yet validated. Throw FormatError and UnsupportedError.
ModelConfig config_from_gguf(const Family& family, const ModelFile& file);
ModelConfig config_from_hf(const Family& family, const ModelFile& folder);

// Every metadata key these read back. Throw UnsupportedError when the format cannot describe this model.
void config_to_gguf(const Family& family, const ModelConfig& config, Metadata& metadata);
void config_to_hf(const Family& family, const ModelConfig& config, Metadata& metadata);

}  // namespace bantam
