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

  // A file with a matrix of 64 columns, one of 40, an embedding and a vector, all f32 and normal.
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
    add("token_embd.weight", {100, 64});
    add("blk.0.attn_q.weight", {37, 64});
    add("blk.0.ffn_down.weight", {5, 40});
    add("output_norm.weight", {64});
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

TEST_F(QuantizeTest, every_format_comes_back_within_its_precision_and_metadata_is_kept) {
  const auto in = write_model();
  const std::map<DType, double> tolerance = {
      {DType::f32, 0}, {DType::f16, 5e-4}, {DType::bf16, 4e-3}, {DType::q8_0, 0.01}, {DType::q4_0, 0.12}};
  for (const auto& [dtype, limit] : tolerance) {
    const auto out = folder_ / "out.gguf";
    const QuantizeReport report = quantize(in, out, {dtype, {}}, pool_);
    const ModelFile file = read_gguf(out);
    EXPECT_EQ(file.find("blk.0.attn_q.weight")->dtype, dtype);
    EXPECT_LE(error(file, "blk.0.attn_q.weight"), limit) << traits(dtype).name;
    EXPECT_LE(error(file, "token_embd.weight"), limit);
    EXPECT_EQ(decoded(file, "output_norm.weight"), values_["output_norm.weight"]);
    EXPECT_EQ(file.metadata.strings("some.key"), std::vector<std::string>({"kept", "as is"}));
    uint64_t bytes = 0;
    for (const NamedTensor& tensor : file.tensors()) bytes += tensor.bytes.size();
    EXPECT_EQ(report.bytes_after, bytes);
  }
}

TEST_F(QuantizeTest, rows_that_are_not_whole_blocks_stay_f16_with_a_note) {
  const QuantizeReport report = quantize(write_model(), folder_ / "out.gguf", {DType::q4_0, {}}, pool_);
  const ModelFile file = read_gguf(folder_ / "out.gguf");
  EXPECT_EQ(file.find("blk.0.ffn_down.weight")->dtype, DType::f16);
  EXPECT_LE(error(file, "blk.0.ffn_down.weight"), 5e-4);
  EXPECT_THAT(report.notes, testing::ElementsAre(testing::HasSubstr("blk.0.ffn_down.weight: its rows of 40 values")));
  EXPECT_EQ(file.metadata.integer("general.file_type", 0, 100), 2);
}

TEST_F(QuantizeTest, embeddings_may_keep_more_bits) {
  quantize(write_model(), folder_ / "out.gguf", {DType::q4_0, DType::q8_0}, pool_);
  const ModelFile file = read_gguf(folder_ / "out.gguf");
  EXPECT_EQ(file.find("token_embd.weight")->dtype, DType::q8_0);
  EXPECT_EQ(file.find("blk.0.attn_q.weight")->dtype, DType::q4_0);
}

TEST_F(QuantizeTest, quantising_what_is_quantised_already_is_said) {
  quantize(write_model(), folder_ / "q4.gguf", {DType::q4_0, {}}, pool_);
  const QuantizeReport report = quantize(folder_ / "q4.gguf", folder_ / "q8.gguf", {DType::q8_0, {}}, pool_);
  EXPECT_THAT(report.notes, testing::Contains(testing::HasSubstr("2 tensors were already quantised")));
}

TEST_F(QuantizeTest, a_stop_half_way_leaves_the_old_file) {
  const auto in = write_model(), out = folder_ / "out.gguf";
  quantize(in, out, {DType::q8_0, {}}, pool_);
  const std::string before = read_file(out);
  const auto stop = [](uint64_t done, uint64_t total) {
    if (done > total / 2) throw UsageError("stop");
  };
  EXPECT_THROW(quantize(in, out, {DType::q4_0, {}}, pool_, stop), UsageError);
  EXPECT_EQ(read_file(out), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 2) << "a temporary file is left";
}

}  // namespace
}  // namespace bantam
