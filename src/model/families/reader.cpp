// Our extractive reader: a llama-shaped model whose rows see each other both ways, with token types in and the scores
// of a span's begin and end out. See text/reading.h for what it is given.
#include "base/error.h"
#include "model/families/family.h"

namespace bantam {
namespace {

ModelConfig from_gguf(const ModelFile& file) {
  ModelConfig c = kLlama.from_gguf(file);
  c.family = "bantam-reader";
  c.causal = false;
  c.token_types = static_cast<int>(file.metadata.integer("reader.token_types", 1, 1 << 8));
  c.classes = static_cast<int>(file.metadata.integer("reader.classes", 1, 1 << 16));
  return c;
}

void to_gguf(const ModelConfig& c, Metadata& meta) {
  kLlama.to_gguf(c, meta);
  meta.set("reader.token_types", int64_t{c.token_types});
  meta.set("reader.classes", int64_t{c.classes});
}

[[noreturn]] void refuse(const std::string& source) {
  throw UnsupportedError("{}: a reader model has no Hugging Face form; keep it as GGUF", source);
}

}  // namespace

const Family kReader = {.name = "bantam-reader",
                        .hf_architecture = "BantamReader",
                        .gguf_rope_pairs = RopePairs::neighbours,
                        .from_gguf = from_gguf,
                        .from_hf = [](const ModelFile& file) -> ModelConfig { refuse(file.source()); },
                        .to_gguf = to_gguf,
                        .to_hf = [](const ModelConfig&, Metadata& meta) { refuse(meta.source()); },
                        .hf_tensor_name = [](std::string_view name) { return std::string(name); }};

}  // namespace bantam
