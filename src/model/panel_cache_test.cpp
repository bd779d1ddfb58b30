#include "model/panel_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/test_folder.h"
#include "formats/gguf.h"
#include "model/forward.h"
#include "model/model.h"
#include "model/save.h"
#include "model/test_model.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAreArray;

constexpr PanelCache::Limits kSmall{.least_bytes = 1, .most_bytes = 1 << 20, .free_bytes = 0};

std::vector<std::byte> some_bytes(size_t count, int seed = 0) {
  std::vector<std::byte> bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(static_cast<size_t>(seed) + i * i / 3);
  return bytes;
}

// Where the only file of a folder is.
fs::path only_file(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& file : fs::directory_iterator(folder)) files.push_back(file.path());
  EXPECT_EQ(files.size(), 1u);
  return files.at(0);
}

void flip_byte(const fs::path& path, size_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const auto byte = static_cast<char>(file.get() ^ 1);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
}

TEST(PanelCache, what_is_kept_is_found_by_the_same_key_only) {
  const TestFolder folder;
  const PanelCache cache(folder / "panels", kSmall);
  const auto panels = some_bytes(10'000);
  const PanelCache::Key key{"/a/model.gguf", "as it was on Monday", panels.size()};
  EXPECT_FALSE(cache.find(key));
  ASSERT_TRUE(cache.wants(key));
  cache.keep(key, panels);
  const auto found = cache.find(key);
  ASSERT_TRUE(found);
  EXPECT_THAT(std::span(found->data(), panels.size()), ElementsAreArray(panels));
  EXPECT_FALSE(cache.find({"/another/model.gguf", key.identity, key.bytes}));
  EXPECT_TRUE(cache.find(key));
  EXPECT_FALSE(cache.find({key.place, "as it is on Tuesday", key.bytes}));
  EXPECT_FALSE(cache.find(key)) << "panels of the model that lay there before are deleted";
}

TEST(PanelCache, large_panels_are_found_whole_whatever_pages_they_lie_on) {
  const TestFolder folder;
  const PanelCache cache(folder / "panels", {.least_bytes = 1, .free_bytes = 0});
  const auto panels = some_bytes(33'000'001);
  const PanelCache::Key key{"/a/model.gguf", "as it was on Monday", panels.size()};
  ASSERT_TRUE(cache.wants(key));
  cache.keep(key, panels);
  auto found = cache.find(key);
  ASSERT_TRUE(found);
  const KeptPanels moved = std::move(*found);
  EXPECT_TRUE(std::ranges::equal(std::span(moved.data(), panels.size()), panels));
}

TEST(PanelCache, a_damaged_file_is_not_used_and_goes) {
  const auto panels = some_bytes(9'000'001);
  const PanelCache::Key key{"/model.gguf", "", panels.size()};
  for (const size_t at : {size_t{3}, size_t{20}, PanelCache::kHeaderBytes, PanelCache::kHeaderBytes + 4'500'000,
                          PanelCache::kHeaderBytes + 9'000'000}) {
    const TestFolder folder;
    const PanelCache cache(folder / "panels", {.least_bytes = 1, .free_bytes = 0});
    ASSERT_TRUE(cache.wants(key));
    cache.keep(key, panels);
    flip_byte(only_file(folder / "panels"), at);
    EXPECT_FALSE(cache.find(key)) << at;
    EXPECT_TRUE(fs::is_empty(folder / "panels")) << at;
    cache.keep(key, panels);
    fs::resize_file(only_file(folder / "panels"), at);
    EXPECT_FALSE(cache.find(key)) << at;
  }
}

TEST(PanelCache, a_folder_that_cannot_be_written_is_no_error) {
  const TestFolder folder;
  const PanelCache cache(folder.write("a-file", "") / "panels", kSmall);
  const auto panels = some_bytes(100);
  const PanelCache::Key key{"/model.gguf", "", panels.size()};
  EXPECT_FALSE(cache.wants(key));
  cache.keep(key, panels);
  EXPECT_FALSE(cache.find(key));
}

TEST(PanelCache, those_that_were_not_used_longest_make_room) {
  const TestFolder folder;
  const PanelCache cache(folder / "panels", {.least_bytes = 1, .most_bytes = 30'000, .free_bytes = 0});
  const auto key = [](int i) { return PanelCache::Key{fmt::format("/{}.gguf", i), "", 10'000}; };
  const auto panels = some_bytes(10'000);
  ASSERT_TRUE(cache.wants(key(0)));
  for (int i = 0; i < 2; ++i) {
    cache.keep(key(i), panels);
    for (const auto& file : fs::directory_iterator(folder / "panels")) {
      fs::last_write_time(file, fs::last_write_time(file) - std::chrono::hours(1));
    }
  }
  EXPECT_TRUE(cache.find(key(0)));  // and so used later than 1
  cache.keep(key(2), panels);
  EXPECT_FALSE(cache.find(key(1)));
  EXPECT_TRUE(cache.find(key(0)));
  EXPECT_TRUE(cache.find(key(2)));
  EXPECT_FALSE(cache.wants({"/large.gguf", "", 30'001}));
}

class CachedModel : public testing::Test {
 protected:
  // Writes a model whose matrices are q8_0.
  fs::path save(uint64_t seed) const {
    ModelConfig c = Switches::config(0);
    c.dim = 32;
    c.head_dim = c.rope_dim = 8;
    for (LayerConfig& layer : c.layer) layer.ffn_dim = 64;
    const TestModel model(c, seed);
    std::vector<TensorSource> tensors = gguf_tensors(c, model.weights);
    for (TensorSource& tensor : tensors) {
      if (tensor.shape.size() < 2) continue;
      std::vector<std::byte> values;
      tensor.produce(
          [&](std::span<const std::byte> bytes) { values.insert(values.end(), bytes.begin(), bytes.end()); });
      const auto count = static_cast<int64_t>(values.size() / sizeof(float));
      std::vector<std::byte> blocks(row_bytes(DType::q8_0, count));
      traits(DType::q8_0).encode(reinterpret_cast<const float*>(values.data()), blocks.data(), count);
      tensor.dtype = DType::q8_0;
      tensor.produce = [blocks](const ByteSink& put) { put(blocks); };
    }
    write_gguf(folder_ / "m.gguf", gguf_metadata(c), tensors);
    return folder_ / "m.gguf";
  }

  std::vector<real> logits(const fs::path& path, const PanelCache* cache) const {
    const auto model = Model::from_file(read_gguf(path), LoadFor::running, cache);
    ThreadPool pool(1);
    const Compute compute{pool, kernels_by_name("scalar")};
    Arena arena;
    bantam::Run run(arena, compute);
    KvCache kv(model->config(), 16);
    Batch batch;
    batch.append(kv, std::vector<int32_t>{1, 5, 2, 7}, Logits::all_rows);
    const Tensor t = forward(run, model->config(), model->weights(), batch);
    return {t.data, t.data + t.size()};
  }

  fs::path panels() const { return only_file(folder_ / "panels"); }

  TestFolder folder_;
  PanelCache cache_{folder_ / "panels", kSmall};
};

TEST_F(CachedModel, runs_on_the_panels_of_the_first_time) {
  const fs::path path = save(1);
  const auto wanted = logits(path, nullptr);
  EXPECT_EQ(logits(path, &cache_), wanted);
  const auto long_ago = fs::last_write_time(panels()) - std::chrono::hours(5);
  fs::last_write_time(panels(), long_ago);
  EXPECT_EQ(logits(path, &cache_), wanted);
  EXPECT_GT(fs::last_write_time(panels()), long_ago) << "they were not used";
}

TEST_F(CachedModel, packs_again_when_another_model_lies_in_its_place) {
  const auto first = logits(save(1), &cache_);
  const auto second = logits(save(2), &cache_);
  EXPECT_NE(first, second);
  EXPECT_EQ(second, logits(save(2), nullptr));
}

TEST_F(CachedModel, packs_again_when_its_panels_are_damaged) {
  const fs::path path = save(1);
  const auto wanted = logits(path, &cache_);
  flip_byte(panels(), PanelCache::kHeaderBytes + 100);
  EXPECT_EQ(logits(path, &cache_), wanted);
  EXPECT_TRUE(fs::exists(panels())) << "they were not made again";
}

// As of a program that packs otherwise.
TEST_F(CachedModel, packs_again_when_whole_panels_are_not_what_it_would_make) {
  const fs::path path = save(1);
  const auto wanted = logits(path, &cache_);
  const ModelFile file = read_gguf(path);
  const size_t bytes = fs::file_size(panels()) - PanelCache::kHeaderBytes;
  cache_.keep({fs::absolute(path).string(), file.identity(), bytes}, some_bytes(bytes));
  EXPECT_EQ(logits(path, &cache_), wanted);
}

}  // namespace
}  // namespace bantam
