#include "engine/memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "base/test_folder.h"
#include "engine/session.h"
#include "engine/test_text_model.h"

namespace bantam {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

class MemoryTest : public testing::Test {
 protected:
  MemoryTest() {
    write_test_text_model(folder_ / "m.gguf", 1, 4096);
    model_ = Model::load(folder_ / "m.gguf");
  }

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }

  TestFolder folder_;
  std::shared_ptr<const Model> model_;
};

TEST_F(MemoryTest, the_need_is_what_a_session_takes) {
  const MemoryNeed need = memory_needed(*model_, 1024);
  Session session(model_, 1, 1024);
  const std::vector<int32_t> prompt(600, 'a');
  session.run_to(prompt);
  EXPECT_EQ(need.weights, model_->weight_bytes());
  EXPECT_EQ(need.cache, session.cache_bytes());
  EXPECT_LE(session.activation_bytes(), need.work + (size_t{8} << 20)) << "the arena grows by whole slabs";
}

TEST_F(MemoryTest, a_cache_of_fewer_bits_needs_less) {
  EXPECT_EQ(memory_needed(*model_, 1024, DType::f16).cache * 2, memory_needed(*model_, 1024).cache);
  EXPECT_LT(memory_needed(*model_, 512).cache, memory_needed(*model_, 1024).cache);
  EXPECT_EQ(memory_needed(*model_, 0).cache, memory_needed(*model_, 4096).cache);
}

TEST_F(MemoryTest, what_does_not_fit_is_refused_with_what_would) {
  const MemoryNeed full = memory_needed(*model_, 4096), half = memory_needed(*model_, 2048);
  EXPECT_NO_THROW(refuse_unless_it_fits(*model_, 4096, kRealType, full.total(), "m.gguf"));
  EXPECT_THAT(
      [&] { refuse_unless_it_fits(*model_, 4096, kRealType, half.total(), "m.gguf"); },
      ThrowsMessage<UsageError>(AllOf(HasSubstr("m.gguf: needs"), HasSubstr("--context 2048"), HasSubstr("--kv f16"))));
  EXPECT_THAT([&] { refuse_unless_it_fits(*model_, 4096, kRealType, full.weights / 8, "m.gguf"); },
              ThrowsMessage<UsageError>(AllOf(HasSubstr("a smaller model is needed"), Not(HasSubstr("--context")))));
}

TEST_F(MemoryTest, a_control_group_can_leave_less_than_the_machine_has) {
  write("proc/meminfo", "MemTotal: 8000 kB\nMemAvailable:    4000 kB\n");
  EXPECT_EQ(available_memory(folder_.path()), 4000u << 10);
  write("sys/fs/cgroup/memory.max", "3000000\n");
  write("sys/fs/cgroup/memory.current", "2500000\n");
  write("sys/fs/cgroup/memory.stat", "anon 1\ninactive_file 1000000\n");
  EXPECT_EQ(available_memory(folder_.path()), 1500000u);
  write("sys/fs/cgroup/memory.max", "max\n");
  EXPECT_EQ(available_memory(folder_.path()), 4000u << 10);
}

TEST_F(MemoryTest, a_system_that_does_not_tell_refuses_nothing) {
  EXPECT_NO_THROW(refuse_unless_it_fits(*model_, 4096, kRealType, available_memory(folder_ / "nothing"), "m.gguf"));
}

}  // namespace
}  // namespace bantam
