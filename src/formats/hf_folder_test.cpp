#include "formats/hf_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/test_folder.h"
#include "formats/hf_config.h"
#include "formats/safetensors.h"

namespace bantam {
namespace {

using testing::ElementsAre;

Metadata config_of(const std::string& text) {
  Metadata metadata("config.json");
  read_hf_config(text, "config.json", metadata);
  return metadata;
}

const std::vector<float> kValues = {1, 2, 3, 4, 5, 6};

NamedTensor tensor(const std::string& name, int64_t rows, int64_t cols) {
  const auto n = static_cast<size_t>(rows * cols);
  return {name, DType::f32, {rows, cols}, std::as_bytes(std::span(kValues).first(n))};
}

TEST(HfFolder, config_and_tensors_survive_a_round_trip) {
  const TestFolder folder;
  Metadata metadata;
  metadata.set("hf.architectures", std::vector<std::string>{"LlamaForCausalLM"});
  metadata.set("hf.hidden_size", int64_t{64});
  metadata.set("hf.offset", int64_t{-1});
  metadata.set("hf.rms_norm_eps", 1e-05);
  metadata.set("hf.rope_theta", 10000.0);
  metadata.set("hf.rope_scaling.factor", 8.0);
  metadata.set("hf.rope_scaling.rope_type", std::string("llama3"));
  metadata.set("hf.tie_word_embeddings", true);
  metadata.set("hf.heads", std::vector<int64_t>{1, 2});
  metadata.set("hf.multipliers", std::vector<double>{0.5, 1});
  metadata.set("general.name", std::string("no part of config.json"));
  const std::vector<NamedTensor> tensors = {tensor("model.norm.weight", 1, 3), tensor("lm_head.weight", 2, 3)};
  write_hf_folder(folder / "new", metadata, sources_of(tensors));

  const ModelFile read = read_hf_folder(folder / "new");
  EXPECT_EQ(read.metadata.size(), metadata.size() - 1);
  for (const auto& [key, value] : read.metadata) EXPECT_EQ(*metadata.find(key), value) << key;
  ASSERT_EQ(read.tensors().size(), 2u);
  EXPECT_TRUE(std::ranges::equal(read.find("lm_head.weight")->bytes, tensors[1].bytes));
}

TEST(HfFolder, values_that_metadata_cannot_hold_are_left_out_of_the_config) {
  const Metadata metadata = config_of(
      R"({"a": null, "b": [], "c": [1, "x"], "d": [[1]], "e": {"f": {"g": 1}}, "h": [1, 2.5], "i": 18446744073709551615})");
  EXPECT_EQ(metadata.size(), 3u);
  EXPECT_EQ(metadata.integer("hf.e.f.g", 0, 9), 1);
  EXPECT_THAT(metadata.numbers_or_empty("hf.h"), ElementsAre(1, 2.5));
  EXPECT_EQ(*metadata.find("hf.i"), MetaValue(uint64_t{UINT64_MAX}));
}

TEST(HfFolder, a_key_that_is_a_value_and_an_object_is_not_written) {
  Metadata metadata("model");
  metadata.set("hf.a", int64_t{1});
  metadata.set("hf.a.b", int64_t{2});
  EXPECT_THROW(hf_config_text(metadata), FormatError);
}

TEST(HfFolder, shards_become_one_file) {
  const TestFolder folder;
  write_hf_folder(folder.path(), Metadata(), {});
  std::filesystem::remove(folder / "model.safetensors");
  const std::vector<NamedTensor> a = {tensor("a", 1, 2)}, b = {tensor("b", 2, 1), tensor("c", 1, 1)};
  write_safetensors(folder / "m-1.safetensors", Metadata(), sources_of(a));
  write_safetensors(folder / "m-2.safetensors", Metadata(), sources_of(b));
  AtomicFile index(folder / "model.safetensors.index.json");
  index.write(R"({"weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors", "c": "m-2.safetensors"}})");
  index.commit();
  const ModelFile read = read_hf_folder(folder.path());
  ASSERT_EQ(read.tensors().size(), 3u);
  EXPECT_TRUE(std::ranges::equal(read.find("b")->bytes, b[0].bytes));
}

}  // namespace
}  // namespace bantam
