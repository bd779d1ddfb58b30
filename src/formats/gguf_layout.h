// Constants of the GGUF format that its reader and its writer share (docs/gguf.md of ggml).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bantam::gguf {

static_assert(std::endian::native == std::endian::little, "GGUF values are copied as they lie in memory");

inline constexpr std::string_view kMagic = "GGUF";
inline constexpr uint32_t kVersion = 3;
inline constexpr size_t kAlignment = 32;
inline constexpr std::string_view kAlignmentKey = "general.alignment";
inline constexpr size_t kMaxKeyBytes = 65535;
inline constexpr size_t kMaxTensorNameBytes = 256;  // the specification says 64, which not every converter respects
inline constexpr uint32_t kMaxDims = 4;

enum class ValueType : uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };
inline constexpr uint32_t kValueTypes = 13;

}  // namespace bantam::gguf
