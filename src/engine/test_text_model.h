// A random model with a vocabulary of bytes, as a GGUF file: for tests that go from text to text.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "formats/gguf.h"
#include "model/save.h"
#include "model/test_model.h"
#include "text/byte_alphabet.h"

namespace bantam {

inline constexpr int32_t kTestEndToken = 256, kTestTurnEndToken = 258;  // both end a text
inline constexpr int32_t kTestLongToken = 259;                          // 64 times 'a'

inline Metadata byte_vocabulary() {
  std::vector<std::string> tokens;
  std::vector<int64_t> types;
  for (int byte = 0; byte < 256; ++byte) {
    tokens.push_back(to_byte_alphabet(std::string(1, static_cast<char>(byte))));
    types.push_back(1);
  }
  for (const char* control : {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}) {
    tokens.emplace_back(control);
    types.push_back(3);
  }
  tokens.emplace_back(64, 'a');
  types.push_back(1);
  Metadata meta("test vocabulary");
  meta.set("tokenizer.ggml.model", std::string("gpt2"));
  meta.set("tokenizer.ggml.pre", std::string("gpt-2"));
  meta.set("tokenizer.ggml.tokens", tokens);
  meta.set("tokenizer.ggml.token_type", types);
  meta.set("tokenizer.ggml.merges", std::vector<std::string>{});
  meta.set("tokenizer.ggml.bos_token_id", int64_t{kTestEndToken});
  meta.set("tokenizer.ggml.eos_token_id", int64_t{kTestEndToken});
  return meta;
}

inline ModelConfig test_text_config() {
  ModelConfig config;
  config.vocab = 264;  // four rows more than tokens, as padded checkpoints have
  config.dim = 32;
  config.head_dim = config.rope_dim = 8;
  config.context = 512;
  config.layer.assign(2, {.heads = 4, .kv_heads = 2, .ffn_dim = 64});
  return config;
}

inline void write_test_text_model(const std::filesystem::path& path, uint64_t seed = 1, int context = 512) {
  ModelConfig config = test_text_config();
  config.context = context;
  const TestModel model(config, seed);
  Metadata meta = gguf_metadata(model.config);
  for (const auto& [key, value] : byte_vocabulary()) meta.set(key, value);
  write_gguf(path, meta, gguf_tensors(model.config, model.weights));
}

}  // namespace bantam
