// Every family, written and read back: a GGUF file gives the same logits to the last bit, a Hugging Face folder the
// same up to rounding.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "formats/gguf.h"
#include "formats/hf_folder.h"
#include "model/families/family.h"
#include "model/families/shape.h"
#include "model/forward.h"
#include "model/model.h"
#include "model/save.h"
#include "model/test_model.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr int kContext = 16, kTokens = 12;

// A small model of the family, with all of what only some of its models have.
ModelConfig family_config(const std::string& name) {
  const Family& family = family_by_name(name, "test");
  ModelConfig c;
  c.family = name;
  if (family.begin) family.begin(c);
  LayerConfig layer = c.layer.empty() ? LayerConfig{} : c.layer[0];
  layer.heads = 4;
  layer.kv_heads = 2;
  layer.ffn_dim = 20;
  c.layer.assign(7, layer);
  c.vocab = 11;
  c.dim = 32;
  c.head_dim = c.rope_dim = 8;
  c.context = kContext;
  c.rope_pairs = family.gguf.rope_pairs;
  c.tied_embeddings = false;
  if (name == "mistral" || name == "starcoder2") set_windows(c, 3, 1);
  if (name == "mixtral") c.experts = 3, c.experts_used = 2;
  if (name == "qwen2") c.qkv_bias = true;
  if (name == "phi3") {
    set_windows(c, 5, 1);
    c.rope_factors = {1, 1.5, 2, 2.5};
    c.rope_factors_long = {2, 3, 4, 5};
    c.rope_original_context = 8;
    c.rope_amplitude = 1.25f;
  }
  if (name.starts_with("gemma")) c.embed_scale = std::sqrt(32.f);
  if (name == "gemma2") c.attn_cap = 5, c.logit_cap = 7, c.attn_scale = 0.25f;
  if (name == "gemma2") set_windows(c, 3, 2);
  if (name == "gemma3") {
    for (LayerConfig& l : c.layer) l.rope_stretch = 8;
    set_windows(c, 3, 6);
    for (LayerConfig& l : c.layer) {
      if (l.window > 0) l.rope_stretch = 1, l.rope_theta = 500;
    }
  }
  if (name == "openelm") {
    for (int l = 0; l < 7; ++l) {
      c.layer[static_cast<size_t>(l)].heads = 2 + 2 * (l / 3);
      c.layer[static_cast<size_t>(l)].ffn_dim = 20 + 4 * l;
    }
  }
  if (c.norm == Norm::layer) c.qkv_bias = c.attn_out_bias = c.ffn_bias = true;
  if (name == "stablelm") c.ffn_bias = c.attn_out_bias = false, c.rope_dim = 4;
  if (name == "phi2") c.head_bias = true, c.rope_dim = 4;
  return c;
}

class FamiliesTest : public testing::Test {
 protected:
  FamiliesTest() { fs::create_directories(folder_); }
  ~FamiliesTest() override { fs::remove_all(folder_); }

  std::shared_ptr<const Model> through_gguf(const ModelConfig& c, const Weights& w) const {
    write_gguf(folder_ / "m.gguf", gguf_metadata(c), gguf_tensors(c, w));
    return Model::load(folder_ / "m.gguf");
  }

  std::shared_ptr<const Model> through_hf(const ModelConfig& c, const Weights& w) const {
    write_hf_folder(folder_ / "hf", hf_metadata(c), hf_tensors(c, w));
    return Model::load(folder_ / "hf");
  }

  static std::vector<real> logits(const ModelConfig& c, const Weights& w) {
    ThreadPool pool(1);
    const Compute compute{pool, kernels_by_name("scalar")};
    Arena arena;
    bantam::Run run(arena, compute);
    KvCache kv(c, kContext);
    Batch batch;
    std::vector<int32_t> tokens;
    for (int i = 0; i < kTokens; ++i) tokens.push_back(i * i % 11);
    batch.append(kv, tokens, Logits::all_rows);
    const Tensor t = forward(run, c, w, batch);
    return {t.data, t.data + t.size()};
  }

  static std::vector<real> logits(const Model& model) { return logits(model.config(), model.weights()); }

  static void expect_near(const std::vector<real>& found, const std::vector<real>& expected) {
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 2e-4) << i;
  }

  fs::path folder_ = fs::path(testing::TempDir()) / fmt::format("bantam_families_{}", ::getpid());
};

TEST_F(FamiliesTest, a_gguf_file_of_every_family_loads_to_the_same_logits) {
  for (const Family* family : all_families()) {
    if (family->name == "bantam-reader") continue;  // reader_test.cpp has it
    SCOPED_TRACE(family->name);
    const ModelConfig c = family_config(std::string(family->name));
    const TestModel model(c, 3, 0.2);
    const auto loaded = through_gguf(c, model.weights);
    EXPECT_EQ(loaded->config().family, family->name);
    EXPECT_EQ(loaded->parameters(), model.values.size());
    EXPECT_EQ(logits(*loaded), logits(c, model.weights));
  }
}

TEST_F(FamiliesTest, a_hugging_face_folder_of_every_family_keeps_the_function_there_and_back) {
  int written = 0;
  for (const Family* family : all_families()) {
    if (family->hf_architecture.empty() || family->reads_hf_only) continue;
    SCOPED_TRACE(family->name);
    const ModelConfig c = family_config(std::string(family->name));
    const TestModel model(c, 3, 0.2);
    const auto expected = logits(c, model.weights);
    const auto hf = through_hf(c, model.weights);
    EXPECT_EQ(hf->config().family, family->name);
    expect_near(logits(*hf), expected);
    expect_near(logits(*through_gguf(hf->config(), hf->weights())), expected);
    ++written;
  }
  EXPECT_GE(written, 12);
}

TEST_F(FamiliesTest, frequency_factors_and_linear_scaling_are_kept_in_gguf) {
  ModelConfig c = family_config("llama");
  c.rope_factors = {1, 2, 3, 4};
  for (LayerConfig& layer : c.layer) layer.rope_stretch = 4;
  const TestModel model(c, 3, 0.2);
  const auto loaded = through_gguf(c, model.weights);
  EXPECT_EQ(loaded->config().rope_factors, c.rope_factors);
  EXPECT_EQ(logits(*loaded), logits(c, model.weights));
  EXPECT_THROW(through_hf(c, model.weights), UnsupportedError);
}

// Tensors of a model with their bytes, to be stored in another way.
struct Loose {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;

  float& at(size_t row, size_t col) { return values[row * static_cast<size_t>(shape[1]) + col]; }
};

std::vector<Loose> loose_tensors(const ModelConfig& c, const Weights& w) {
  std::vector<Loose> out;
  for (const TensorSource& source : gguf_tensors(c, w)) {
    Loose& tensor = out.emplace_back(Loose{source.name, source.shape, {}});
    source.produce([&](std::span<const std::byte> bytes) {
      const size_t old = tensor.values.size();
      tensor.values.resize(old + bytes.size() / sizeof(float));
      std::memcpy(&tensor.values[old], bytes.data(), bytes.size());
    });
  }
  return out;
}

std::vector<TensorSource> sources_of(const std::vector<Loose>& tensors) {
  std::vector<TensorSource> out;
  for (const Loose& t : tensors) {
    out.push_back(
        {t.name, DType::f32, t.shape, [&t](const ByteSink& put) { put(std::as_bytes(std::span(t.values))); }});
  }
  return out;
}

// With every part of the name that is `first` of a pair replaced by its second.
std::string renamed(std::string name, const std::vector<std::pair<std::string, std::string>>& names) {
  for (const auto& [from, to] : names) {
    if (const size_t at = name.find(from); at != name.npos) name.replace(at, from.size(), to);
  }
  return name;
}

Metadata folder_metadata(const std::vector<std::pair<std::string, MetaValue>>& keys) {
  Metadata meta("model");
  for (const auto& [key, value] : keys) meta.set("hf." + key, value);
  return meta;
}

TEST_F(FamiliesTest, a_gpt2_folder_holds_matrices_the_other_way_round) {
  ModelConfig c = family_config("gpt2");
  for (LayerConfig& layer : c.layer) layer.kv_heads = layer.heads;
  c.tied_embeddings = true;
  const TestModel model(c, 3, 0.2);
  std::vector<Loose> tensors = loose_tensors(c, model.weights);
  for (Loose& t : tensors) {
    t.name = "transformer." + renamed(t.name, {{"blk.", "h."},
                                               {"attn_qkv", "attn.c_attn"},
                                               {"attn_output", "attn.c_proj"},
                                               {"attn_norm", "ln_1"},
                                               {"ffn_norm", "ln_2"},
                                               {"ffn_up", "mlp.c_fc"},
                                               {"ffn_down", "mlp.c_proj"},
                                               {"output_norm", "ln_f"},
                                               {"token_embd", "wte"},
                                               {"position_embd", "wpe"}});
    if (t.name.find(".c_") == t.name.npos || t.shape.size() < 2) continue;
    Loose turned{t.name, {t.shape[1], t.shape[0]}, t.values};
    for (size_t r = 0; r < static_cast<size_t>(t.shape[0]); ++r) {
      for (size_t col = 0; col < static_cast<size_t>(t.shape[1]); ++col) turned.at(col, r) = t.at(r, col);
    }
    t = turned;
  }
  tensors.push_back({"transformer.h.0.attn.bias", {1, 1, 16, 16}, std::vector<float>(256, 1)});
  Metadata meta = folder_metadata({{"architectures", std::vector<std::string>{"GPT2LMHeadModel"}},
                                   {"n_embd", int64_t{32}},
                                   {"n_layer", int64_t{7}},
                                   {"n_head", int64_t{4}},
                                   {"n_inner", int64_t{20}},
                                   {"n_positions", int64_t{kContext}},
                                   {"activation_function", std::string("gelu_new")}});
  write_hf_folder(folder_ / "hf", meta, sources_of(tensors));
  EXPECT_EQ(logits(*Model::load(folder_ / "hf")), logits(c, model.weights));
  meta.set("hf.scale_attn_by_inverse_layer_idx", true);
  write_hf_folder(folder_ / "hf", meta, sources_of(tensors));
  EXPECT_THAT([&] { Model::load(folder_ / "hf"); },
              ThrowsMessage<UnsupportedError>(HasSubstr("scale_attn_by_inverse_layer_idx")));
}

TEST_F(FamiliesTest, a_bitnet_folder_is_rounded_to_three_values) {
  ModelConfig c = family_config("bitnet-b1.58");
  const TestModel model(c, 3, 0.2);
  std::vector<Loose> tensors = loose_tensors(c, model.weights);
  const auto write_folder = [&] {
    std::vector<Loose> stored = tensors;
    for (Loose& t : stored) {
      t.name = renamed(t.name, {{"blk.", "model.layers."},
                                {"attn_sub_norm", "self_attn.attn_sub_norm"},
                                {"ffn_sub_norm", "mlp.ffn_sub_norm"},
                                {"attn_norm", "input_layernorm"},
                                {"ffn_norm", "post_attention_layernorm"},
                                {"attn_q.", "self_attn.q_proj."},
                                {"attn_k.", "self_attn.k_proj."},
                                {"attn_v.", "self_attn.v_proj."},
                                {"attn_output", "self_attn.o_proj"},
                                {"ffn_gate", "mlp.gate_proj"},
                                {"ffn_up", "mlp.up_proj"},
                                {"ffn_down", "mlp.down_proj"},
                                {"output_norm", "model.norm"},
                                {"token_embd", "model.embed_tokens"},
                                {"output.", "lm_head."}});
    }
    write_hf_folder(folder_ / "hf",
                    folder_metadata({{"architectures", std::vector<std::string>{"BitNetForCausalLM"}},
                                     {"hidden_size", int64_t{32}},
                                     {"num_hidden_layers", int64_t{7}},
                                     {"num_attention_heads", int64_t{4}},
                                     {"num_key_value_heads", int64_t{2}},
                                     {"intermediate_size", int64_t{20}},
                                     {"rms_norm_eps", 1e-5},
                                     {"max_position_embeddings", int64_t{kContext}},
                                     {"hidden_act", std::string("relu2")}}),
                    sources_of(stored));
    return Model::load(folder_ / "hf");
  };
  const auto loaded = write_folder();
  // The same done here to what the model is made of.
  size_t zeros = 0, matrices = 0;
  for (Loose& t : tensors) {
    if (t.shape.size() < 2 || !t.name.starts_with("blk.")) continue;
    double sum = 0;
    for (const float v : t.values) sum += std::abs(double{v});
    const double scale = sum / static_cast<double>(t.values.size());
    for (float& v : t.values) {
      const double size = std::abs(double{v}) < scale / 2 ? 0 : scale;
      zeros += size == 0;
      v = static_cast<float>(v < 0 ? -size : size);
    }
    ++matrices;
  }
  EXPECT_EQ(matrices, 7u * 7u);
  EXPECT_GT(zeros, 1000u);
  write_gguf(folder_ / "m.gguf", gguf_metadata(c), sources_of(tensors));
  expect_near(logits(*loaded), logits(*Model::load(folder_ / "m.gguf")));
}

TEST_F(FamiliesTest, yarn_slows_slow_pairs_and_lengthens_all) {
  ModelConfig c = family_config("llama");
  c.context = 2048;
  const TestModel model(c, 3, 0.2);
  Metadata meta = gguf_metadata(c);
  meta.set("llama.rope.scaling.type", std::string("yarn"));
  meta.set("llama.rope.scaling.factor", 4.0);
  meta.set("llama.rope.scaling.original_context_length", int64_t{512});
  write_gguf(folder_ / "m.gguf", meta, gguf_tensors(c, model.weights));
  const ModelConfig read = Model::load(folder_ / "m.gguf")->config();
  // Of 4 pairs of base 10000, 32 turns in 512 tokens are at pair 0.41 and one turn at 1.91: 0 to 2 is blended.
  EXPECT_THAT(read.rope_factors, testing::Pointwise(testing::FloatNear(1e-6f), {1.f, 1.6f, 4.f, 4.f}));
  EXPECT_NEAR(read.rope_amplitude, 1 + 0.1 * std::log(4), 1e-6);
  // 16 turns are at pair 0.71 and 10 at 0.91: only pair 0 stays as it was.
  meta.set("llama.rope.scaling.yarn_beta_fast", 16.0);
  meta.set("llama.rope.scaling.yarn_beta_slow", 10.0);
  write_gguf(folder_ / "m.gguf", meta, gguf_tensors(c, model.weights));
  EXPECT_THAT(Model::load(folder_ / "m.gguf")->config().rope_factors,
              testing::Pointwise(testing::FloatNear(1e-6f), {1.f, 4.f, 4.f, 4.f}));
  meta.set("llama.rope.scaling.factor", -4.0);
  write_gguf(folder_ / "m.gguf", meta, gguf_tensors(c, model.weights));
  EXPECT_THAT([&] { Model::load(folder_ / "m.gguf"); }, ThrowsMessage<FormatError>(HasSubstr("factor -4")));
}

class HfConfigTest : public FamiliesTest {
 protected:
  // The config of a folder of llama shape with some keys set.
  ModelConfig read(const std::vector<std::pair<std::string, MetaValue>>& keys, const char* family = "llama") const {
    ModelConfig c = family_config("llama");
    c.family = family;
    const TestModel model(c);
    Metadata meta = hf_metadata(c);
    for (const auto& [key, value] : keys) meta.set("hf." + key, value);
    write_hf_folder(folder_ / "hf", meta, hf_tensors(c, model.weights));
    return Model::load(folder_ / "hf")->config();
  }
};

TEST_F(HfConfigTest, llama_3_scaling_slows_only_slow_pairs) {
  const ModelConfig c = read({{"rope_theta", 500000.0},
                              {"rope_scaling.rope_type", std::string("llama3")},
                              {"rope_scaling.factor", 32.0},
                              {"rope_scaling.low_freq_factor", 1.0},
                              {"rope_scaling.high_freq_factor", 4.0},
                              {"rope_scaling.original_max_position_embeddings", int64_t{8192}}});
  // Pair 2 turns 8192 * 500000^-0.5 / (2 pi) = 1.844 times, 0.2813 of the way from 1 to 4.
  ASSERT_EQ(c.rope_factors.size(), 4u);
  EXPECT_EQ(c.rope_factors[0], 1);
  EXPECT_EQ(c.rope_factors[1], 1);
  EXPECT_NEAR(c.rope_factors[2], 3.2922, 1e-3);
  EXPECT_EQ(c.rope_factors[3], 32);
}

TEST_F(HfConfigTest, scaling_and_activations_that_are_not_known_are_refused_with_the_known_ones) {
  EXPECT_THAT(
      [&] {
        read({{"rope_scaling.rope_type", std::string("dynamic")}});
      },
      ThrowsMessage<UnsupportedError>(testing::AllOf(HasSubstr("dynamic"), HasSubstr("llama3"))));
  EXPECT_THAT(
      [&] {
        read({{"hidden_act", std::string("gelu")}});
      },
      ThrowsMessage<UnsupportedError>(testing::AllOf(HasSubstr("gelu"), HasSubstr("silu"))));
}

TEST_F(HfConfigTest, a_qwen_window_counts_only_where_the_config_uses_it) {
  const MetaValue window = int64_t{3};
  EXPECT_EQ(read({{"sliding_window", window}}, "qwen2").layer[6].window, 0);
  const ModelConfig c =
      read({{"sliding_window", window}, {"use_sliding_window", true}, {"max_window_layers", int64_t{5}}}, "qwen2");
  EXPECT_EQ(c.layer[4].window, 0);
  EXPECT_EQ(c.layer[5].window, 3);
}

TEST_F(HfConfigTest, yarn_is_what_it_is_in_gguf) {
  const std::vector<std::pair<std::string, MetaValue>> keys{
      {"max_position_embeddings", int64_t{512}},
      {"rope_scaling.rope_type", std::string("yarn")},
      {"rope_scaling.factor", 4.0},
      {"rope_scaling.original_max_position_embeddings", int64_t{512}}};
  ModelConfig c = read(keys);
  EXPECT_THAT(c.rope_factors, testing::Pointwise(testing::FloatNear(1e-6f), {1.f, 1.6f, 4.f, 4.f}));
  EXPECT_NEAR(c.rope_amplitude, 1 + 0.1 * std::log(4), 1e-6);
  auto more = keys;
  more.insert(more.end(), {{"rope_scaling.truncate", false}, {"rope_scaling.attention_factor", 1.5}});
  c = read(more);
  EXPECT_NEAR(c.rope_factors[1], 1 / (0.75 * (1.9111 - 1) / (1.9111 - 0.4059) + 0.25), 1e-3);
  EXPECT_EQ(c.rope_amplitude, 1.5f);
}

TEST_F(HfConfigTest, linear_scaling_divides_positions) {
  const ModelConfig c = read({{"rope_scaling.type", std::string("linear")}, {"rope_scaling.factor", 4.0}});
  EXPECT_EQ(c.layer[3].rope_stretch, 4);
}

// Metadata and tensors of a phi3 file that contradict each other.
TEST_F(FamiliesTest, a_fused_tensor_of_another_size_is_refused) {
  const ModelConfig c = family_config("phi3");
  const TestModel model(c);
  const auto refused = [&](const char* name, int64_t rows, const char* message) {
    auto tensors = gguf_tensors(c, model.weights);
    const std::vector<std::byte> zeros(static_cast<size_t>(rows) * 32 * sizeof(float));
    for (TensorSource& t : tensors) {
      if (t.name != name) continue;
      t.shape[0] = rows;
      t.produce = [&](const ByteSink& put) { put(zeros); };
    }
    write_gguf(folder_ / "m.gguf", gguf_metadata(c), tensors);
    EXPECT_THAT([&] { Model::load(folder_ / "m.gguf"); }, ThrowsMessage<FormatError>(HasSubstr(message))) << name;
  };
  refused("blk.2.attn_qkv.weight", 60, "attn_qkv.weight' has shape 60x32, expected 64x32");
  refused("blk.2.attn_qkv.weight", 70, "attn_qkv.weight' has shape 70x32, expected 64x32");
  refused("blk.0.ffn_up.weight", 20, "ffn_up.weight' has shape 20x32, expected 40x32");
}

TEST_F(FamiliesTest, a_phi3_window_is_believed_only_with_its_pattern) {
  const ModelConfig c = family_config("phi3");
  const TestModel model(c);
  Metadata meta = gguf_metadata(c), bare("model");
  for (const auto& [key, value] : meta) {
    if (!key.ends_with("sliding_window_pattern")) bare.set(key, value);
  }
  const auto window = [&](const Metadata& metadata) {
    write_gguf(folder_ / "m.gguf", metadata, gguf_tensors(c, model.weights));
    return Model::load(folder_ / "m.gguf")->config().layer[3].window;
  };
  EXPECT_EQ(window(meta), 5);
  EXPECT_EQ(window(bare), 0);
}

TEST_F(FamiliesTest, metadata_of_families_that_contradicts_is_refused) {
  const auto refused = [&](const char* family, const char* key, MetaValue value, const char* message) {
    const ModelConfig c = family_config(family);
    const TestModel model(c);
    Metadata meta = gguf_metadata(c);
    meta.set(key, std::move(value));
    write_gguf(folder_ / "m.gguf", meta, gguf_tensors(c, model.weights));
    EXPECT_THAT([&] { Model::load(folder_ / "m.gguf"); }, ThrowsMessage<Error>(HasSubstr(message))) << key;
  };
  refused("mixtral", "llama.expert_used_count", int64_t{4}, "count of used experts");
  refused("mixtral", "llama.expert_count", int64_t{4}, "ffn_gate_inp.weight' has shape 3x32, expected 4x32");
  refused("mixtral", "llama.expert_count", int64_t{0}, "ffn_gate.weight' is missing");
  refused("phi3", "phi3.rope.scaling.original_context_length", int64_t{0}, "original_context_length");
  refused("phi3", "phi3.rope.scaling.attn_factor", -1.0, "rope amplitude");
  refused("phi3", "phi3.rope.dimension_count", int64_t{6}, "rope factors");
  refused("llama", "llama.rope.scaling.type", std::string("su"), "known: none, linear, longrope, yarn");
  refused("llama", "llama.attention.value_length", int64_t{4}, "only equal ones");
  refused("gemma2", "gemma2.attn_logit_softcapping", -2.0, "attention soft cap");
  refused("gemma3", "gemma3.rope.freq_base_swa", 0.0, "rope base");
  refused("gpt2", "gpt2.context_length", int64_t{32}, "position_embd.weight' has shape 16x32, expected 32x32");
}

}  // namespace
}  // namespace bantam
