// Llama 1, 2 and 3 and the many models of the same shape. Rope scaling (Llama 3.1 on) is refused: see refuse_scaling().
#include <array>
#include <utility>

#include "base/error.h"
#include "model/families/family.h"

namespace bantam {
namespace {

constexpr int64_t kMost = INT32_MAX;

// A value for every layer from a key that holds one integer or an array of them.
std::vector<int> per_layer(const Metadata& meta, const std::string& key, int layers) {
  const MetaValue* value = meta.find(key);
  if (!value || !std::holds_alternative<std::vector<int64_t>>(*value)) {
    return std::vector<int>(static_cast<size_t>(layers), static_cast<int>(meta.integer(key, 1, kMost)));
  }
  std::vector<int> out;
  for (const int64_t v : std::get<std::vector<int64_t>>(*value)) {
    if (v < 1 || v > kMost) throw FormatError("{}: '{}' holds {}, expected at least 1", meta.source(), key, v);
    out.push_back(static_cast<int>(v));
  }
  if (static_cast<int>(out.size()) != layers) {
    throw FormatError("{}: '{}' has {} values, expected one for each of {} layers", meta.source(), key, out.size(),
                      layers);
  }
  return out;
}

void refuse_scaling(const ModelFile& file, bool scaled) {
  if (!scaled) return;
  throw UnsupportedError(
      "{}: scales its rope frequencies (as Llama 3.1 does), which this build does not do; "
      "models without rope scaling run",
      file.source());
}

int rows_of_embedding(const ModelFile& file, std::string_view name) {
  const NamedTensor* embedding = file.find(name);
  if (!embedding || embedding->shape.size() != 2) {
    throw FormatError("{}: the tensor '{}' is missing or not a matrix", file.source(), name);
  }
  return static_cast<int>(embedding->shape[0]);
}

int layer_count(const Metadata& meta, std::string_view key) { return static_cast<int>(meta.integer(key, 1, 1 << 10)); }

ModelConfig from_gguf(const ModelFile& file) {
  const Metadata& meta = file.metadata;
  refuse_scaling(file, file.find("rope_freqs.weight") || meta.string_or("llama.rope.scaling.type", "none") != "none");
  if (meta.integer_or("llama.expert_count", 0, 0, kMost) > 0) {
    throw UnsupportedError("{}: is a mixture of experts, which this build does not run", file.source());
  }
  ModelConfig c;
  c.family = "llama";
  c.vocab = rows_of_embedding(file, "token_embd.weight");
  c.dim = static_cast<int>(meta.integer("llama.embedding_length", 1, kMost));
  c.context = static_cast<int>(meta.integer("llama.context_length", 1, kMost));
  const int layers = layer_count(meta, "llama.block_count");
  const auto heads = per_layer(meta, "llama.attention.head_count", layers);
  const auto kv_heads =
      meta.has("llama.attention.head_count_kv") ? per_layer(meta, "llama.attention.head_count_kv", layers) : heads;
  const auto ffn = per_layer(meta, "llama.feed_forward_length", layers);
  const auto theta = static_cast<float>(meta.number_or("llama.rope.freq_base", 10000.0));
  for (size_t l = 0; l < heads.size(); ++l) {
    c.layer.push_back({.heads = heads[l], .kv_heads = kv_heads[l], .ffn_dim = ffn[l], .rope_theta = theta});
  }
  c.head_dim = static_cast<int>(meta.integer_or("llama.attention.key_length", c.dim / heads[0], 1, kMost));
  c.rope_dim = static_cast<int>(meta.integer_or("llama.rope.dimension_count", c.head_dim, 1, kMost));
  c.norm_eps = static_cast<float>(meta.number("llama.attention.layer_norm_rms_epsilon"));
  c.rope_pairs = RopePairs::neighbours;
  c.tied_embeddings = file.find("output.weight") == nullptr;
  return c;
}

ModelConfig from_hf(const ModelFile& file) {
  const Metadata& meta = file.metadata;
  const std::string scaling =
      meta.string_or("hf.rope_scaling.rope_type", meta.string_or("hf.rope_scaling.type", "default"));
  refuse_scaling(file, scaling != "default");
  if (const std::string act = meta.string_or("hf.hidden_act", "silu"); act != "silu") {
    throw UnsupportedError("{}: 'hf.hidden_act' is '{}', expected 'silu'", file.source(), act);
  }
  ModelConfig c;
  c.family = "llama";
  c.vocab = rows_of_embedding(file, "model.embed_tokens.weight");
  c.dim = static_cast<int>(meta.integer("hf.hidden_size", 1, kMost));
  c.context = static_cast<int>(meta.integer_or("hf.max_position_embeddings", 2048, 1, kMost));
  const auto heads = static_cast<int>(meta.integer("hf.num_attention_heads", 1, kMost));
  LayerConfig layer{.heads = heads};
  layer.kv_heads = static_cast<int>(meta.integer_or("hf.num_key_value_heads", heads, 1, kMost));
  layer.ffn_dim = static_cast<int>(meta.integer("hf.intermediate_size", 1, kMost));
  layer.rope_theta = static_cast<float>(meta.number_or("hf.rope_theta", 10000.0));
  c.layer.assign(static_cast<size_t>(layer_count(meta, "hf.num_hidden_layers")), layer);
  c.head_dim = static_cast<int>(meta.integer_or("hf.head_dim", c.dim / heads, 1, kMost));
  c.rope_dim = c.head_dim;
  c.norm_eps = static_cast<float>(meta.number_or("hf.rms_norm_eps", 1e-6));
  c.rope_pairs = RopePairs::halves;
  c.tied_embeddings = file.find("lm_head.weight") == nullptr;
  return c;
}

// One integer when all layers agree, else the array of them.
MetaValue layer_value(const ModelConfig& c, int LayerConfig::*field) {
  std::vector<int64_t> values;
  bool same = true;
  for (const LayerConfig& layer : c.layer) {
    values.push_back(layer.*field);
    same = same && values.back() == values.front();
  }
  if (same) return values.front();
  return values;
}

void to_gguf(const ModelConfig& c, Metadata& meta) {
  meta.set("llama.vocab_size", int64_t{c.vocab});
  meta.set("llama.embedding_length", int64_t{c.dim});
  meta.set("llama.context_length", int64_t{c.context});
  meta.set("llama.block_count", int64_t{c.layers()});
  meta.set("llama.attention.head_count", layer_value(c, &LayerConfig::heads));
  meta.set("llama.attention.head_count_kv", layer_value(c, &LayerConfig::kv_heads));
  meta.set("llama.feed_forward_length", layer_value(c, &LayerConfig::ffn_dim));
  meta.set("llama.attention.key_length", int64_t{c.head_dim});
  meta.set("llama.attention.value_length", int64_t{c.head_dim});
  meta.set("llama.rope.dimension_count", int64_t{c.rope_dim});
  meta.set("llama.rope.freq_base", double{c.layer[0].rope_theta});
  meta.set("llama.attention.layer_norm_rms_epsilon", double{c.norm_eps});
}

void to_hf(const ModelConfig& c, Metadata& meta) {
  const LayerConfig& layer = c.layer[0];
  for (const LayerConfig& other : c.layer) {
    if (other.heads != layer.heads || other.kv_heads != layer.kv_heads || other.ffn_dim != layer.ffn_dim) {
      throw UnsupportedError("{}: layers differ in shape, which Hugging Face's llama config cannot say", meta.source());
    }
  }
  meta.set("hf.architectures", std::vector<std::string>{"LlamaForCausalLM"});
  meta.set("hf.model_type", std::string("llama"));
  meta.set("hf.hidden_act", std::string("silu"));
  meta.set("hf.vocab_size", int64_t{c.vocab});
  meta.set("hf.hidden_size", int64_t{c.dim});
  meta.set("hf.max_position_embeddings", int64_t{c.context});
  meta.set("hf.num_hidden_layers", int64_t{c.layers()});
  meta.set("hf.num_attention_heads", int64_t{layer.heads});
  meta.set("hf.num_key_value_heads", int64_t{layer.kv_heads});
  meta.set("hf.intermediate_size", int64_t{layer.ffn_dim});
  meta.set("hf.head_dim", int64_t{c.head_dim});
  meta.set("hf.rope_theta", double{layer.rope_theta});
  meta.set("hf.rms_norm_eps", double{c.norm_eps});
  meta.set("hf.tie_word_embeddings", c.tied_embeddings);
}

std::string hf_tensor_name(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kRest = {{
      {"attn_norm.weight", "input_layernorm.weight"},
      {"attn_q.weight", "self_attn.q_proj.weight"},
      {"attn_k.weight", "self_attn.k_proj.weight"},
      {"attn_v.weight", "self_attn.v_proj.weight"},
      {"attn_output.weight", "self_attn.o_proj.weight"},
      {"ffn_norm.weight", "post_attention_layernorm.weight"},
      {"ffn_gate.weight", "mlp.gate_proj.weight"},
      {"ffn_up.weight", "mlp.up_proj.weight"},
      {"ffn_down.weight", "mlp.down_proj.weight"},
      {"token_embd.weight", "model.embed_tokens.weight"},
      {"output_norm.weight", "model.norm.weight"},
      {"output.weight", "lm_head.weight"},
  }};
  std::string prefix;
  if (name.starts_with("blk.")) {
    const size_t dot = name.find('.', 4);
    prefix = fmt::format("model.layers.{}.", name.substr(4, dot - 4));
    name.remove_prefix(dot + 1);
  }
  for (const auto& [ours, theirs] : kRest) {
    if (ours == name) return prefix + std::string(theirs);
  }
  throw UnsupportedError("the tensor '{}' has no place in a Hugging Face llama checkpoint", name);
}

}  // namespace

const Family kLlama = {.name = "llama",
                       .hf_architecture = "LlamaForCausalLM",
                       .gguf_rope_pairs = RopePairs::neighbours,
                       .from_gguf = from_gguf,
                       .from_hf = from_hf,
                       .to_gguf = to_gguf,
                       .to_hf = to_hf,
                       .hf_tensor_name = hf_tensor_name};

}  // namespace bantam
