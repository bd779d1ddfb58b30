#include "model/config.h"

#include <cmath>

#include "base/error.h"

namespace bantam {
namespace {

class Checker {
 public:
  explicit Checker(const std::string& source) : source_(source) {}

  void range(std::string_view field, int64_t found, int64_t low, int64_t high) const {
    if (found < low || found > high) {
      throw FormatError("{}: {} is {}, expected a value from {} to {}", source_, field, found, low, high);
    }
  }
  void positive(std::string_view field, float found) const {
    if (!(found > 0) || !std::isfinite(found)) {
      throw FormatError("{}: {} is {}, expected a finite value above 0", source_, field, found);
    }
  }
  void not_negative(std::string_view field, float found) const {
    if (!(found >= 0) || !std::isfinite(found)) {
      throw FormatError("{}: {} is {}, expected a finite value of at least 0", source_, field, found);
    }
  }

 private:
  const std::string& source_;
};

void check_rope(const ModelConfig& c, const std::string& source) {
  const Checker check(source);
  check.range("rotated head width", c.rope_dim, 2, c.head_dim);
  if (c.rope_dim % 2 != 0)
    throw FormatError("{}: rotated head width is {}, expected an even value", source, c.rope_dim);
  check.positive("rope amplitude", c.rope_amplitude);
  check.range("original context length", c.rope_original_context, 0, 1 << 28);
  for (const std::vector<float>* factors : {&c.rope_factors, &c.rope_factors_long}) {
    if (!factors->empty() && factors->size() != static_cast<size_t>(c.rope_dim / 2)) {
      throw FormatError("{}: there are {} rope factors, expected {}, half the rotated head width", source,
                        factors->size(), c.rope_dim / 2);
    }
    for (const float factor : *factors) check.positive("a rope factor", factor);
  }
  if (c.rope_factors.empty() && !c.rope_factors_long.empty())
    throw FormatError("{}: has rope factors for a long context but none for a short one", source);
}

void check_experts(const ModelConfig& c, const std::string& source) {
  const Checker check(source);
  check.range("expert count", c.experts, 0, 1 << 8);
  if (c.experts == 0) return;
  check.range("count of used experts", c.experts_used, 1, c.experts);
  if (!c.gated_ffn || c.ffn_bias || c.sub_norms) {
    throw UnsupportedError("{}: its experts are not the gated blocks without bias that this build runs", source);
  }
}

}  // namespace

void validate(const ModelConfig& c, const std::string& source) {
  const Checker check(source);
  check.range("vocabulary size", c.vocab, 1, 1 << 24);
  check.range("model width", c.dim, 1, 1 << 17);
  check.range("head width", c.head_dim, 2, 1 << 13);
  check.range("layer count", c.layers(), 1, 1 << 10);
  check.range("context length", c.context, 1, 1 << 28);
  check_rope(c, source);
  check_experts(c, source);
  check.positive("norm epsilon", c.norm_eps);
  check.positive("embedding scale", c.embed_scale);
  check.not_negative("attention scale", c.attn_scale);
  check.not_negative("attention soft cap", c.attn_cap);
  check.not_negative("logit soft cap", c.logit_cap);
  check.range("token type count", c.token_types, 0, 1 << 8);
  check.range("class count", c.classes, 0, 1 << 16);
  for (int l = 0; l < c.layers(); ++l) {
    const LayerConfig& layer = c.layer[static_cast<size_t>(l)];
    const auto field = [&](std::string_view name) { return fmt::format("{} of layer {}", name, l); };
    check.range(field("head count"), layer.heads, 1, 1 << 10);
    check.range(field("key/value head count"), layer.kv_heads, 1, layer.heads);
    if (layer.heads % layer.kv_heads != 0) {
      throw FormatError("{}: layer {} has {} heads, expected a multiple of its {} key/value heads", source, l,
                        layer.heads, layer.kv_heads);
    }
    check.range(field("feed-forward width"), layer.ffn_dim, 1, 1 << 19);
    check.range(field("attention window"), layer.window, 0, c.causal ? INT32_MAX : 0);
    check.positive(field("rope base"), layer.rope_theta);
    check.positive(field("rope stretch"), layer.rope_stretch);
  }
}

}  // namespace bantam
