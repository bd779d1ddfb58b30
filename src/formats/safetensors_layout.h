// Limits and dtype names of safetensors that its reader and its writer share.
#pragma once

#include <bit>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "tensor/dtype.h"

namespace bantam::safetensors {

static_assert(std::endian::native == std::endian::little, "safetensors values are used as they lie in memory");

inline constexpr size_t kMaxHeaderBytes = 100'000'000;  // as in the reference implementation
inline constexpr size_t kMaxTensorNameBytes = 512;
inline constexpr size_t kMaxKeyBytes = 65535;
inline constexpr size_t kMaxDims = 8;

inline constexpr const char* kMetadataName = "__metadata__";

inline constexpr std::pair<std::string_view, DType> kNames[] = {
    {"F32", DType::f32}, {"F16", DType::f16}, {"BF16", DType::bf16}, {"F64", DType::f64}};

inline std::optional<DType> dtype_of(std::string_view name) {
  for (const auto& [known, dtype] : kNames) {
    if (known == name) return dtype;
  }
  return std::nullopt;
}

inline std::optional<std::string_view> name_of(DType dtype) {
  for (const auto& [name, known] : kNames) {
    if (known == dtype) return name;
  }
  return std::nullopt;
}

// For error messages.
inline constexpr std::string_view kKnownNames = "F32, F16, BF16, F64";

}  // namespace bantam::safetensors
