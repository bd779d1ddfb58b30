// The weight formats and one traits row for each. Adding a format is one enumerator, one row here and one header in
// quant/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace bantam {

// Values are GGUF's tensor type ids.
enum class DType : uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  iq4_nl = 20,
  iq4_xs = 23,
  f64 = 28,
  bf16 = 30,
  tq1_0 = 34,
  tq2_0 = 35,
  mxfp4 = 39
};

// One past the largest id: the size of tables indexed by DType.
inline constexpr size_t kDTypeSlots = 40;

struct DTypeTraits {
  DType dtype;
  std::string_view name;  // as on command lines: "q8_0"
  int block;              // values that share one block
  size_t block_bytes;
  // `n` values, n a multiple of `block`. decode is exact; encode rounds or searches for the least error. A block that
  // holds a NaN or an infinity, or values too large for its format, decodes to NaN or infinity.
  void (*decode)(const std::byte* blocks, float* values, int64_t n);
  void (*encode)(const float* values, std::byte* blocks, int64_t n);
  // The same, the squared error of each value counting in proportion to its importance (n numbers >= 0). Null for the
  // formats where nothing is searched: f32 to q8_0.
  void (*encode_weighted)(const float* values, const float* importance, std::byte* blocks, int64_t n) = nullptr;
};

// The traits of a known format.
const DTypeTraits& traits(DType dtype);

// All known formats, in the order they are listed to users.
std::span<const DTypeTraits> all_dtypes();

// From a GGUF type id or a name; nothing when this build does not know it.
std::optional<DType> dtype_from_id(uint32_t id);
std::optional<DType> dtype_from_name(std::string_view name);

// "f32, f16, ..." for error messages.
std::string_view known_dtypes();

// Bytes of a row of n values; n must be a multiple of the format's block.
size_t row_bytes(DType dtype, int64_t n);

}  // namespace bantam
