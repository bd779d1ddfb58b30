#include "shrink/mix.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/error.h"

namespace bantam {
namespace {

// Formats of one matrix in every layer, a letter each.
std::string layers(std::string_view mix, const std::string& part, MixContext context) {
  const std::map<DType, char> letters = {{DType::q2_k, '2'},  {DType::q3_k, '3'}, {DType::q4_k, '4'},
                                         {DType::q5_k, '5'},  {DType::q6_k, '6'}, {DType::q8_0, '8'},
                                         {DType::iq4_xs, 'x'}};
  std::string found;
  for (int l = 0; l < context.layers; ++l) {
    const DType format = mixed_format(*find_mix(mix), context, fmt::format("blk.{}.{}.weight", l, part));
    found += letters.contains(format) ? letters.at(format) : '?';
  }
  return found;
}

TEST(Mix, every_name_leads_to_its_mix_and_bases_have_a_file_type) {
  for (const Mix& mix : all_mixes()) EXPECT_EQ(find_mix(mix.name), &mix);
  EXPECT_EQ(find_mix("q4_k_xl"), nullptr);
  EXPECT_EQ(find_mix("q4_k_m")->file_type, 15);
}

TEST(Mix, q4_k_m_gives_the_sensitive_layers_more_bits) {
  const MixContext context{.layers = 16};
  EXPECT_EQ(layers("q4_k_m", "attn_v", context), "6644644644644666");
  EXPECT_EQ(layers("q4_k_m", "attn_q", context), std::string(16, '4'));
}

TEST(Mix, importance_and_shared_heads_change_the_choice) {
  const MixContext plain{.layers = 16}, shared{.layers = 16, .heads_per_kv = 4};
  MixContext weighted = plain;
  weighted.importance = true;
  EXPECT_EQ(layers("iq4_xs", "ffn_down", plain), "55xxxxxxxxxxxxxx");
  EXPECT_EQ(layers("iq4_xs", "ffn_down", weighted), "xxxxxxxxxxxxxxxx");
  EXPECT_EQ(layers("q2_k", "attn_v", plain), std::string(16, '3'));
  EXPECT_EQ(layers("q2_k", "attn_v", shared), std::string(16, '4'));
}

TEST(Mix, the_head_gets_six_bits_and_so_does_a_table_that_is_both) {
  const Mix& mix = *find_mix("q2_k");
  EXPECT_EQ(mixed_format(mix, {.tied = true}, "token_embd.weight"), DType::q6_k);
  EXPECT_EQ(mixed_format(mix, {.tied = false}, "token_embd.weight"), DType::q2_k);
  EXPECT_EQ(mixed_format(mix, {.tied = false}, "output.weight"), DType::q6_k);
  EXPECT_EQ(mixed_format(*find_mix("f16"), {.tied = true}, "token_embd.weight"), DType::f16);
}

TEST(Mix, rows_that_are_not_whole_blocks_fall_back_to_blocks_of_32_and_then_to_f16) {
  for (const DTypeTraits& t : all_dtypes()) {
    EXPECT_EQ(fitting_format(t.dtype, 512), t.dtype);
    const DType fallback = fitting_format(t.dtype, 704);
    EXPECT_EQ(704 % traits(fallback).block, 0) << t.name;
    const auto bits = [](const DTypeTraits& f) { return static_cast<double>(f.block_bytes) / f.block; };
    EXPECT_GE(bits(traits(fallback)), bits(t)) << t.name;
    EXPECT_LT(bits(traits(fallback)), t.block > 32 ? 1.1 : 9) << t.name << ": a fallback without need";
    EXPECT_EQ(fitting_format(t.dtype, 40), t.block > 1 ? DType::f16 : t.dtype);
  }
}

}  // namespace
}  // namespace bantam
