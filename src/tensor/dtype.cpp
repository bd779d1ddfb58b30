#include "tensor/dtype.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <string>

#include "tensor/quant/float16.h"
#include "tensor/quant/iq4.h"
#include "tensor/quant/mxfp4.h"
#include "tensor/quant/q2_k.h"
#include "tensor/quant/q3_k.h"
#include "tensor/quant/q4_0.h"
#include "tensor/quant/q4_1.h"
#include "tensor/quant/q4_k.h"
#include "tensor/quant/q5.h"
#include "tensor/quant/q6_k.h"
#include "tensor/quant/q8_0.h"
#include "tensor/quant/ternary.h"

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

template <class Block>
void decode_blocks(const std::byte* blocks, float* values, int64_t n) {
  for (int64_t i = 0; i < n; i += Block::kValues, blocks += sizeof(Block)) {
    Block block;
    std::memcpy(&block, blocks, sizeof block);
    decode_block(block, values + i);
  }
}

template <class Block>
void mark_out_of_range(Block& block) {
  block.scale = kHalfNaN;
}
void mark_out_of_range(BlockMxfp4& block) {  // which has no NaN: infinities
  block.exponent = 255;
  std::fill(std::begin(block.q), std::end(block.q), uint8_t{0x77});
}

template <class Block>
void encode_blocks_weighted(const float* values, const float* importance, std::byte* blocks, int64_t n) {
  const auto in_range = [](float v) { return std::fabs(v) <= kHuge; };
  for (int64_t i = 0; i < n; i += Block::kValues, blocks += sizeof(Block)) {
    Block block{};
    if (std::all_of(values + i, values + i + Block::kValues, in_range)) {
      encode_block(values + i, importance ? importance + i : nullptr, block);
    } else {
      mark_out_of_range(block);
    }
    std::memcpy(blocks, &block, sizeof block);
  }
}

template <class Block>
void encode_blocks(const float* values, std::byte* blocks, int64_t n) {
  encode_blocks_weighted<Block>(values, nullptr, blocks, n);
}

template <class Block>
constexpr DTypeTraits searched(DType dtype, std::string_view name) {
  return {dtype,
          name,
          Block::kValues,
          sizeof(Block),
          decode_blocks<Block>,
          encode_blocks<Block>,
          encode_blocks_weighted<Block>};
}

constexpr DTypeTraits kTraits[] = {
    {DType::f32, "f32", 1, 4, decode_each<float, same>, encode_each<float, same>},
    {DType::f16, "f16", 1, 2, decode_each<uint16_t, f16_to_f32>, encode_each<uint16_t, f32_to_f16>},
    {DType::bf16, "bf16", 1, 2, decode_each<uint16_t, bf16_to_f32>, encode_each<uint16_t, f32_to_bf16>},
    {DType::q8_0, "q8_0", 32, sizeof(BlockQ8_0), decode_q8_0, encode_q8_0},
    searched<BlockQ6_K>(DType::q6_k, "q6_k"),
    searched<BlockQ5_K>(DType::q5_k, "q5_k"),
    searched<BlockQ5_1>(DType::q5_1, "q5_1"),
    searched<BlockQ5_0>(DType::q5_0, "q5_0"),
    searched<BlockQ4_K>(DType::q4_k, "q4_k"),
    searched<BlockQ4_1>(DType::q4_1, "q4_1"),
    {DType::q4_0, "q4_0", 32, sizeof(BlockQ4_0), decode_q4_0, encode_q4_0, encode_blocks_weighted<BlockQ4_0>},
    searched<BlockIq4Nl>(DType::iq4_nl, "iq4_nl"),
    searched<BlockIq4Xs>(DType::iq4_xs, "iq4_xs"),
    searched<BlockMxfp4>(DType::mxfp4, "mxfp4"),
    searched<BlockQ3_K>(DType::q3_k, "q3_k"),
    searched<BlockQ2_K>(DType::q2_k, "q2_k"),
    searched<BlockTq2_0>(DType::tq2_0, "tq2_0"),
    searched<BlockTq1_0>(DType::tq1_0, "tq1_0"),
    {DType::f64, "f64", 1, 8, decode_each<double, narrow>, encode_each<double, widen>},
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
