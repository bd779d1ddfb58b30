// The keys that GGUF files of all families have. (llama.cpp, gguf-py/gguf/constants.py)
#include <algorithm>

#include "base/error.h"
#include "model/families/shape.h"
#include "model/families/yarn.h"

namespace bantam {
namespace {

// A value for every layer from a key that holds one integer or an array of them.
std::vector<int> per_layer(const Metadata& meta, const std::string& key, int layers) {
  const MetaValue* value = meta.find(key);
  if (!value || !std::holds_alternative<std::vector<int64_t>>(*value)) {
    return std::vector<int>(static_cast<size_t>(layers), static_cast<int>(meta.integer(key, 1, kMostInt)));
  }
  std::vector<int> out;
  for (const int64_t v : std::get<std::vector<int64_t>>(*value)) {
    if (v < 1 || v > kMostInt) throw FormatError("{}: '{}' holds {}, expected at least 1", meta.source(), key, v);
    out.push_back(static_cast<int>(v));
  }
  if (static_cast<int>(out.size()) != layers) {
    throw FormatError("{}: '{}' has {} values, expected one for each of {} layers", meta.source(), key, out.size(),
                      layers);
  }
  return out;
}

// One integer when all layers agree, else the array of them.
MetaValue layer_value(const ModelConfig& c, int LayerConfig::*field) {
  std::vector<int64_t> values;
  for (const LayerConfig& layer : c.layer) values.push_back(layer.*field);
  if (std::ranges::count(values, values.front()) == c.layers()) return values.front();
  return values;
}

std::string_view eps_key(const ModelConfig& c) {
  return c.norm == Norm::rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon";
}

std::vector<float> factors_of(const ModelFile& file, std::string_view name) {
  const NamedTensor* tensor = file.find(name);
  if (!tensor) return {};
  if (tensor->shape.size() != 1) throw FormatError("{}: the tensor '{}' is not a vector", file.source(), name);
  std::vector<float> factors(static_cast<size_t>(tensor->shape[0]));
  traits(tensor->dtype).decode(tensor->bytes.data(), factors.data(), tensor->shape[0]);
  return factors;
}

// Every pair's frequency is divided by both.
void multiply_factors(std::vector<float>& factors, const std::vector<float>& others, const std::string& source) {
  if (factors.empty()) factors.assign(others.size(), 1.f);
  if (factors.size() != others.size()) {
    throw FormatError("{}: has {} rope factors, expected one for each of {} pairs", source, factors.size(),
                      others.size());
  }
  for (size_t i = 0; i < factors.size(); ++i) factors[i] *= others[i];
}

void read_yarn(const Metadata& meta, const auto& key, ModelConfig& c) {
  if (meta.number_or(key("rope.scaling.yarn_log_multiplier"), 0) != 0) {
    throw UnsupportedError("{}: '{}' is set, which no architecture that runs here uses", meta.source(),
                           key("rope.scaling.yarn_log_multiplier"));
  }
  const Yarn yarn{.factor = meta.number_or(key("rope.scaling.factor"), 1),
                  .original_context = static_cast<double>(
                      meta.integer_or(key("rope.scaling.original_context_length"), c.context, 1, kMostInt)),
                  .fast = meta.number_or(key("rope.scaling.yarn_beta_fast"), 32),
                  .slow = meta.number_or(key("rope.scaling.yarn_beta_slow"), 1),
                  .extrapolated = meta.number_or(key("rope.scaling.yarn_ext_factor"), 1)};
  multiply_factors(c.rope_factors, yarn_factors(yarn, c, meta.source()), meta.source());
  c.rope_amplitude *= static_cast<float>(yarn_amplitude(yarn.factor));
}

void read_rope_scaling(const ModelFile& file, const auto& key, ModelConfig& c) {
  const Metadata& meta = file.metadata;
  const std::string type = meta.string_or(key("rope.scaling.type"), "none");
  if (type != "none" && type != "linear" && type != "longrope" && type != "yarn") {
    throw UnsupportedError("{}: scales its rotations by '{}'; known: none, linear, longrope, yarn", file.source(),
                           type);
  }
  if (type == "linear") {
    const auto stretch = static_cast<float>(meta.number_or(key("rope.scaling.factor"), 1));
    for (LayerConfig& layer : c.layer) layer.rope_stretch = stretch;
  }
  c.rope_factors = factors_of(file, kRopeFactors);
  if (c.rope_factors.empty()) c.rope_factors = factors_of(file, kShortRopeFactors);
  c.rope_factors_long = factors_of(file, kLongRopeFactors);
  if (!c.rope_factors_long.empty()) {
    c.rope_original_context = static_cast<int>(meta.integer(key("rope.scaling.original_context_length"), 1, kMostInt));
  }
  c.rope_amplitude = static_cast<float>(meta.number_or(key("rope.scaling.attn_factor"), 1));
  if (type == "yarn") read_yarn(meta, key, c);
}

void write_rope_scaling(const ModelConfig& c, const auto& key, Metadata& meta) {
  if (const float stretch = main_layer(c).rope_stretch; stretch != 1) {
    meta.set(key("rope.scaling.type"), std::string("linear"));
    meta.set(key("rope.scaling.factor"), double{stretch});
  }
  if (!c.rope_factors_long.empty())
    meta.set(key("rope.scaling.original_context_length"), int64_t{c.rope_original_context});
  if (c.rope_amplitude != 1) meta.set(key("rope.scaling.attn_factor"), double{c.rope_amplitude});
}

}  // namespace

std::string gguf_key(const Family& family, std::string_view rest) {
  return fmt::format("{}.{}", family.gguf_keys.empty() ? family.name : family.gguf_keys, rest);
}

ModelConfig config_from_gguf(const Family& family, const ModelFile& file) {
  const Metadata& meta = file.metadata;
  const auto key = [&](std::string_view rest) { return gguf_key(family, rest); };
  const auto size = [&](std::string_view rest) { return static_cast<int>(meta.integer(key(rest), 1, kMostInt)); };
  ModelConfig c;
  c.family = family.name;
  if (family.begin) family.begin(c);
  c.vocab = rows_of(file, family.gguf, "token_embd.weight");
  c.dim = size("embedding_length");
  c.context = size("context_length");
  const int layers = static_cast<int>(meta.integer(key("block_count"), 1, 1 << 10));
  const std::string kv_key = key("attention.head_count_kv");
  const auto heads = per_layer(meta, key("attention.head_count"), layers);
  const auto kv_heads = meta.has(kv_key) ? per_layer(meta, kv_key, layers) : heads;
  const auto ffn = per_layer(meta, key("feed_forward_length"), layers);
  LayerConfig layer = c.layer.empty() ? LayerConfig{} : c.layer[0];
  layer.rope_theta = static_cast<float>(meta.number_or(key("rope.freq_base"), double{layer.rope_theta}));
  c.layer.clear();
  for (size_t l = 0; l < heads.size(); ++l) {
    layer.heads = heads[l];
    layer.kv_heads = kv_heads[l];
    layer.ffn_dim = ffn[l];
    c.layer.push_back(layer);
  }
  c.head_dim = static_cast<int>(meta.integer_or(key("attention.key_length"), c.dim / heads[0], 1, kMostInt));
  if (const auto v = meta.integer_or(key("attention.value_length"), c.head_dim, 1, kMostInt); v != c.head_dim) {
    throw UnsupportedError("{}: heads have keys of {} values and values of {}; only equal ones run here", file.source(),
                           c.head_dim, v);
  }
  c.rope_dim = static_cast<int>(meta.integer_or(key("rope.dimension_count"), c.head_dim, 1, kMostInt));
  c.norm_eps = static_cast<float>(meta.number(key(eps_key(c))));
  c.rope_pairs = family.gguf.rope_pairs;
  c.experts = static_cast<int>(meta.integer_or(key("expert_count"), 0, 0, kMostInt));
  if (c.experts > 0) c.experts_used = size("expert_used_count");
  read_rope_scaling(file, key, c);
  note_optional_tensors(file, family.gguf, c);
  if (family.read_gguf) family.read_gguf(file, c);
  return c;
}

void config_to_gguf(const Family& family, const ModelConfig& c, Metadata& meta) {
  const auto key = [&](std::string_view rest) { return gguf_key(family, rest); };
  meta.set("general.architecture", std::string(family.gguf_name.empty() ? family.name : family.gguf_name));
  meta.set(key("vocab_size"), int64_t{c.vocab});
  meta.set(key("embedding_length"), int64_t{c.dim});
  meta.set(key("context_length"), int64_t{c.context});
  meta.set(key("block_count"), int64_t{c.layers()});
  meta.set(key("attention.head_count"), layer_value(c, &LayerConfig::heads));
  meta.set(key("attention.head_count_kv"), layer_value(c, &LayerConfig::kv_heads));
  meta.set(key("feed_forward_length"), layer_value(c, &LayerConfig::ffn_dim));
  meta.set(key("attention.key_length"), int64_t{c.head_dim});
  meta.set(key("attention.value_length"), int64_t{c.head_dim});
  meta.set(key("rope.dimension_count"), int64_t{c.rope_dim});
  meta.set(key("rope.freq_base"), double{main_layer(c).rope_theta});
  meta.set(key(eps_key(c)), double{c.norm_eps});
  if (c.experts > 0) {
    meta.set(key("expert_count"), int64_t{c.experts});
    meta.set(key("expert_used_count"), int64_t{c.experts_used});
  }
  write_rope_scaling(c, key, meta);
  if (family.write_gguf) family.write_gguf(c, meta);
}

}  // namespace bantam
