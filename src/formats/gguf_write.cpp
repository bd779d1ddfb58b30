#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "formats/gguf.h"
#include "formats/gguf_layout.h"

namespace bantam {
namespace {

using gguf::ValueType;

bool fits_f32(double value) { return !std::isfinite(value) || std::abs(value) <= std::numeric_limits<float>::max(); }

// Header bytes in memory: they are small next to the tensors.
class Header {
 public:
  const std::string& bytes() const { return bytes_; }

  template <class T>
  void put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void put(ValueType type) { put(static_cast<uint32_t>(type)); }
  void put_text(std::string_view text) {
    put(uint64_t{text.size()});
    bytes_.append(text);
  }

  // Each puts the type, then the value.
  void put_value(bool value) { put_scalar(ValueType::boolean, static_cast<uint8_t>(value)); }
  void put_value(int64_t value) {
    if (std::in_range<uint32_t>(value)) return put_scalar(ValueType::u32, static_cast<uint32_t>(value));
    if (std::in_range<int32_t>(value)) return put_scalar(ValueType::i32, static_cast<int32_t>(value));
    if (value >= 0) return put_scalar(ValueType::u64, static_cast<uint64_t>(value));
    put_scalar(ValueType::i64, value);
  }
  void put_value(uint64_t value) {
    if (std::in_range<uint32_t>(value)) return put_scalar(ValueType::u32, static_cast<uint32_t>(value));
    put_scalar(ValueType::u64, value);
  }
  void put_value(double value) {
    if (fits_f32(value)) return put_scalar(ValueType::f32, static_cast<float>(value));
    put_scalar(ValueType::f64, value);
  }
  void put_value(const std::string& value) {
    put(ValueType::string);
    put_text(value);
  }
  void put_value(const std::vector<bool>& list) { put_array<uint8_t>(ValueType::boolean, list); }
  void put_value(const std::vector<int64_t>& list) {
    const bool narrow = std::all_of(list.begin(), list.end(), [](int64_t v) { return std::in_range<int32_t>(v); });
    if (narrow) return put_array<int32_t>(ValueType::i32, list);
    put_array<int64_t>(ValueType::i64, list);
  }
  void put_value(const std::vector<uint64_t>& list) { put_array<uint64_t>(ValueType::u64, list); }
  void put_value(const std::vector<double>& list) {
    if (std::all_of(list.begin(), list.end(), fits_f32)) return put_array<float>(ValueType::f32, list);
    put_array<double>(ValueType::f64, list);
  }
  void put_value(const std::vector<std::string>& list) {
    put_array_start(ValueType::string, list.size());
    for (const std::string& text : list) put_text(text);
  }

 private:
  template <class T>
  void put_scalar(ValueType type, T value) {
    put(type);
    put(value);
  }
  void put_array_start(ValueType element, size_t n) {
    put(ValueType::array);
    put(element);
    put(uint64_t{n});
  }
  template <class Stored, class List>
  void put_array(ValueType element, const List& list) {
    put_array_start(element, list.size());
    for (const auto value : list) put(static_cast<Stored>(value));
  }

  std::string bytes_;
};

uint64_t padded(uint64_t bytes) { return (bytes + gguf::kAlignment - 1) / gguf::kAlignment * gguf::kAlignment; }

void put_tensor_record(Header& header, const TensorSource& tensor, uint64_t offset) {
  header.put_text(tensor.name);
  header.put(static_cast<uint32_t>(tensor.shape.size()));
  for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size) header.put(static_cast<uint64_t>(*size));
  header.put(static_cast<uint32_t>(tensor.dtype));
  header.put(offset);
}

}  // namespace

void write_gguf(const std::filesystem::path& path, const Metadata& metadata, std::span<const TensorSource> tensors) {
  const std::string target = path.string();
  Header header;
  for (const char c : gguf::kMagic) header.put(c);
  header.put(gguf::kVersion);
  header.put(uint64_t{tensors.size()});
  header.put(uint64_t{metadata.size() - (metadata.has(gguf::kAlignmentKey) ? 1 : 0)});
  for (const auto& [key, value] : metadata) {
    if (key == gguf::kAlignmentKey) continue;
    check_name(target, "metadata key", key, gguf::kMaxKeyBytes);
    header.put_text(key);
    std::visit([&](const auto& v) { header.put_value(v); }, value);
  }

  check_sources(target, tensors, gguf::kMaxTensorNameBytes);
  uint64_t offset = 0;
  for (const TensorSource& tensor : tensors) {
    const uint64_t bytes = tensor_bytes(target, tensor.name, tensor.dtype, tensor.shape);
    if (tensor.shape.empty() || tensor.shape.size() > gguf::kMaxDims) {
      throw FormatError("{}: tensor '{}' has {} dimensions, GGUF stores 1 to {}", target, tensor.name,
                        tensor.shape.size(), gguf::kMaxDims);
    }
    put_tensor_record(header, tensor, offset);
    const auto next = checked_add(offset, padded(bytes));
    if (!next) throw FormatError("{}: the tensors add up to more than 2^64 bytes", target);
    offset = *next;
  }

  AtomicFile file(path);
  file.write(header.bytes());
  for (const TensorSource& tensor : tensors) {
    file.pad_to(gguf::kAlignment);
    write_tensor(file, target, tensor);
  }
  file.pad_to(gguf::kAlignment);
  file.commit();
}

}  // namespace bantam
