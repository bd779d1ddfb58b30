#include "model/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "formats/gguf.h"
#include "formats/hf_folder.h"
#include "model/forward.h"
#include "model/save.h"
#include "model/test_model.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

ModelConfig llama_config() {
  ModelConfig c = Switches::config(0);
  c.dim = 32;
  c.head_dim = c.rope_dim = 8;
  c.norm_eps = 1e-5f;
  return c;
}

class ModelTest : public testing::Test {
 protected:
  ModelTest() { fs::create_directories(folder_); }
  ~ModelTest() override { fs::remove_all(folder_); }

  fs::path save(const TestModel& model, const Metadata& meta) const {
    write_gguf(folder_ / "m.gguf", meta, gguf_tensors(model.config, model.weights));
    return folder_ / "m.gguf";
  }

  static std::vector<real> logits(const ModelConfig& c, const Weights& w) {
    ThreadPool pool(1);
    const Compute compute{pool, kernels_by_name("scalar")};
    Arena arena;
    bantam::Run run(arena, compute);
    KvCache kv(c, 16);
    Batch batch;
    batch.append(kv, std::vector<int32_t>{1, 5, 2, 7, 7, 3}, Logits::all_rows);
    const Tensor t = forward(run, c, w, batch);
    return {t.data, t.data + t.size()};
  }

  fs::path folder_ = fs::path(testing::TempDir()) / fmt::format("bantam_model_{}", ::getpid());
};

TEST_F(ModelTest, a_saved_gguf_loads_to_the_same_logits) {
  for (bool tied : {true, false}) {
    ModelConfig c = llama_config();
    c.tied_embeddings = tied;
    c.layer[1] = {.heads = 2, .kv_heads = 1, .ffn_dim = 20};
    const TestModel model(c);
    const auto loaded = Model::load(save(model, gguf_metadata(c)));
    EXPECT_EQ(loaded->parameters(), model.values.size());
    EXPECT_EQ(logits(loaded->config(), loaded->weights()), logits(c, model.weights));
  }
}

TEST_F(ModelTest, other_work_is_done_beside_the_weights_and_what_it_throws_comes_out) {
  const ModelConfig c = llama_config();
  const fs::path path = save(TestModel(c), gguf_metadata(c));
  std::string family;
  Model::from_file(read_gguf(path), LoadFor::running, nullptr,
                   [&](const Metadata& metadata) { family = metadata.string("general.architecture"); });
  EXPECT_EQ(family, "llama");
  const auto fail = [](const Metadata&) { throw UsageError("no"); };
  EXPECT_THROW(Model::from_file(read_gguf(path), LoadFor::running, nullptr, fail), UsageError);
}

TEST_F(ModelTest, a_hugging_face_folder_and_back_to_gguf_keep_the_function) {
  const ModelConfig c = llama_config();
  const TestModel model(c);
  write_hf_folder(folder_ / "hf", hf_metadata(c), hf_tensors(c, model.weights));
  const auto hf = Model::load(folder_ / "hf");
  EXPECT_EQ(hf->config().rope_pairs, RopePairs::halves);
  // Rotating other pairs adds the head's products in another order.
  const auto expected = logits(c, model.weights), found = logits(hf->config(), hf->weights());
  for (size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(found[i], expected[i], 1e-4);

  write_gguf(folder_ / "back.gguf", gguf_metadata(hf->config()), gguf_tensors(hf->config(), hf->weights()));
  const auto back = Model::load(folder_ / "back.gguf");
  EXPECT_EQ(logits(back->config(), back->weights()), expected);
}

TEST_F(ModelTest, vectors_stored_in_half_precision_are_widened) {
  const TestModel model(llama_config());
  auto tensors = gguf_tensors(model.config, model.weights);
  std::vector<std::byte> half(row_bytes(DType::f16, 32));
  traits(DType::f16).encode(model.weights.final_norm.values(), half.data(), 32);
  for (TensorSource& t : tensors) {
    if (t.name != "output_norm.weight") continue;
    t.dtype = DType::f16;
    t.produce = [&](const ByteSink& put) { put(half); };
  }
  write_gguf(folder_ / "m.gguf", gguf_metadata(model.config), tensors);
  const auto loaded = Model::load(folder_ / "m.gguf");
  EXPECT_NEAR(loaded->weights().final_norm.values()[5], model.weights.final_norm.values()[5], 1e-3);
}

}  // namespace
}  // namespace bantam
