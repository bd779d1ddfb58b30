#include "model/families/shape.h"

#include <algorithm>

#include "base/error.h"

namespace bantam {

int rows_of(const ModelFile& file, const TensorLayout& layout, std::string_view name) {
  const NamedTensor* tensor = layout.find(file, name);
  if (!tensor || tensor->shape.size() != 2) {
    throw FormatError("{}: the tensor '{}' is missing or not a matrix", file.source(), layout.name_of(name));
  }
  return static_cast<int>(tensor->shape[0]);
}

void note_optional_tensors(const ModelFile& file, const TensorLayout& layout, ModelConfig& c) {
  const auto has = [&](std::string_view name) { return layout.find(file, name) != nullptr; };
  c.tied_embeddings = !has("output.weight");
  c.head_bias = has("output.bias");
  c.qkv_bias = has("blk.0.attn_q.bias");
  c.attn_out_bias = has("blk.0.attn_output.bias");
  c.ffn_bias = has("blk.0.ffn_down.bias");
}

void set_windows(ModelConfig& c, int window, int every) {
  for (int l = 0; l < c.layers(); ++l) {
    const bool sees_all = every > 1 && (l + 1) % every == 0;
    c.layer[static_cast<size_t>(l)].window = sees_all ? 0 : window;
  }
}

const LayerConfig& main_layer(const ModelConfig& c) {
  const auto whole = std::ranges::find(c.layer, 0, &LayerConfig::window);
  return whole == c.layer.end() ? c.layer[0] : *whole;
}

int window_of(const ModelConfig& c, int every, const std::string& source) {
  int window = 0;
  for (const LayerConfig& layer : c.layer) window = std::max(window, layer.window);
  ModelConfig wanted = c;
  set_windows(wanted, window, every);
  for (size_t l = 0; l < c.layer.size(); ++l) {
    if (c.layer[l].window == wanted.layer[l].window) continue;
    throw UnsupportedError("{}: layer {} has a window of {} where the family '{}' has {}", source, l, c.layer[l].window,
                           c.family, wanted.layer[l].window);
  }
  return window;
}

}  // namespace bantam
