// Gemma 1, 2 and 3: embeddings scaled by sqrt(dim), norms that multiply by 1 + w (GGUF stores the sum), and from Gemma
// 2 on layers that see a window between layers that see all.
#include <algorithm>
#include <cmath>

#include "model/families/shape.h"

namespace bantam {
namespace {

constexpr StemPair kGemmaStems[] = {
    {"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"},       {"output", "lm_head"},
    {"attn_norm", "input_layernorm"},     {"attn_q", "self_attn.q_proj"},      {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},       {"attn_output", "self_attn.o_proj"}, {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},        {"ffn_up", "mlp.up_proj"},           {"ffn_down", "mlp.down_proj"}};

constexpr StemPair kPostNormStems[] = {{"token_embd", "model.embed_tokens"},
                                       {"output_norm", "model.norm"},
                                       {"output", "lm_head"},
                                       {"attn_norm", "input_layernorm"},
                                       {"attn_q", "self_attn.q_proj"},
                                       {"attn_k", "self_attn.k_proj"},
                                       {"attn_v", "self_attn.v_proj"},
                                       {"attn_q_norm", "self_attn.q_norm"},
                                       {"attn_k_norm", "self_attn.k_norm"},
                                       {"attn_output", "self_attn.o_proj"},
                                       {"post_attention_norm", "post_attention_layernorm"},
                                       {"ffn_norm", "pre_feedforward_layernorm"},
                                       {"ffn_gate", "mlp.gate_proj"},
                                       {"ffn_up", "mlp.up_proj"},
                                       {"ffn_down", "mlp.down_proj"},
                                       {"post_ffw_norm", "post_feedforward_layernorm"}};

constexpr TensorLayout kPostNormHf = {.norms_minus_one = true, .stems = kPostNormStems, .layers = "model.layers."};

// Every how many layers one sees all.
constexpr int kEvery2 = 2, kEvery3 = 6;

// Layer counts of the 27B models, which scale attention by their width per head instead of the heads' own width.
// (llama.cpp tells them apart the same way: their GGUF files do not say)
constexpr int kLayers27B2 = 46, kLayers27B3 = 62;

void scale_embeddings(const ModelFile&, ModelConfig& c) { c.embed_scale = std::sqrt(static_cast<float>(c.dim)); }

void read_gguf_scale(const Metadata& meta, const Family& family, int layers_27b, ModelConfig& c) {
  const bool wide = c.layers() == layers_27b;
  const float usual = wide ? 1 / std::sqrt(static_cast<float>(c.dim) / static_cast<float>(c.layer[0].heads)) : 0;
  c.attn_scale = static_cast<float>(meta.number_or(gguf_key(family, "attention.scale"), double{usual}));
}

void read_hf_scale(const Metadata& meta, ModelConfig& c) {
  const double width = meta.number_or("hf.query_pre_attn_scalar", c.head_dim);
  c.attn_scale = width == c.head_dim ? 0 : static_cast<float>(1 / std::sqrt(width));
}

void write_hf_scale(const ModelConfig& c, Metadata& meta) {
  const double scale = double{c.attn_scale};
  meta.set("hf.query_pre_attn_scalar", scale == 0 ? c.head_dim : 1 / (scale * scale));
}

void write_gguf_scale(const ModelConfig& c, const Family& family, int every, Metadata& meta) {
  if (c.attn_scale != 0) meta.set(gguf_key(family, "attention.scale"), double{c.attn_scale});
  if (const int window = window_of(c, every, meta.source()))
    meta.set(gguf_key(family, "attention.sliding_window"), int64_t{window});
}

void read_gguf_2(const ModelFile& file, ModelConfig& c) {
  const Metadata& meta = file.metadata;
  scale_embeddings(file, c);
  read_gguf_scale(meta, kGemma2, kLayers27B2, c);
  c.attn_cap = static_cast<float>(meta.number_or("gemma2.attn_logit_softcapping", 50));
  c.logit_cap = static_cast<float>(meta.number_or("gemma2.final_logit_softcapping", 30));
  set_windows(c, static_cast<int>(meta.integer_or("gemma2.attention.sliding_window", 4096, 0, kMostInt)), kEvery2);
}

void write_gguf_2(const ModelConfig& c, Metadata& meta) {
  write_gguf_scale(c, kGemma2, kEvery2, meta);
  meta.set("gemma2.attn_logit_softcapping", double{c.attn_cap});
  meta.set("gemma2.final_logit_softcapping", double{c.logit_cap});
}

void read_hf_2(const ModelFile& folder, ModelConfig& c) {
  const Metadata& meta = folder.metadata;
  scale_embeddings(folder, c);
  read_hf_scale(meta, c);
  c.attn_cap = static_cast<float>(meta.number_or("hf.attn_logit_softcapping", 50));
  c.logit_cap = static_cast<float>(meta.number_or("hf.final_logit_softcapping", 30));
  read_hf_windows(meta, c, kEvery2);
}

void write_hf_2(const ModelConfig& c, Metadata& meta) {
  write_hf_scale(c, meta);
  meta.set("hf.attn_logit_softcapping", double{c.attn_cap});
  meta.set("hf.final_logit_softcapping", double{c.logit_cap});
}

// Layers with a window rotate by a base of their own and never stretch.
void set_local_theta(ModelConfig& c, double theta) {
  for (LayerConfig& layer : c.layer) {
    if (layer.window == 0) continue;
    layer.rope_theta = static_cast<float>(theta);
    layer.rope_stretch = 1;
  }
}

double local_theta(const ModelConfig& c) {
  const auto local = std::ranges::find_if(c.layer, [](const LayerConfig& layer) { return layer.window > 0; });
  return local == c.layer.end() ? 10000.0 : double{local->rope_theta};
}

void read_gguf_3(const ModelFile& file, ModelConfig& c) {
  const Metadata& meta = file.metadata;
  scale_embeddings(file, c);
  read_gguf_scale(meta, kGemma3, kLayers27B3, c);
  set_windows(c, static_cast<int>(meta.integer_or("gemma3.attention.sliding_window", 0, 0, kMostInt)), kEvery3);
  set_local_theta(c, meta.number_or("gemma3.rope.freq_base_swa", 10000));
}

void write_gguf_3(const ModelConfig& c, Metadata& meta) {
  write_gguf_scale(c, kGemma3, kEvery3, meta);
  meta.set("gemma3.rope.freq_base_swa", local_theta(c));
}

void read_hf_3(const ModelFile& folder, ModelConfig& c) {
  const Metadata& meta = folder.metadata;
  scale_embeddings(folder, c);
  read_hf_scale(meta, c);
  const auto every = static_cast<int>(meta.integer_or("hf.sliding_window_pattern", kEvery3, 1, kMostInt));
  read_hf_windows(meta, c, every);
  set_local_theta(c, meta.number_or("hf.rope_local_base_freq", 10000));
}

void write_hf_3(const ModelConfig& c, Metadata& meta) {
  write_hf_scale(c, meta);
  meta.set("hf.rope_local_base_freq", local_theta(c));
}

void begin_2(ModelConfig& c) {
  c.activation = Activation::gelu_tanh;
  c.post_norms = true;
}

}  // namespace

const Family kGemma = {.name = "gemma",
                       .hf_architecture = "GemmaForCausalLM",
                       .hf_type = "gemma",
                       .hf = {.norms_minus_one = true, .stems = kGemmaStems, .layers = "model.layers."},
                       .begin = [](ModelConfig& c) { c.activation = Activation::gelu_tanh; },
                       .read_gguf = scale_embeddings,
                       .read_hf = scale_embeddings};

const Family kGemma2 = {.name = "gemma2",
                        .hf_architecture = "Gemma2ForCausalLM",
                        .hf_type = "gemma2",
                        .hf = kPostNormHf,
                        .begin = begin_2,
                        .read_gguf = read_gguf_2,
                        .read_hf = read_hf_2,
                        .write_gguf = write_gguf_2,
                        .write_hf = write_hf_2};

const Family kGemma3 = {.name = "gemma3",
                        .hf_architecture = "Gemma3ForCausalLM",
                        .hf_type = "gemma3_text",
                        .hf = kPostNormHf,
                        .begin =
                            [](ModelConfig& c) {
                              begin_2(c);
                              c.qk_norm = true;
                              c.layer = {{.rope_theta = 1e6f}};
                            },
                        .read_gguf = read_gguf_3,
                        .read_hf = read_hf_3,
                        .write_gguf = write_gguf_3,
                        .write_hf = write_hf_3};

}  // namespace bantam
