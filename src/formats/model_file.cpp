#include "formats/model_file.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "base/checked.h"
#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

namespace bantam {

uint64_t tensor_bytes(std::string_view source, std::string_view name, DType dtype, std::span<const int64_t> shape) {
  const DTypeTraits& format = traits(dtype);
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < 1 || shape[i] > INT32_MAX) {
      throw FormatError("{}: dimension {} of tensor '{}' is {}, expected 1 to {}", source, i, name, shape[i],
                        INT32_MAX);
    }
  }
  const auto row = static_cast<uint64_t>(shape.empty() ? 1 : shape.back()), block = static_cast<uint64_t>(format.block);
  if (row % block != 0) {
    throw FormatError("{}: tensor '{}' has rows of {} values, but {} stores whole blocks of {}", source, name, row,
                      format.name, block);
  }
  auto bytes = checked_mul<uint64_t>(row / block, format.block_bytes);
  for (size_t i = 0; bytes && i + 1 < shape.size(); ++i) bytes = checked_mul(*bytes, static_cast<uint64_t>(shape[i]));
  if (!bytes || *bytes > INT64_MAX) {
    throw FormatError("{}: the dimensions of tensor '{}' multiply to more than 2^63 bytes", source, name);
  }
  return *bytes;
}

void check_name(std::string_view source, std::string_view what, std::string_view name, size_t max_bytes) {
  const auto shown = [&] { return to_line(Json(std::string(name.substr(0, 80)))); };
  if (name.empty() || name.size() > max_bytes) {
    throw FormatError("{}: the {} {} has {} bytes, expected 1 to {}", source, what, shown(), name.size(), max_bytes);
  }
  const bool control = std::any_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
  if (control || find_invalid_utf8(name)) {
    throw FormatError("{}: the {} {} is not UTF-8 text without control characters", source, what, shown());
  }
}

ModelFile::ModelFile(Metadata metadata_in, std::vector<NamedTensor> tensors, TensorStorage storage)
    : metadata(std::move(metadata_in)), tensors_(std::move(tensors)), storage_(std::move(storage)) {
  by_name_.resize(tensors_.size());
  std::iota(by_name_.begin(), by_name_.end(), 0u);
  std::sort(by_name_.begin(), by_name_.end(),
            [&](uint32_t a, uint32_t b) { return tensors_[a].name < tensors_[b].name; });
  const auto twin = std::adjacent_find(by_name_.begin(), by_name_.end(),
                                       [&](uint32_t a, uint32_t b) { return tensors_[a].name == tensors_[b].name; });
  if (twin != by_name_.end()) {
    throw FormatError("{}: two tensors are named '{}'; names must be unique", source(), tensors_[*twin].name);
  }
}

ModelFile ModelFile::join(Metadata metadata, std::vector<ModelFile> parts) {
  std::vector<NamedTensor> tensors;
  TensorStorage storage;
  const auto move_into = [](auto& target, auto& from) {
    std::move(from.begin(), from.end(), std::back_inserter(target));
  };
  for (ModelFile& part : parts) {
    move_into(tensors, part.tensors_);
    move_into(storage.files, part.storage_.files);
    move_into(storage.copies, part.storage_.copies);
  }
  return ModelFile(std::move(metadata), std::move(tensors), std::move(storage));
}

ModelFile ModelFile::with_tensors(std::vector<NamedTensor> tensors, std::vector<std::vector<std::byte>> copies) && {
  std::move(copies.begin(), copies.end(), std::back_inserter(storage_.copies));
  return ModelFile(std::move(metadata), std::move(tensors), std::move(storage_));
}

const NamedTensor* ModelFile::find(std::string_view name) const {
  const auto it = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                   [&](uint32_t i, std::string_view wanted) { return tensors_[i].name < wanted; });
  return it != by_name_.end() && tensors_[*it].name == name ? &tensors_[*it] : nullptr;
}

std::string ModelFile::identity() const {
  std::string all;
  for (const MappedFile& file : storage_.files) all += file.identity() + "\n";
  return all;
}

void ModelFile::drop_pages(std::span<const std::byte> bytes) const {
  for (const MappedFile& file : storage_.files) file.drop_pages(bytes);
}

}  // namespace bantam
