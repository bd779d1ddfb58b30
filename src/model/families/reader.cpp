// Our extractive reader: a llama-shaped model whose rows see each other both ways, with token types in and the scores
// of a span's begin and end out. See text/reading.h for what it is given.
#include "model/families/shape.h"

namespace bantam {
namespace {

void read_gguf(const ModelFile& file, ModelConfig& c) {
  c.token_types = static_cast<int>(file.metadata.integer("reader.token_types", 1, 1 << 8));
  c.classes = static_cast<int>(file.metadata.integer("reader.classes", 1, 1 << 16));
}

void write_gguf(const ModelConfig& c, Metadata& meta) {
  meta.set("reader.token_types", int64_t{c.token_types});
  meta.set("reader.classes", int64_t{c.classes});
}

}  // namespace

const Family kReader = {.name = "bantam-reader",
                        .gguf_keys = "llama",
                        .gguf = {.rope_pairs = RopePairs::neighbours},
                        .begin = [](ModelConfig& c) { c.causal = false; },
                        .read_gguf = read_gguf,
                        .write_gguf = write_gguf};

}  // namespace bantam
