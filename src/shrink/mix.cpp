#include "shrink/mix.h"

#include <algorithm>
#include <charconv>

namespace bantam {
namespace {

using enum DType;
using L = Mix::Layers;

// As llama.cpp's llama-quant.cpp has them, but for architectures we do not run; mxfp4 there is for experts only.
constexpr Mix kMixes[] = {
    {"f32", f32, 0, f32},
    {"bf16", bf16, 32, bf16},
    {"f16", f16, 1, f16},
    {"q8_0", q8_0, 7, q8_0},
    {"q6_k", q6_k, 18},
    {.name = "q5_k_m",
     .base = q5_k,
     .file_type = 17,
     .attn_v = {q5_k, L::sensitive, q6_k},
     .ffn_down = {q5_k, L::sensitive, q6_k}},
    {"q5_k_s", q5_k, 16},
    {"q5_1", q5_1, 9},
    {.name = "q5_0", .base = q5_0, .file_type = 8, .guarded_down = q5_1},
    {.name = "q4_k_m",
     .base = q4_k,
     .file_type = 15,
     .attn_v = {q4_k, L::sensitive, q6_k},
     .ffn_down = {q4_k, L::sensitive, q6_k}},
    {.name = "q4_k_s",
     .base = q4_k,
     .file_type = 14,
     .attn_v = {q4_k, L::first_four, q5_k},
     .ffn_down = {q4_k, L::first_eighth, q5_k}},
    {"q4_1", q4_1, 3},
    {.name = "q4_0", .base = q4_0, .file_type = 2, .guarded_down = q4_1},
    {.name = "iq4_nl", .base = iq4_nl, .file_type = 25, .shared_v = q5_k, .first_down = q5_k},
    {.name = "iq4_xs", .base = iq4_xs, .file_type = 30, .shared_v = q5_k, .first_down = q5_k},
    {"mxfp4", mxfp4, 38, q8_0},
    {.name = "q3_k_l", .base = q3_k, .file_type = 13, .attn_v = {q5_k}, .ffn_down = {q5_k}, .attn_output = q5_k},
    {.name = "q3_k_m",
     .base = q3_k,
     .file_type = 12,
     .attn_v = {q4_k, L::first_two, q5_k},
     .ffn_down = {q4_k, L::first_sixteenth, q5_k},
     .attn_output = q4_k},
    {"q3_k_s", q3_k, 11},
    {.name = "q2_k",
     .base = q2_k,
     .file_type = 10,
     .attn_v = {q3_k},
     .ffn_down = {q3_k},
     .attn_output = q3_k,
     .shared_v = q4_k},
    {.name = "tq2_0", .base = tq2_0, .file_type = 37, .embedding = q4_k},
    {.name = "tq1_0", .base = tq1_0, .file_type = 36, .embedding = q4_k},
};

// N of "blk.N.rest"; nothing for other names.
std::optional<int> layer_of(std::string_view tensor) {
  if (!tensor.starts_with("blk.")) return std::nullopt;
  int layer = 0;
  const auto [end, error] = std::from_chars(tensor.data() + 4, tensor.data() + tensor.size(), layer);
  if (error != std::errc() || end == tensor.data() + tensor.size() || *end != '.') return std::nullopt;
  return layer;
}

bool among(Mix::Layers which, int layer, int layers) {
  const int eighth = layers / 8;
  switch (which) {
    case L::none:
      return false;
    case L::first_two:
      return layer < 2;
    case L::first_four:
      return layer < 4;
    case L::first_sixteenth:
      return layer < layers / 16;
    case L::first_eighth:
      return layer < eighth;
    case L::sensitive:
      return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
  }
  return false;
}

DType chosen(const Mix::Choice& choice, int layer, int layers) {
  return among(choice.layers, layer, layers) ? choice.better : choice.usual;
}

DType attn_v_format(const Mix& mix, const MixContext& context, int layer) {
  if (context.experts == 8) return q8_0;  // small beside the experts
  if (mix.shared_v && context.heads_per_kv >= 4) return *mix.shared_v;
  const DType format = chosen(mix.attn_v, layer, context.layers);
  const bool llama_70b = context.layers == 80 && context.heads_per_kv > 1;  // whose attn_v is an eighth of attn_q
  return llama_70b && (format == q3_k || format == q4_k) ? q5_k : format;
}

DType ffn_down_format(const Mix& mix, const MixContext& context, int layer) {
  const std::optional<DType> early = context.importance ? mix.guarded_down : mix.first_down;
  if (early && among(L::first_eighth, layer, context.layers)) return *early;
  return chosen(mix.ffn_down, layer, context.layers);
}

// One number, or the first of one per layer.
int64_t first_integer(const Metadata& metadata, const std::string& key, int64_t fallback) {
  const MetaValue* value = metadata.find(key);
  if (value && std::holds_alternative<std::vector<int64_t>>(*value)) {
    const auto numbers = metadata.integers_or_empty(key);
    return numbers.empty() ? fallback : numbers.front();
  }
  return metadata.integer_or(key, fallback, 0, INT32_MAX);
}

}  // namespace

std::span<const Mix> all_mixes() { return kMixes; }

const Mix* find_mix(std::string_view name) {
  const auto* mix = std::ranges::find(kMixes, name, &Mix::name);
  return mix == std::end(kMixes) ? nullptr : mix;
}

MixContext mix_context(const ModelFile& file, bool importance) {
  MixContext context;
  for (const NamedTensor& tensor : file.tensors()) {
    if (const auto layer = layer_of(tensor.name)) context.layers = std::max(context.layers, *layer + 1);
  }
  const std::string architecture = file.metadata.string_or("general.architecture", "");
  const int64_t heads = first_integer(file.metadata, architecture + ".attention.head_count", 1);
  const int64_t kv_heads = first_integer(file.metadata, architecture + ".attention.head_count_kv", heads);
  context.heads_per_kv = static_cast<int>(heads / std::max<int64_t>(kv_heads, 1));
  context.experts = static_cast<int>(first_integer(file.metadata, architecture + ".expert_count", 0));
  context.tied = file.find("output.weight") == nullptr;
  context.importance = importance;
  return context;
}

bool is_quantised_matrix(std::string_view tensor) {
  return tensor.ends_with(".weight") && !tensor.ends_with("_norm.weight") && !tensor.ends_with("ffn_gate_inp.weight") &&
         tensor != "position_embd.weight" && tensor != "token_types.weight";
}

DType mixed_format(const Mix& mix, const MixContext& context, std::string_view tensor) {
  if (tensor == "output.weight" || (tensor == "token_embd.weight" && context.tied)) return mix.output;
  if (tensor == "token_embd.weight") return mix.embedding;
  const auto layer = layer_of(tensor);
  if (!layer || traits(mix.base).block == 1) return mix.base;
  const auto is = [&](std::string_view part) { return tensor.find(part) != std::string_view::npos; };
  if (is(".attn_v.") || is(".attn_qkv.")) return attn_v_format(mix, context, *layer);
  if (is(".attn_k.") && context.experts == 8) return q8_0;
  if (is(".ffn_down")) return ffn_down_format(mix, context, *layer);
  if (is(".attn_output.")) {
    const DType few_bits[] = {q2_k, q3_k, q4_k, iq4_nl, iq4_xs};
    return context.experts == 8 && std::ranges::count(few_bits, mix.base) > 0 ? q5_k : mix.attn_output;
  }
  return mix.base;
}

DType fitting_format(DType wanted, int64_t cols) {
  if (cols % traits(wanted).block == 0) return wanted;
  const DType small_blocks = [&] {
    switch (wanted) {
      case q2_k:
      case q3_k:
      case tq1_0:
      case tq2_0:
        return q4_0;
      case q4_k:
        return q5_0;
      case q5_k:
        return q5_1;
      case q6_k:
        return q8_0;
      case iq4_xs:
        return iq4_nl;
      default:
        return f16;
    }
  }();
  return cols % traits(small_blocks).block == 0 ? small_blocks : f16;
}

}  // namespace bantam
