#include "train/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/error.h"
#include "base/file.h"

namespace bantam {
namespace {

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() { std::filesystem::create_directories(folder_); }
  ~CheckpointTest() override { std::filesystem::remove_all(folder_); }

  std::vector<Section> sections() {
    return {{"weights", std::as_writable_bytes(std::span(weights_))},
            {"moments", std::as_writable_bytes(std::span(moments_))}};
  }
  void save(int64_t step) {
    TrainState state;
    state.recipe = "{\"dim\": 8}";
    state.data = "vocabulary abc";
    state.step = step;
    state.tokens = 1ull << 40;
    state.plan = {1, 2, 3, true};
    state.elapsed_s = 0.1 + 0.2;
    state.step_s = 1e-3;
    state.positions = {{1, 2, 3, 4}, {5, 6, 7, 8}};
    save_checkpoint(path_, state, sections());
  }
  void overwrite(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / fmt::format("bantam-checkpoint-{}", ::getpid());
  std::filesystem::path path_ = folder_ / "checkpoint.bin";
  std::vector<float> weights_ = {1.5f, -2.f, 3.f}, moments_ = std::vector<float>(100, 0.25f);
};

TEST_F(CheckpointTest, loads_what_was_saved) {
  save(17);
  const std::vector<float> weights = weights_, moments = moments_;
  weights_.assign(3, 0);
  moments_.assign(100, 0);
  const CheckpointFile file(path_);
  file.read(sections());
  EXPECT_EQ(weights_, weights);
  EXPECT_EQ(moments_, moments);
  const TrainState& s = file.state();
  EXPECT_EQ(s.recipe, "{\"dim\": 8}");
  EXPECT_EQ(s.data, "vocabulary abc");
  EXPECT_EQ(s.step, 17);
  EXPECT_EQ(s.tokens, 1ull << 40);
  EXPECT_EQ(s.plan, (SchedulePlan{1, 2, 3, true}));
  EXPECT_EQ(s.elapsed_s, 0.1 + 0.2) << "doubles survive the text exactly";
  EXPECT_EQ(s.positions[1], (DataStream::Position{5, 6, 7, 8}));
}

TEST_F(CheckpointTest, a_file_cut_short_at_any_length_is_refused) {
  save(1);
  const std::string bytes = read_file(path_);
  for (size_t keep = 0; keep < bytes.size(); keep += 7) {
    overwrite(path_, bytes.substr(0, keep));
    EXPECT_THROW(CheckpointFile{path_}, Error) << keep;
  }
}

TEST_F(CheckpointTest, any_flipped_bit_is_noticed) {
  save(1);
  const std::string bytes = read_file(path_);
  for (size_t bit = 0; bit < bytes.size() * 8; bit += 13) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    overwrite(path_, flipped);
    EXPECT_THROW(CheckpointFile{path_}, FormatError) << bit;
  }
}

TEST_F(CheckpointTest, the_one_before_is_kept_and_used_when_the_newest_is_damaged) {
  std::string why;
  EXPECT_FALSE(open_newest_checkpoint(path_, why));
  save(1);
  save(2);
  EXPECT_EQ(CheckpointFile(path_).state().step, 2);
  EXPECT_EQ(CheckpointFile(previous_checkpoint(path_)).state().step, 1);

  overwrite(path_, read_file(path_).substr(0, 200));
  const auto newest = open_newest_checkpoint(path_, why);
  EXPECT_EQ(newest->state().step, 1);
  EXPECT_NE(why.find("cut short or damaged"), std::string::npos) << why;

  std::filesystem::remove(path_);
  EXPECT_EQ(open_newest_checkpoint(path_, why)->state().step, 1) << "the newest is gone";
  overwrite(previous_checkpoint(path_), "x");
  EXPECT_THROW(open_newest_checkpoint(path_, why), FormatError);
}

TEST_F(CheckpointTest, sections_of_another_size_or_name_are_refused) {
  save(1);
  const CheckpointFile file(path_);
  std::vector<float> more(4);
  const Section larger{"weights", std::as_writable_bytes(std::span(more))};
  const Section unknown{"biases", std::as_writable_bytes(std::span(more))};
  EXPECT_THROW(file.read({&larger, 1}), FormatError);
  EXPECT_THROW(file.read({&unknown, 1}), FormatError);
}

// The system refuses to let the file grow, as it does on a full disk.
TEST_F(CheckpointTest, a_checkpoint_that_cannot_be_written_leaves_the_former_one) {
  save(1);
  const std::string before = read_file(path_);
  rlimit unlimited{};
  getrlimit(RLIMIT_FSIZE, &unlimited);
  const rlimit small{before.size() / 2, unlimited.rlim_max};
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(save(2), IoError);
  setrlimit(RLIMIT_FSIZE, &unlimited);
  signal(SIGXFSZ, old_handler);
  EXPECT_EQ(read_file(path_), before);
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    EXPECT_NE(entry.path().extension(), ".tmp") << "a partial file is left";
  }
}

TEST_F(CheckpointTest, kill_9_at_any_moment_leaves_a_whole_checkpoint) {
  save(0);
  moments_.assign(200000, 0.5f);  // takes a moment to write
  int64_t last = 0;
  // On a busy machine the child may get no time at first: longer ones follow until it saved something.
  for (int kill_ms = 1; kill_ms <= 25 || (last == 0 && kill_ms < 2000); kill_ms += kill_ms < 25 ? 3 : kill_ms) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (int64_t step = last + 1;; ++step) save(step);
    }
    usleep(static_cast<useconds_t>(kill_ms) * 1000);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    std::string why;
    const auto newest = open_newest_checkpoint(path_, why);
    ASSERT_TRUE(newest);
    EXPECT_EQ(why, "") << "the newest file itself is whole";
    EXPECT_GE(newest->state().step, last);
    last = newest->state().step;
  }
  EXPECT_GT(last, 0);
}

}  // namespace
}  // namespace bantam
