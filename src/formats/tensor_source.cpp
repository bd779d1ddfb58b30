#include "formats/tensor_source.h"

#include <algorithm>
#include <set>

#include "base/error.h"

namespace bantam {

TensorSource source_of(const NamedTensor& tensor) {
  return {tensor.name, tensor.dtype, tensor.shape, [bytes = tensor.bytes](const ByteSink& put) { put(bytes); }};
}

std::vector<TensorSource> sources_of(std::span<const NamedTensor> tensors) {
  std::vector<TensorSource> sources;
  sources.reserve(tensors.size());
  for (const NamedTensor& tensor : tensors) sources.push_back(source_of(tensor));
  return sources;
}

void check_sources(std::string_view target, std::span<const TensorSource> tensors, size_t max_name_bytes) {
  std::set<std::string_view> names;
  for (const TensorSource& tensor : tensors) {
    check_name(target, "tensor name", tensor.name, max_name_bytes);
    if (!names.insert(tensor.name).second) throw FormatError("{}: two tensors are named '{}'", target, tensor.name);
  }
}

void write_tensor(AtomicFile& file, std::string_view target, const TensorSource& tensor) {
  constexpr size_t kPieceBytes = size_t{1} << 20;  // AtomicFile copies what it is given
  const uint64_t wanted = tensor_bytes(target, tensor.name, tensor.dtype, tensor.shape);
  uint64_t written = 0;
  tensor.produce([&](std::span<const std::byte> bytes) {
    written += bytes.size();
    if (written > wanted) return;
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), kPieceBytes))) {
      file.write(bytes.first(std::min(bytes.size(), kPieceBytes)));
    }
  });
  if (written != wanted) {
    throw Error("{}: tensor '{}' was given {} bytes, its shape asks for {}", target, tensor.name, written, wanted);
  }
}

}  // namespace bantam
