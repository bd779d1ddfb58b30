#include "tensor/dtype.h"

#include <fmt/format.h>

#include <array>
#include <cassert>
#include <cstring>
#include <string>

#include "tensor/quant/float16.h"
#include "tensor/quant/q4_0.h"
#include "tensor/quant/q8_0.h"

namespace bantam {
namespace {

// Element-wise formats: one stored `Stored` per value.
template <class Stored, float (*from)(Stored)>
void decode_each(const std::byte* stored, float* values, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    Stored s;
    std::memcpy(&s, stored + static_cast<size_t>(i) * sizeof s, sizeof s);
    values[i] = from(s);
  }
}

template <class Stored, Stored (*to)(float)>
void encode_each(const float* values, std::byte* stored, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const Stored s = to(values[i]);
    std::memcpy(stored + static_cast<size_t>(i) * sizeof s, &s, sizeof s);
  }
}

float same(float v) { return v; }
float narrow(double v) { return static_cast<float>(v); }
double widen(float v) { return v; }

constexpr DTypeTraits kTraits[] = {
    {DType::f32, "f32", 1, 4, DType::f32, decode_each<float, same>, encode_each<float, same>},
    {DType::f16, "f16", 1, 2, DType::f32, decode_each<uint16_t, f16_to_f32>, encode_each<uint16_t, f32_to_f16>},
    {DType::bf16, "bf16", 1, 2, DType::f32, decode_each<uint16_t, bf16_to_f32>, encode_each<uint16_t, f32_to_bf16>},
    {DType::q8_0, "q8_0", 32, sizeof(BlockQ8_0), DType::q8_0, decode_q8_0, encode_q8_0},
    {DType::q4_0, "q4_0", 32, sizeof(BlockQ4_0), DType::q8_0, decode_q4_0, encode_q4_0},
    {DType::f64, "f64", 1, 8, DType::f32, decode_each<double, narrow>, encode_each<double, widen>},
};

constexpr auto kById = [] {
  std::array<const DTypeTraits*, kDTypeSlots> table{};
  for (const DTypeTraits& t : kTraits) table[static_cast<size_t>(t.dtype)] = &t;
  return table;
}();

}  // namespace

const DTypeTraits& traits(DType dtype) {
  const DTypeTraits* t = kById[static_cast<size_t>(dtype)];
  assert(t);
  return *t;
}

std::span<const DTypeTraits> all_dtypes() { return kTraits; }

std::optional<DType> dtype_from_id(uint32_t id) {
  if (id >= kDTypeSlots || !kById[id]) return std::nullopt;
  return kById[id]->dtype;
}

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const DTypeTraits& t : kTraits) {
    if (t.name == name) return t.dtype;
  }
  return std::nullopt;
}

std::string_view known_dtypes() {
  static const std::string names = [] {
    std::string list;
    for (const DTypeTraits& t : kTraits) list += fmt::format("{}{}", list.empty() ? "" : ", ", t.name);
    return list;
  }();
  return names;
}

size_t row_bytes(DType dtype, int64_t n) {
  const DTypeTraits& t = traits(dtype);
  assert(n % t.block == 0);
  return static_cast<size_t>(n / t.block) * t.block_bytes;
}

}  // namespace bantam
