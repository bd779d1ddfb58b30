// Families with layer norm and biases: StarCoder 2, StableLM and Phi-2.
#include "model/families/shape.h"

namespace bantam {
namespace {

constexpr StemPair kStarCoder2Stems[] = {{"token_embd", "model.embed_tokens"},
                                         {"output_norm", "model.norm"},
                                         {"output", "lm_head"},
                                         {"attn_norm", "input_layernorm"},
                                         {"attn_q", "self_attn.q_proj"},
                                         {"attn_k", "self_attn.k_proj"},
                                         {"attn_v", "self_attn.v_proj"},
                                         {"attn_output", "self_attn.o_proj"},
                                         {"ffn_norm", "post_attention_layernorm"},
                                         {"ffn_up", "mlp.c_fc"},
                                         {"ffn_down", "mlp.c_proj"}};

constexpr StemPair kStableLmStems[] = {
    {"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"},       {"output", "lm_head"},
    {"attn_norm", "input_layernorm"},     {"attn_q", "self_attn.q_proj"},      {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},       {"attn_output", "self_attn.o_proj"}, {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},        {"ffn_up", "mlp.up_proj"},           {"ffn_down", "mlp.down_proj"}};

constexpr StemPair kPhi2Stems[] = {{"token_embd", "model.embed_tokens"},
                                   {"output_norm", "model.final_layernorm"},
                                   {"output", "lm_head"},
                                   {"attn_norm", "input_layernorm"},
                                   {"attn_q", "self_attn.q_proj"},
                                   {"attn_k", "self_attn.k_proj"},
                                   {"attn_v", "self_attn.v_proj"},
                                   {"attn_output", "self_attn.dense"},
                                   {"ffn_up", "mlp.fc1"},
                                   {"ffn_down", "mlp.fc2"}};

constexpr const char* kWindow = "starcoder2.attention.sliding_window";

void begin(ModelConfig& c) {
  c.norm = Norm::layer;
  c.norm_bias = true;
}

// A feed-forward block of two matrices with gelu between them.
void begin_plain(ModelConfig& c) {
  begin(c);
  c.gated_ffn = false;
  c.activation = Activation::gelu_tanh;
}

}  // namespace

const Family kStarCoder2 = {
    .name = "starcoder2",
    .hf_architecture = "Starcoder2ForCausalLM",
    .hf_type = "starcoder2",
    .hf = {.stems = kStarCoder2Stems, .layers = "model.layers."},
    .begin = begin_plain,
    .read_gguf =
        [](const ModelFile& file, ModelConfig& c) {
          set_windows(c, static_cast<int>(file.metadata.integer_or(kWindow, 0, 0, kMostInt)), 1);
        },
    .read_hf = [](const ModelFile& folder, ModelConfig& c) { read_hf_windows(folder.metadata, c, 1); },
    .write_gguf =
        [](const ModelConfig& c, Metadata& meta) {
          if (const int window = window_of(c, 1, meta.source())) meta.set(kWindow, int64_t{window});
        },
    .write_hf =
        [](const ModelConfig& c, Metadata& meta) {
          meta.set("hf.norm_epsilon", double{c.norm_eps});
          meta.set("hf.use_bias", c.ffn_bias);
        }};

const Family kStableLm = {
    .name = "stablelm",
    .hf_architecture = "StableLmForCausalLM",
    .hf_type = "stablelm",
    .hf = {.stems = kStableLmStems, .layers = "model.layers."},
    .begin = begin,
    .read_gguf =
        [](const ModelFile& file, ModelConfig& c) {
          c.parallel_block =
              file.metadata.flag_or("stablelm.use_parallel_residual", false) && !file.find("blk.0.ffn_norm.weight");
        },
    .read_hf = [](const ModelFile& folder,
                  ModelConfig& c) { c.parallel_block = folder.metadata.flag_or("hf.use_parallel_residual", false); },
    .write_gguf = [](const ModelConfig& c,
                     Metadata& meta) { meta.set("stablelm.use_parallel_residual", c.parallel_block); },
    .write_hf =
        [](const ModelConfig& c, Metadata& meta) {
          meta.set("hf.use_parallel_residual", c.parallel_block);
          meta.set("hf.use_qkv_bias", c.qkv_bias);
          meta.set("hf.partial_rotary_factor", static_cast<double>(c.rope_dim) / c.head_dim);
        }};

const Family kPhi2 = {.name = "phi2",
                      .hf_architecture = "PhiForCausalLM",
                      .hf_type = "phi",
                      .gguf = {.fused_qkv = true},
                      .hf = {.stems = kPhi2Stems, .layers = "model.layers."},
                      .begin = [](ModelConfig& c) {
                        begin_plain(c);
                        c.parallel_block = true;
                      }};

}  // namespace bantam
