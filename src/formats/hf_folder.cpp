#include "formats/hf_folder.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "formats/hf_config.h"
#include "formats/hf_json.h"
#include "formats/hf_tokenizer.h"
#include "formats/safetensors.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWeights = "model.safetensors";
constexpr size_t kMaxConfigBytes = size_t{1} << 20;  // those of published models have some thousand
constexpr const char* kIndex = "model.safetensors.index.json";

// The shards an index lists, each once, and how many tensors it promises of each.
std::map<std::string, size_t> shards_of(const fs::path& index_path) {
  const SortedJson index = read_hf_json(index_path);
  const SortedJson* map = find_member(index, "weight_map");
  if (!map || !map->is_object()) throw FormatError("{}: has no object 'weight_map'", index_path.string());
  std::map<std::string, size_t> shards;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string()) {
      throw FormatError("{}: the weight_map of '{}' is a {}, expected a file name", index_path.string(), tensor,
                        file.type_name());
    }
    const auto& name = file.get_ref<const std::string&>();
    // A name with a folder in it could lead anywhere on this machine.
    if (name.find('/') != std::string::npos || !name.ends_with(".safetensors")) {
      throw FormatError("{}: the weight_map of '{}' is '{}', expected a .safetensors file of this folder",
                        index_path.string(), tensor, name);
    }
    ++shards[name];
  }
  return shards;
}

std::vector<ModelFile> read_weights(const fs::path& folder) {
  std::vector<ModelFile> parts;
  if (fs::exists(folder / kWeights)) {
    parts.push_back(read_safetensors(folder / kWeights));
    return parts;
  }
  if (!fs::exists(folder / kIndex)) {
    throw FormatError(
        "{}: has neither {} nor {}; other weight files (.bin, .pth) must be converted to safetensors first",
        folder.string(), kWeights, kIndex);
  }
  for (const auto& [name, promised] : shards_of(folder / kIndex)) {
    parts.push_back(read_safetensors(folder / name));
    const size_t found = parts.back().tensors().size();
    if (found != promised) {
      throw FormatError("{}: has {} tensors, but {} lists {} of it", parts.back().source(), found, kIndex, promised);
    }
  }
  return parts;
}

}  // namespace

ModelFile read_hf_folder(const fs::path& folder) {
  Metadata metadata(folder.string());
  const fs::path config = folder / "config.json";
  read_hf_config(read_bounded_file(config, kMaxConfigBytes), config.string(), metadata);
  read_hf_tokenizer(folder, metadata);
  return ModelFile::join(std::move(metadata), read_weights(folder));
}

void write_hf_folder(const fs::path& folder, const Metadata& metadata, std::span<const TensorSource> tensors) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) throw IoError("{}: cannot be created: {}", folder.string(), failure.message());
  const std::string config = hf_config_text(metadata);
  if (metadata.has("tokenizer.ggml.tokens")) write_hf_tokenizer(folder, metadata);
  Metadata weights_metadata;
  weights_metadata.set(std::string(kSafetensorsPrefix) + "format", std::string("pt"));
  write_safetensors(folder / kWeights, weights_metadata, tensors);
  AtomicFile file(folder / "config.json");
  file.write(config);
  file.commit();
}

}  // namespace bantam
