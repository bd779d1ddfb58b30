#include "retrieval/watch.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

namespace bantam {
namespace {

namespace fs = std::filesystem;

class FolderWatchTest : public testing::Test {
 protected:
  FolderWatchTest() {
    std::string name = (fs::temp_directory_path() / "bantam_watch_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~FolderWatchTest() override {
    fs::remove_all(folder_);
    ::close(stop_);
  }
  bool add(FolderWatch& watch, const fs::path& folder) { return watch.add(std::span(&folder, 1)); }
  void stop() {
    const uint64_t one = 1;
    ASSERT_EQ(::write(stop_, &one, sizeof one), 8);
  }

  fs::path folder_;
  int stop_ = ::eventfd(0, EFD_CLOEXEC);
};

TEST_F(FolderWatchTest, a_burst_of_files_is_one_change) {
  FolderWatch watch;
  EXPECT_TRUE(add(watch, folder_));
  EXPECT_FALSE(add(watch, folder_));
  for (int i = 0; i < 50; ++i) std::ofstream(folder_ / std::to_string(i)) << "text";
  EXPECT_TRUE(watch.wait(stop_, 20));
  stop();
  EXPECT_FALSE(watch.wait(stop_, 20));
}

TEST_F(FolderWatchTest, a_new_folder_is_a_change_and_a_returning_one_is_watched_again) {
  FolderWatch watch;
  const fs::path below = folder_ / "below";
  add(watch, folder_);
  fs::create_directory(below);
  EXPECT_TRUE(watch.wait(stop_, 20));
  EXPECT_TRUE(add(watch, below));
  fs::remove(below);
  EXPECT_TRUE(watch.wait(stop_, 20));
  fs::create_directory(below);
  EXPECT_TRUE(watch.wait(stop_, 20));
  EXPECT_TRUE(add(watch, below));
  std::ofstream(below / "file") << "text";
  EXPECT_TRUE(watch.wait(stop_, 20));
}

TEST_F(FolderWatchTest, changes_without_end_are_told_after_the_longest_wait) {
  FolderWatch watch;
  add(watch, folder_);
  std::jthread writer([&](std::stop_token token) {
    while (!token.stop_requested()) {
      std::ofstream(folder_ / "file") << "text";
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  EXPECT_TRUE(watch.wait(stop_, 1000, 100));
}

TEST_F(FolderWatchTest, a_folder_that_is_gone_is_skipped) {
  FolderWatch watch;
  EXPECT_FALSE(add(watch, folder_ / "none"));
}

}  // namespace
}  // namespace bantam
