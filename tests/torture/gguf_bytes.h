// GGUF files put together piece by piece, and the places in a valid one that say how what follows is to be read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf_layout.h"

namespace bantam::torture {

class GgufBytes {
 public:
  // Magic, version 3 and counts.
  static GgufBytes header(uint64_t tensors, uint64_t keys);

  template <class T>
  GgufBytes& put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  GgufBytes& text(std::string_view text) { return put(uint64_t{text.size()}).raw(text); }
  GgufBytes& raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }
  // A key and its type; the value follows.
  GgufBytes& key(std::string_view name, gguf::ValueType type) { return text(name).put(type); }
  GgufBytes& array(std::string_view name, gguf::ValueType element, uint64_t n) {
    return key(name, gguf::ValueType::array).put(element).put(n);
  }
  GgufBytes& pad(size_t alignment = 32) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment, '\0');
    return *this;
  }
  const std::string& str() const { return bytes_; }

 private:
  std::string bytes_;
};

// A tensor's record; the defaults are right for 32 bytes of data.
struct GgufRecord {
  std::string name = "a";
  uint32_t dims = 1;
  std::vector<uint64_t> shape = {8};
  uint32_t dtype = 0;
  uint64_t offset = 0;
};

// A file of these tensors and no metadata, with `data_bytes` of data.
std::string gguf_of(const std::vector<GgufRecord>& records, size_t data_bytes = 32);

enum class GgufField : uint8_t {
  tensor_count,
  key_count,
  key_length,
  value_type,
  value,  // a number or bool alone
  string_length,
  element_type,
  array_length,
  element_length,  // of a string in an array
  name_length,
  dims,
  dimension,
  weight_format,
  offset,
};
inline constexpr std::string_view kGgufFieldNames[] = {"tensor count",
                                                       "key count",
                                                       "key length",
                                                       "value type",
                                                       "value",
                                                       "string length",
                                                       "element type",
                                                       "array length",
                                                       "length of a string in an array",
                                                       "name length",
                                                       "number of dimensions",
                                                       "dimension",
                                                       "weight format",
                                                       "offset"};

struct GgufPlace {
  GgufField field;
  size_t at, bytes;
};

// Of a valid file, in order; of the strings in an array the first three.
std::vector<GgufPlace> gguf_places(const std::string& file);

}  // namespace bantam::torture
