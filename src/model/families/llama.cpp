// Llama 1 to 3.2 and the many models of the same shape; Mistral and Mixtral, which GGUF calls llama too.
#include "model/families/llama_like.h"
#include "model/families/shape.h"

namespace bantam {
namespace {

constexpr StemPair kMixtralStems[] = {{"token_embd", "model.embed_tokens"},
                                      {"output_norm", "model.norm"},
                                      {"output", "lm_head"},
                                      {"attn_norm", "input_layernorm"},
                                      {"attn_q", "self_attn.q_proj"},
                                      {"attn_k", "self_attn.k_proj"},
                                      {"attn_v", "self_attn.v_proj"},
                                      {"attn_output", "self_attn.o_proj"},
                                      {"ffn_norm", "post_attention_layernorm"},
                                      {"ffn_gate_inp", "block_sparse_moe.gate"},
                                      {"ffn_gate", "block_sparse_moe.experts.{}.w1"},
                                      {"ffn_up", "block_sparse_moe.experts.{}.w3"},
                                      {"ffn_down", "block_sparse_moe.experts.{}.w2"}};

constexpr TensorLayout kGguf = {.rope_pairs = RopePairs::neighbours, .stacked_experts = true};

// Which of the three it is decides only how a Hugging Face folder of it looks.
void read_gguf(const ModelFile& file, ModelConfig& c) {
  set_windows(c, static_cast<int>(file.metadata.integer_or("llama.attention.sliding_window", 0, 0, kMostInt)), 1);
  if (c.experts > 0) {
    c.family = "mixtral";
  } else if (c.layer[0].window > 0) {
    c.family = "mistral";
  }
}

void write_gguf(const ModelConfig& c, Metadata& meta) {
  if (const int window = window_of(c, 1, meta.source())) meta.set("llama.attention.sliding_window", int64_t{window});
}

void read_hf_window(const ModelFile& folder, ModelConfig& c) { read_hf_windows(folder.metadata, c, 1); }

}  // namespace

const Family kLlama = {.name = "llama",
                       .hf_architecture = "LlamaForCausalLM",
                       .hf_type = "llama",
                       .gguf = kGguf,
                       .hf = {.stems = kLlamaStems, .layers = "model.layers."},
                       .read_gguf = read_gguf,
                       .write_gguf = write_gguf};

const Family kMistral = {.name = "mistral",
                         .gguf_name = "llama",
                         .gguf_keys = "llama",
                         .hf_architecture = "MistralForCausalLM",
                         .hf_type = "mistral",
                         .gguf = kGguf,
                         .hf = kLlama.hf,
                         .read_gguf = read_gguf,
                         .read_hf = read_hf_window,
                         .write_gguf = write_gguf};

const Family kMixtral = {.name = "mixtral",
                         .gguf_name = "llama",
                         .gguf_keys = "llama",
                         .hf_architecture = "MixtralForCausalLM",
                         .hf_type = "mixtral",
                         .gguf = kGguf,
                         .hf = {.stems = kMixtralStems, .layers = "model.layers."},
                         .read_gguf = read_gguf,
                         .read_hf = read_hf_window,
                         .write_gguf = write_gguf};

}  // namespace bantam
