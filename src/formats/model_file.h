// What every model format is read into and written from: metadata and named tensors. `model/` turns it into a Model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "base/metadata.h"
#include "tensor/dtype.h"

namespace bantam {

// A tensor as it lies in a file.
struct NamedTensor {
  std::string name;
  DType dtype = DType::f32;
  std::vector<int64_t> shape;        // outermost first: {rows, cols}; a row is contiguous
  std::span<const std::byte> bytes;  // aligned for the dtype, as far as the file's own bytes are
};

// Bytes of a tensor. Throws FormatError naming source, tensor and dimension when a dimension is outside [1, 2^31), a
// row is not whole blocks of the dtype or the product does not fit 63 bits.
uint64_t tensor_bytes(std::string_view source, std::string_view name, DType dtype, std::span<const int64_t> shape);

// Throws FormatError unless `name` is 1 to `max_bytes` bytes of UTF-8 without control characters; `what` is "key", ...
void check_name(std::string_view source, std::string_view what, std::string_view name, size_t max_bytes);

// The memory that a ModelFile's tensors look into.
struct TensorStorage {
  std::vector<MappedFile> files;
  std::vector<std::vector<std::byte>> copies;  // of tensors that the file leaves misaligned
};

// A model file held open. Moving it keeps all spans valid.
class ModelFile {
 public:
  // Throws FormatError naming the tensor when two have one name.
  ModelFile(Metadata metadata, std::vector<NamedTensor> tensors, TensorStorage storage);

  // One file of the tensors of several (shards); `parts` lose theirs. Their metadata is dropped.
  static ModelFile join(Metadata metadata, std::vector<ModelFile> parts);

  // The same file with other tensors, which look into its memory or into `copies`.
  ModelFile with_tensors(std::vector<NamedTensor> tensors, std::vector<std::vector<std::byte>> copies) &&;

  Metadata metadata;

  const std::string& source() const { return metadata.source(); }
  // In file order.
  std::span<const NamedTensor> tensors() const { return tensors_; }
  // Null when there is no such tensor.
  const NamedTensor* find(std::string_view name) const;
  // MappedFile::identity() of its files, in order; empty when it was not read from any.
  std::string identity() const;
  // Gives the memory of bytes that were read from a mapped file back; reading them again reads the file again.
  void drop_pages(std::span<const std::byte> bytes) const;

 private:
  std::vector<NamedTensor> tensors_;
  std::vector<uint32_t> by_name_;  // positions in tensors_, sorted by name
  TensorStorage storage_;
};

}  // namespace bantam
