// The keys that most config.json of Hugging Face folders have. (transformers, configuration_llama.py and its kin)
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/families/shape.h"

namespace bantam {
namespace {

constexpr const char* kEpsKeys[] = {"hf.rms_norm_eps", "hf.layer_norm_eps", "hf.norm_epsilon", "hf.layer_norm_epsilon"};

void read_shape(const ModelFile& folder, ModelConfig& c) {
  const Metadata& meta = folder.metadata;
  const auto size = [&](const char* key) { return static_cast<int>(meta.integer(key, 1, kMostInt)); };
  c.dim = size("hf.hidden_size");
  c.context = static_cast<int>(meta.integer_or("hf.max_position_embeddings", 2048, 1, kMostInt));
  LayerConfig layer = c.layer.empty() ? LayerConfig{} : c.layer[0];
  layer.heads = size("hf.num_attention_heads");
  layer.kv_heads = static_cast<int>(meta.integer_or("hf.num_key_value_heads", layer.heads, 1, kMostInt));
  layer.ffn_dim = size("hf.intermediate_size");
  layer.rope_theta = static_cast<float>(
      meta.number_or("hf.rope_theta", meta.number_or("hf.rope_parameters.rope_theta", double{layer.rope_theta})));
  c.layer.assign(static_cast<size_t>(meta.integer("hf.num_hidden_layers", 1, 1 << 10)), layer);
  c.head_dim = static_cast<int>(meta.integer_or("hf.head_dim", c.dim / layer.heads, 1, kMostInt));
  const double rotated = meta.number_or("hf.partial_rotary_factor", 1);
  if (!(rotated > 0 && rotated <= 1)) {
    throw FormatError("{}: 'partial_rotary_factor' is {}, expected a value above 0 and at most 1", folder.source(),
                      rotated);
  }
  c.rope_dim = static_cast<int>(rotated * c.head_dim);
  c.norm_eps = 1e-6f;
  for (const char* key : kEpsKeys) c.norm_eps = static_cast<float>(meta.number_or(key, double{c.norm_eps}));
  c.experts = static_cast<int>(meta.integer_or("hf.num_local_experts", 0, 0, kMostInt));
  if (c.experts > 0) c.experts_used = size("hf.num_experts_per_tok");
  c.activation = read_hf_activation(meta, c);
  read_hf_rope_scaling(folder, c);
}

struct ActivationName {
  std::string_view name;
  Activation activation;
};

// The first name of each is the one we write.
constexpr ActivationName kActivations[] = {{"silu", Activation::silu},
                                           {"swish", Activation::silu},
                                           {"gelu_pytorch_tanh", Activation::gelu_tanh},
                                           {"gelu_new", Activation::gelu_tanh},
                                           {"gelu_fast", Activation::gelu_tanh},
                                           {"relu2", Activation::relu_squared}};

std::string_view name_of(Activation activation) {
  return std::ranges::find(kActivations, activation, &ActivationName::activation)->name;
}

void write_shape(const ModelConfig& c, Metadata& meta) {
  const auto same = [&](int LayerConfig::*field, std::string_view what) {
    return int64_t{same_in_all_layers(c, field, what, meta.source())};
  };
  meta.set("hf.hidden_act", std::string(name_of(c.activation)));
  meta.set("hf.vocab_size", int64_t{c.vocab});
  meta.set("hf.hidden_size", int64_t{c.dim});
  meta.set("hf.max_position_embeddings", int64_t{c.context});
  meta.set("hf.num_hidden_layers", int64_t{c.layers()});
  meta.set("hf.num_attention_heads", same(&LayerConfig::heads, "head counts"));
  meta.set("hf.num_key_value_heads", same(&LayerConfig::kv_heads, "key/value head counts"));
  meta.set("hf.intermediate_size", same(&LayerConfig::ffn_dim, "feed-forward widths"));
  meta.set("hf.head_dim", int64_t{c.head_dim});
  meta.set("hf.rope_theta", double{main_layer(c).rope_theta});
  if (c.rope_dim != c.head_dim) meta.set("hf.partial_rotary_factor", static_cast<double>(c.rope_dim) / c.head_dim);
  meta.set(c.norm == Norm::rms ? "hf.rms_norm_eps" : "hf.layer_norm_eps", double{c.norm_eps});
  meta.set("hf.tie_word_embeddings", c.tied_embeddings);
  if (c.experts > 0) {
    meta.set("hf.num_local_experts", int64_t{c.experts});
    meta.set("hf.num_experts_per_tok", int64_t{c.experts_used});
  }
  write_hf_rope_scaling(c, meta);
  write_hf_windows(c, meta);
}

}  // namespace

Activation read_hf_activation(const Metadata& meta, const ModelConfig& c) {
  for (const char* key : {"hf.hidden_activation", "hf.hidden_act", "hf.activation_function", "hf.activation_fn_name"}) {
    if (!meta.has(key)) continue;
    const std::string& name = meta.string(key);
    // Gemma's first configs say "gelu" and mean the tanh form. (transformers, modeling_gemma.py)
    if (name == "gelu" && c.family == "gemma") return Activation::gelu_tanh;
    const auto* found = std::ranges::find(kActivations, name, &ActivationName::name);
    if (found != std::end(kActivations)) return found->activation;
    std::string known;
    for (const ActivationName& a : kActivations) known += fmt::format("{}{}", known.empty() ? "" : ", ", a.name);
    throw UnsupportedError("{}: '{}' is '{}'; known: {}", meta.source(), key, name, known);
  }
  return c.activation;
}

int same_in_all_layers(const ModelConfig& c, int LayerConfig::*field, std::string_view what,
                       const std::string& source) {
  for (const LayerConfig& layer : c.layer) {
    if (layer.*field == c.layer[0].*field) continue;
    throw UnsupportedError("{}: layers have different {}, which this family's config.json cannot say", source, what);
  }
  return c.layer[0].*field;
}

void read_hf_windows(const Metadata& meta, ModelConfig& c, int every) {
  const auto window = static_cast<int>(meta.integer_or("hf.sliding_window", 0, 0, kMostInt));
  if (!meta.has("hf.layer_types")) return set_windows(c, window, every);
  const auto& types = meta.strings("hf.layer_types");
  if (types.size() != c.layer.size()) {
    throw FormatError("{}: 'layer_types' has {} values, expected one for each of {} layers", meta.source(),
                      types.size(), c.layers());
  }
  for (size_t l = 0; l < types.size(); ++l) {
    if (types[l] != "sliding_attention" && types[l] != "full_attention") {
      throw UnsupportedError("{}: 'layer_types' holds '{}'; known: full_attention, sliding_attention", meta.source(),
                             types[l]);
    }
    c.layer[l].window = types[l] == "sliding_attention" ? window : 0;
  }
}

void write_hf_windows(const ModelConfig& c, Metadata& meta) {
  int window = 0;
  std::vector<std::string> types;
  for (const LayerConfig& layer : c.layer) {
    if (layer.window > 0 && window > 0 && layer.window != window)
      throw UnsupportedError("{}: layers have different windows, which config.json cannot say", meta.source());
    window = std::max(window, layer.window);
    types.emplace_back(layer.window > 0 ? "sliding_attention" : "full_attention");
  }
  if (window == 0) return;
  meta.set("hf.sliding_window", int64_t{window});
  meta.set("hf.layer_types", types);
}

ModelConfig config_from_hf(const Family& family, const ModelFile& folder) {
  ModelConfig c;
  c.family = family.name;
  if (family.begin) family.begin(c);
  c.vocab = rows_of(folder, family.hf, "token_embd.weight");
  (family.hf_shape ? family.hf_shape : read_shape)(folder, c);
  c.rope_pairs = family.hf.rope_pairs;
  c.norm_plus_one = family.hf.norms_minus_one;
  note_optional_tensors(folder, family.hf, c);
  if (family.read_hf) family.read_hf(folder, c);
  return c;
}

void config_to_hf(const Family& family, const ModelConfig& c, Metadata& meta) {
  if (family.hf_architecture.empty() || family.reads_hf_only) {
    throw UnsupportedError("{}: a model of the family '{}' has no Hugging Face form here; keep it as GGUF",
                           meta.source(), family.name);
  }
  meta.set("hf.architectures", std::vector<std::string>{std::string(family.hf_architecture)});
  meta.set("hf.model_type", std::string(family.hf_type));
  // A family whose keys are not the usual ones writes all of them.
  if (!family.hf_shape) write_shape(c, meta);
  if (family.write_hf) family.write_hf(c, meta);
}

}  // namespace bantam
