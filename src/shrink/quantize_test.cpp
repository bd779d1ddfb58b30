#include "shrink/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "formats/gguf.h"

namespace bantam {
namespace {

class QuantizeTest : public testing::Test {
 protected:
  QuantizeTest() { std::filesystem::create_directories(folder_); }
  ~QuantizeTest() override { std::filesystem::remove_all(folder_); }

  // A file with matrices of 256 columns, of 64 and of 40, experts and vectors, all f32 and normal.
  std::filesystem::path write_model() {
    Metadata metadata("test");
    metadata.set("general.architecture", std::string("llama"));
    metadata.set("some.key", std::vector<std::string>{"kept", "as is"});
    std::vector<TensorSource> tensors;
    const auto add = [&](const std::string& name, std::vector<int64_t> shape) {
      int64_t n = 1;
      for (const int64_t d : shape) n *= d;
      std::vector<float>& v = values_[name];
      Rng rng(static_cast<uint64_t>(n));
      for (int64_t i = 0; i < n; ++i) v.push_back(static_cast<float>(rng.normal()));
      tensors.push_back(
          {name, DType::f32, std::move(shape), [&v](const ByteSink& put) { put(std::as_bytes(std::span(v))); }});
    };
    add("token_embd.weight", {100, 256});
    add("blk.0.attn_q.weight", {37, 256});
    add("blk.0.attn_v.weight", {11, 256});
    add("blk.0.ffn_gate_exps.weight", {3, 4, 256});
    add("blk.0.ffn_gate_inp.weight", {4, 256});
    add("blk.0.ffn_up.weight", {5, 64});
    add("blk.0.ffn_down.weight", {5, 40});
    add("output_norm.weight", {256});
    const auto path = folder_ / "in.gguf";
    write_gguf(path, metadata, tensors);
    return path;
  }

  std::vector<float> decoded(const ModelFile& file, const std::string& name) {
    const NamedTensor* tensor = file.find(name);
    std::vector<float> out(values_[name].size());
    traits(tensor->dtype).decode(tensor->bytes.data(), out.data(), static_cast<int64_t>(out.size()));
    return out;
  }

  // Root mean square error over root mean square.
  double error(const ModelFile& file, const std::string& name) {
    double error = 0, size = 0;
    const std::vector<float> got = decoded(file, name);
    for (size_t i = 0; i < got.size(); ++i) {
      const double v = values_[name][i], d = got[i] - v;
      error += d * d;
      size += v * v;
    }
    return std::sqrt(error / size);
  }

  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / fmt::format("bantam-quantize-{}", ::getpid());
  std::map<std::string, std::vector<float>> values_;
  ThreadPool pool_{2};
};

TEST_F(QuantizeTest, every_mix_comes_back_within_its_precision_and_metadata_is_kept) {
  const auto in = write_model();
  for (const Mix& mix : all_mixes()) {
    const auto out = folder_ / "out.gguf";
    const QuantizeReport report = quantize(in, out, {.to = mix}, pool_);
    const ModelFile file = read_gguf(out);
    const double bits = 8.0 * static_cast<double>(traits(mix.base).block_bytes) / traits(mix.base).block;
    const std::map<DType, double> element_wise = {{DType::f32, 0}, {DType::f16, 5e-4}, {DType::bf16, 4e-3}};
    const double limit = element_wise.contains(mix.base) ? element_wise.at(mix.base)
                         : bits < 2.1                    ? 0.5
                                                         : 2.3 * std::exp2(-bits);
    EXPECT_EQ(file.find("blk.0.attn_q.weight")->dtype, mix.base);
    EXPECT_LE(error(file, "blk.0.attn_q.weight"), limit) << mix.name;
    EXPECT_LE(error(file, "blk.0.ffn_gate_exps.weight"), limit) << mix.name;
    EXPECT_LE(error(file, "token_embd.weight"), std::min(limit, 0.02)) << mix.name;
    for (const char* kept : {"output_norm.weight", "blk.0.ffn_gate_inp.weight"}) {
      EXPECT_EQ(decoded(file, kept), values_[kept]) << mix.name;
    }
    EXPECT_EQ(file.metadata.strings("some.key"), std::vector<std::string>({"kept", "as is"}));
    EXPECT_EQ(file.metadata.integer("general.file_type", 0, 100), mix.file_type);
    uint64_t bytes = 0;
    for (const NamedTensor& tensor : file.tensors()) bytes += tensor.bytes.size();
    EXPECT_EQ(report.bytes_after, bytes);
    EXPECT_DOUBLE_EQ(report.bits_per_weight(), 8 * static_cast<double>(bytes) / (256 * 165 + 5 * 64 + 5 * 40));
  }
}

TEST_F(QuantizeTest, rows_that_are_not_whole_blocks_fall_back_with_a_note) {
  const QuantizeReport report = quantize(write_model(), folder_ / "out.gguf", {.to = *find_mix("q4_k_m")}, pool_);
  const ModelFile file = read_gguf(folder_ / "out.gguf");
  EXPECT_EQ(file.find("blk.0.ffn_up.weight")->dtype, DType::q5_0);
  EXPECT_EQ(file.find("blk.0.ffn_down.weight")->dtype, DType::f16);
  EXPECT_LE(error(file, "blk.0.ffn_down.weight"), 5e-4);
  EXPECT_THAT(report.notes, testing::ElementsAre("blk.0.ffn_up.weight: its rows of 64 values are not whole blocks of "
                                                 "q4_k; stored as q5_0",
                                                 testing::HasSubstr("blk.0.ffn_down.weight: its rows of 40 values")));
}

TEST_F(QuantizeTest, a_mix_may_be_pure_and_embeddings_may_have_a_format_of_their_own) {
  const auto in = write_model(), out = folder_ / "out.gguf";
  const auto formats = [&](QuantizeOptions options) {
    quantize(in, out, options, pool_);
    const ModelFile file = read_gguf(out);
    return std::pair(file.find("token_embd.weight")->dtype, file.find("blk.0.attn_v.weight")->dtype);
  };
  const Mix& mix = *find_mix("q3_k_m");
  EXPECT_EQ(formats({.to = mix}), std::pair(DType::q6_k, DType::q5_k));
  EXPECT_EQ(formats({.to = mix, .pure = true}), std::pair(DType::q3_k, DType::q3_k));
  EXPECT_EQ(formats({.to = mix, .embeddings = DType::q8_0}), std::pair(DType::q8_0, DType::q5_k));
}

TEST_F(QuantizeTest, importance_keeps_the_columns_that_matter) {
  const auto in = write_model(), out = folder_ / "out.gguf";
  const ModelFile file = read_gguf(in);
  Calibration calibration(file.tensors());
  const NamedTensor& tensor = *file.find("blk.0.attn_q.weight");
  std::vector<real> x(256, real{0.1f});
  x[17] = x[200] = 3;
  calibration.observe({tensor.bytes.data(), nullptr, 37, 256, DType::f32}, {x.data(), nullptr, 1, 256});
  const auto column_error = [&](const Importance* importance) {
    quantize(in, out, {.to = *find_mix("iq4_xs"), .importance = importance}, pool_);
    const std::vector<float> got = decoded(read_gguf(out), tensor.name);
    double sum = 0;
    for (size_t r = 0; r < 37; ++r) {
      for (const size_t c : {17u, 200u}) sum += std::pow(got[r * 256 + c] - values_[tensor.name][r * 256 + c], 2);
    }
    return std::sqrt(sum);
  };
  EXPECT_LT(column_error(&calibration.importance()), 0.5 * column_error(nullptr));
}

TEST_F(QuantizeTest, quantising_what_is_quantised_already_is_said) {
  quantize(write_model(), folder_ / "q4.gguf", {.to = *find_mix("q4_0")}, pool_);
  const QuantizeReport report = quantize(folder_ / "q4.gguf", folder_ / "q8.gguf", {.to = *find_mix("q8_0")}, pool_);
  EXPECT_THAT(report.notes, testing::Contains(testing::HasSubstr("5 tensors were already quantised")));
}

// What quantize() says of a model whose embedding holds this value.
std::string refusal(const std::filesystem::path& folder, float value, const char* mix) {
  std::vector<float> values(256, 1.0f);
  values[7] = value;
  const NamedTensor tensor{"token_embd.weight", DType::f32, {1, 256}, std::as_bytes(std::span(values))};
  write_gguf(folder / "bad.gguf", Metadata(), std::vector{source_of(tensor)});
  ThreadPool pool(1);
  try {
    quantize(folder / "bad.gguf", folder / "out.gguf", {.to = *find_mix(mix), .pure = true}, pool);
    return "accepted";
  } catch (const FormatError& error) {
    return error.what();
  }
}

TEST_F(QuantizeTest, values_that_no_format_can_hold_are_refused) {
  for (const Mix& mix : all_mixes()) {
    if (mix.base == DType::f32) continue;
    EXPECT_EQ(refusal(folder_, 100, mix.name.data()), "accepted");
    EXPECT_THAT(refusal(folder_, NAN, mix.name.data()),
                testing::HasSubstr("bad.gguf: tensor 'token_embd.weight' row 0 holds a NaN"));
    EXPECT_THAT(refusal(folder_, -INFINITY, mix.name.data()), testing::HasSubstr("the file is damaged"));
    if (mix.base == DType::bf16) continue;
    EXPECT_THAT(refusal(folder_, 1e12f, mix.name.data()), testing::HasSubstr("too large for")) << mix.name;
  }
}

TEST_F(QuantizeTest, a_stop_half_way_leaves_the_old_file) {
  const auto in = write_model(), out = folder_ / "out.gguf";
  quantize(in, out, {.to = *find_mix("q8_0")}, pool_);
  const std::string before = read_file(out);
  const auto stop = [](uint64_t done, uint64_t total) {
    if (done > total / 2) throw UsageError("stop");
  };
  EXPECT_THROW(quantize(in, out, {.to = *find_mix("q4_0")}, pool_, stop), UsageError);
  EXPECT_EQ(read_file(out), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 2) << "a temporary file is left";
}

}  // namespace
}  // namespace bantam
