#include "gguf_bytes.h"

#include <cstring>

namespace bantam::torture {
namespace {

using gguf::ValueType;

class Walk {
 public:
  explicit Walk(const std::string& file) : file_(file) {}

  std::vector<GgufPlace> run() {
    at_ = 8;
    const auto tensors = take<uint64_t>(GgufField::tensor_count), keys = take<uint64_t>(GgufField::key_count);
    for (uint64_t i = 0; i < keys; ++i) {
      text(GgufField::key_length);
      const auto type = static_cast<ValueType>(take<uint32_t>(GgufField::value_type));
      value(type, GgufField::string_length);
    }
    for (uint64_t i = 0; i < tensors; ++i) {
      text(GgufField::name_length);
      const auto dims = take<uint32_t>(GgufField::dims);
      for (uint32_t d = 0; d < dims; ++d) take<uint64_t>(GgufField::dimension);
      take<uint32_t>(GgufField::weight_format);
      take<uint64_t>(GgufField::offset);
    }
    return std::move(places_);
  }

 private:
  template <class T>
  T take(GgufField field) {
    places_.push_back({field, at_, sizeof(T)});
    T value;
    std::memcpy(&value, file_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }

  void text(GgufField field) { at_ += take<uint64_t>(field); }

  void value(ValueType type, GgufField string_field) {
    static constexpr size_t kBytes[gguf::kValueTypes] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    if (type == ValueType::string) return text(string_field);
    if (type == ValueType::array) return array();
    places_.push_back({GgufField::value, at_, kBytes[static_cast<size_t>(type)]});
    at_ += places_.back().bytes;
  }

  void array() {
    const auto type = static_cast<ValueType>(take<uint32_t>(GgufField::element_type));
    const auto n = take<uint64_t>(GgufField::array_length);
    for (uint64_t i = 0; i < n; ++i) {
      const size_t places = places_.size();
      value(type, GgufField::element_length);
      if (type != ValueType::string || i >= 3) places_.resize(places);
    }
  }

  const std::string& file_;
  size_t at_ = 0;
  std::vector<GgufPlace> places_;
};

}  // namespace

GgufBytes GgufBytes::header(uint64_t tensors, uint64_t keys) {
  GgufBytes bytes;
  bytes.raw(gguf::kMagic).put(gguf::kVersion).put(tensors).put(keys);
  return bytes;
}

std::string gguf_of(const std::vector<GgufRecord>& records, size_t data_bytes) {
  GgufBytes out = GgufBytes::header(records.size(), 0);
  for (const GgufRecord& r : records) {
    out.text(r.name).put(r.dims);
    for (const uint64_t size : r.shape) out.put(size);
    out.put(r.dtype).put(r.offset);
  }
  return out.pad().raw(std::string(data_bytes, '\x11')).str();
}

std::vector<GgufPlace> gguf_places(const std::string& file) { return Walk(file).run(); }

}  // namespace bantam::torture
