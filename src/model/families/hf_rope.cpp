// Rope scaling in config.json. (transformers, modeling_rope_utils.py)
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "model/families/shape.h"
#include "model/families/yarn.h"

namespace bantam {
namespace {

std::vector<float> narrowed(const std::vector<double>& values) { return {values.begin(), values.end()}; }
std::vector<double> widened(const std::vector<float>& values) { return {values.begin(), values.end()}; }

// Llama 3.1: slow pairs turn `factor` times slower, fast ones as before, and between the two it is blended.
std::vector<float> llama3_factors(const Metadata& meta, const std::string& prefix, const ModelConfig& c) {
  const double factor = meta.number(prefix + "factor"), low = meta.number(prefix + "low_freq_factor"),
               high = meta.number(prefix + "high_freq_factor");
  const auto original = static_cast<double>(meta.integer(prefix + "original_max_position_embeddings", 1, kMostInt));
  std::vector<float> factors;
  for (int i = 0; i < c.rope_dim / 2; ++i) {
    const double frequency = std::pow(double{c.layer[0].rope_theta}, -2.0 * i / c.rope_dim);
    const double turns = original * frequency / (2 * std::numbers::pi);
    const double blend = (turns - low) / (high - low);
    const double divisor = turns < low ? factor : turns > high ? 1 : 1 / ((1 - blend) / factor + blend);
    factors.push_back(static_cast<float>(divisor));
  }
  return factors;
}

// Phi-3: factors of their own for short and long contexts, and rotations that grow to keep attention sharp.
void read_long_rope(const Metadata& meta, const std::string& prefix, ModelConfig& c) {
  c.rope_factors = narrowed(meta.numbers_or_empty(prefix + "short_factor"));
  c.rope_factors_long = narrowed(meta.numbers_or_empty(prefix + "long_factor"));
  if (c.rope_factors.empty() || c.rope_factors_long.empty()) {
    throw FormatError("{}: rope scaling 'longrope' needs the arrays 'short_factor' and 'long_factor'", meta.source());
  }
  const std::string original = "original_max_position_embeddings";
  c.rope_original_context = static_cast<int>(
      meta.integer_or(prefix + original, meta.integer_or("hf." + original, c.context, 1, kMostInt), 1, kMostInt));
  const double factor = meta.number_or(prefix + "factor", static_cast<double>(c.context) / c.rope_original_context);
  const double usual = factor > 1 ? std::sqrt(1 + std::log(factor) / std::log(c.rope_original_context)) : 1;
  c.rope_amplitude = static_cast<float>(meta.number_or(prefix + "attention_factor", usual));
}

// transformers gives fast and slow pairs the names beta_fast and beta_slow.
void read_yarn(const Metadata& meta, const std::string& prefix, ModelConfig& c) {
  const auto original =
      static_cast<double>(meta.integer_or(prefix + "original_max_position_embeddings", c.context, 1, kMostInt));
  const Yarn yarn{.factor = meta.number_or(prefix + "factor", c.context / original),
                  .original_context = original,
                  .fast = meta.number_or(prefix + "beta_fast", 32),
                  .slow = meta.number_or(prefix + "beta_slow", 1),
                  .whole_pairs = meta.flag_or(prefix + "truncate", true)};
  c.rope_factors = yarn_factors(yarn, c, meta.source());
  const double mscale = meta.number_or(prefix + "mscale", 0), all_dim = meta.number_or(prefix + "mscale_all_dim", 0);
  const double usual = mscale != 0 && all_dim != 0
                           ? yarn_amplitude(yarn.factor, mscale) / yarn_amplitude(yarn.factor, all_dim)
                           : yarn_amplitude(yarn.factor);
  c.rope_amplitude = static_cast<float>(meta.number_or(prefix + "attention_factor", usual));
}

}  // namespace

void read_hf_rope_scaling(const ModelFile& folder, ModelConfig& c) {
  const Metadata& meta = folder.metadata;
  const auto type_of = [&](const std::string& prefix) {
    return meta.string_or(prefix + "rope_type", meta.string_or(prefix + "type", ""));
  };
  std::string prefix = "hf.rope_scaling.", type = type_of(prefix);
  if (type.empty()) {
    prefix = "hf.rope_parameters.";
    type = type_of(prefix);
  }
  if (type.empty() || type == "default") return;
  if (type == "linear") {
    for (LayerConfig& layer : c.layer) layer.rope_stretch = static_cast<float>(meta.number(prefix + "factor"));
  } else if (type == "llama3") {
    c.rope_factors = llama3_factors(meta, prefix, c);
  } else if (type == "longrope" || type == "su") {
    read_long_rope(meta, prefix, c);
  } else if (type == "yarn") {
    read_yarn(meta, prefix, c);
  } else {
    throw UnsupportedError("{}: rope scaling '{}' is not known; known: default, linear, llama3, longrope, yarn",
                           folder.source(), type);
  }
}

void write_hf_rope_scaling(const ModelConfig& c, Metadata& meta) {
  const auto set_type = [&](const char* type) { meta.set("hf.rope_scaling.rope_type", std::string(type)); };
  if (!c.rope_factors_long.empty()) {
    set_type("longrope");
    meta.set("hf.rope_scaling.short_factor", widened(c.rope_factors));
    meta.set("hf.rope_scaling.long_factor", widened(c.rope_factors_long));
    meta.set("hf.rope_scaling.attention_factor", double{c.rope_amplitude});
    meta.set("hf.original_max_position_embeddings", int64_t{c.rope_original_context});
  } else if (!c.rope_factors.empty()) {
    throw UnsupportedError("{}: config.json names the recipe of rope factors, and this model has only the factors",
                           meta.source());
  } else if (const float stretch = main_layer(c).rope_stretch; stretch != 1) {
    set_type("linear");
    meta.set("hf.rope_scaling.factor", double{stretch});
  }
}

}  // namespace bantam
