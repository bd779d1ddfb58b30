// Phi-3 and 3.5, and Phi-4-mini, which has the same shape: q, k and v in one tensor, gate and up in another, and rope
// factors for short and for long contexts.
#include "model/families/shape.h"

namespace bantam {
namespace {

constexpr StemPair kStems[] = {
    {"token_embd", "model.embed_tokens"},     {"output_norm", "model.norm"},      {"output", "lm_head"},
    {"attn_norm", "input_layernorm"},         {"attn_qkv", "self_attn.qkv_proj"}, {"attn_output", "self_attn.o_proj"},
    {"ffn_norm", "post_attention_layernorm"}, {"ffn_up", "mlp.gate_up_proj"},     {"ffn_down", "mlp.down_proj"}};

// Converters wrote windows into GGUF files that the models do not have, so llama.cpp (its pull request 13676) runs all
// layers without. A file that also says which layers have it, as ours do, is believed; 0 means all of them.
constexpr const char* kWindow = "phi3.attention.sliding_window";
constexpr const char* kPattern = "phi3.attention.sliding_window_pattern";

void read_gguf(const ModelFile& file, ModelConfig& c) {
  const Metadata& meta = file.metadata;
  if (meta.integer_or(kPattern, 1, 0, kMostInt) != 0) return;
  set_windows(c, static_cast<int>(meta.integer_or(kWindow, 0, 0, kMostInt)), 1);
}

void write_gguf(const ModelConfig& c, Metadata& meta) {
  const int window = window_of(c, 1, meta.source());
  if (window == 0) return;
  meta.set(kWindow, int64_t{window});
  meta.set(kPattern, int64_t{0});
}

}  // namespace

const Family kPhi3 = {
    .name = "phi3",
    .hf_architecture = "Phi3ForCausalLM",
    .hf_type = "phi3",
    .gguf = {.fused_qkv = true, .fused_gate_up = true},
    .hf = {.fused_qkv = true, .fused_gate_up = true, .stems = kStems, .layers = "model.layers."},
    .read_gguf = read_gguf,
    .read_hf = [](const ModelFile& folder, ModelConfig& c) { read_hf_windows(folder.metadata, c, 1); },
    .write_gguf = write_gguf};

}  // namespace bantam
