// Hugging Face's tensor names of the families that follow Llama.
#pragma once

#include "model/families/layout.h"

namespace bantam {

inline constexpr StemPair kLlamaStems[] = {{"token_embd", "model.embed_tokens"},
                                           {"output_norm", "model.norm"},
                                           {"output", "lm_head"},
                                           {"attn_norm", "input_layernorm"},
                                           {"attn_q", "self_attn.q_proj"},
                                           {"attn_k", "self_attn.k_proj"},
                                           {"attn_v", "self_attn.v_proj"},
                                           {"attn_q_norm", "self_attn.q_norm"},
                                           {"attn_k_norm", "self_attn.k_norm"},
                                           {"attn_output", "self_attn.o_proj"},
                                           {"ffn_norm", "post_attention_layernorm"},
                                           {"ffn_gate", "mlp.gate_proj"},
                                           {"ffn_up", "mlp.up_proj"},
                                           {"ffn_down", "mlp.down_proj"}};

}  // namespace bantam
