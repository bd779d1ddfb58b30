#include "engine/model_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_folder.h"
#include "engine/memory.h"
#include "engine/test_text_model.h"

namespace bantam {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

class ModelPoolTest : public testing::Test {
 protected:
  ModelPoolTest() {
    write_test_text_model(folder_ / "m.gguf");
    bytes_ = memory_needed(*Model::load(folder_ / "m.gguf"), 64).total();
  }

  ModelPool::Open open() {
    return [this](const std::string& name) -> ModelPool::Opened {
      if (name == "unknown") throw UsageError("no model is called 'unknown'");
      ++opened_;
      return {Model::load(folder_ / "m.gguf"), {.threads = 1, .context = 64}};
    };
  }

  static std::vector<std::string> names(const ModelPool& pool) {
    std::vector<std::string> all;
    for (const auto& loaded : pool.loaded()) all.push_back(loaded.name);
    return all;
  }

  TestFolder folder_;
  uint64_t bytes_ = 0;
  int opened_ = 0;
};

TEST_F(ModelPoolTest, a_model_is_loaded_once_and_stays) {
  ModelPool pool(open(), {.memory_bytes = 4 * bytes_});
  Engine* engine = &*pool.acquire("a");
  EXPECT_EQ(&*pool.acquire("a"), engine);
  EXPECT_EQ(opened_, 1);
  EXPECT_EQ(pool.loaded()[0].bytes, bytes_);
}

TEST_F(ModelPoolTest, the_one_used_longest_ago_makes_room) {
  ModelPool pool(open(), {.memory_bytes = 2 * bytes_});
  pool.acquire("a");
  pool.acquire("b");
  pool.acquire("a");
  pool.acquire("c");
  EXPECT_THAT(names(pool), ElementsAre("a", "c"));
}

TEST_F(ModelPoolTest, a_model_in_use_is_never_unloaded) {
  ModelPool pool(open(), {.memory_bytes = 2 * bytes_});
  const auto a = pool.acquire("a"), b = pool.acquire("b");
  EXPECT_THAT([&] { pool.acquire("c"); }, ThrowsMessage<UsageError>(HasSubstr("models in use take")));
  EXPECT_FALSE(pool.unload("a"));
  pool.unload_expired(Clock::now() + std::chrono::hours(1));
  EXPECT_THAT(names(pool), ElementsAre("a", "b"));
}

TEST_F(ModelPoolTest, a_model_goes_when_nobody_has_asked_for_it_for_long_enough) {
  ModelPool pool(open(), {.memory_bytes = 4 * bytes_, .keep_alive = std::chrono::seconds(60)});
  pool.acquire("a");
  pool.acquire("b", std::chrono::seconds(600));
  pool.acquire("c", std::chrono::milliseconds(-1));
  pool.unload_expired(Clock::now() + std::chrono::seconds(30));
  EXPECT_THAT(names(pool), ElementsAre("a", "b", "c"));
  pool.unload_expired(Clock::now() + std::chrono::seconds(90));
  EXPECT_THAT(names(pool), ElementsAre("b", "c"));
  pool.unload_expired(Clock::now() + std::chrono::hours(9));
  EXPECT_THAT(names(pool), ElementsAre("c"));
  EXPECT_TRUE(pool.unload("c"));
  EXPECT_FALSE(pool.unload("c"));
}

TEST_F(ModelPoolTest, a_name_that_cannot_be_loaded_is_tried_again) {
  ModelPool pool(open(), {.memory_bytes = 4 * bytes_});
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT([&] { pool.acquire("unknown"); }, ThrowsMessage<UsageError>(HasSubstr("'unknown'")));
  }
  EXPECT_TRUE(pool.loaded().empty());
}

TEST_F(ModelPoolTest, many_threads_that_want_a_model_load_it_once) {
  ModelPool pool(open(), {.memory_bytes = 4 * bytes_});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { EXPECT_EQ(pool.acquire("a")->context(), 64); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(opened_, 1);
}

}  // namespace
}  // namespace bantam
