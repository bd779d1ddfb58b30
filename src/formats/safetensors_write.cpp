#include <algorithm>

#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "formats/safetensors.h"
#include "formats/safetensors_layout.h"

namespace bantam {
namespace {

Json metadata_strings(const Metadata& metadata) {
  Json strings = Json::object();
  for (const auto& [key, value] : metadata) {
    const auto* text = std::get_if<std::string>(&value);
    if (text && key.starts_with(kSafetensorsPrefix)) strings[key.substr(kSafetensorsPrefix.size())] = *text;
  }
  return strings;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const Metadata& metadata,
                       std::span<const TensorSource> tensors) {
  const std::string target = path.string();
  check_sources(target, tensors, safetensors::kMaxTensorNameBytes);
  std::vector<const TensorSource*> ordered;
  for (const TensorSource& tensor : tensors) {
    if (!safetensors::name_of(tensor.dtype)) {
      throw UnsupportedError("{}: tensor '{}' is {}, but safetensors stores {}; write GGUF or dequantise first", target,
                             tensor.name, traits(tensor.dtype).name, safetensors::kKnownNames);
    }
    if (tensor.shape.size() > safetensors::kMaxDims) {
      throw FormatError("{}: tensor '{}' has {} dimensions, expected 0 to {}", target, tensor.name, tensor.shape.size(),
                        safetensors::kMaxDims);
    }
    if (tensor.name == safetensors::kMetadataName) {
      throw FormatError("{}: no tensor can be named '{}' in safetensors", target, tensor.name);
    }
    ordered.push_back(&tensor);
  }
  std::stable_sort(ordered.begin(), ordered.end(), [](const TensorSource* a, const TensorSource* b) {
    return traits(a->dtype).block_bytes > traits(b->dtype).block_bytes;
  });

  Json header = Json::object();
  if (Json strings = metadata_strings(metadata); !strings.empty())
    header[safetensors::kMetadataName] = std::move(strings);
  uint64_t begin = 0;
  for (const TensorSource* tensor : ordered) {
    const auto end = checked_add(begin, tensor_bytes(target, tensor->name, tensor->dtype, tensor->shape));
    if (!end) throw FormatError("{}: the tensors add up to more than 2^64 bytes", target);
    header[tensor->name] = {
        {"dtype", *safetensors::name_of(tensor->dtype)}, {"shape", tensor->shape}, {"data_offsets", {begin, *end}}};
    begin = *end;
  }
  std::string text = to_line(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > safetensors::kMaxHeaderBytes) {
    throw FormatError("{}: its header would take {} bytes, expected at most {}", target, text.size(),
                      safetensors::kMaxHeaderBytes);
  }

  AtomicFile file(path);
  const uint64_t header_bytes = text.size();
  file.write(std::as_bytes(std::span(&header_bytes, 1)));
  file.write(text);
  for (const TensorSource* tensor : ordered) write_tensor(file, target, *tensor);
  file.commit();
}

}  // namespace bantam
