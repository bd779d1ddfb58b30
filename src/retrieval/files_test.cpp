#include "retrieval/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/error.h"
#include "base/test_folder.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::Pair;

// Paths relative to the folder.
std::vector<std::string> names_of(const FileList& list, const TestFolder& folder) {
  std::vector<std::string> names;
  for (const FoundFile& file : list.files) names.push_back(file.path.lexically_relative(folder.path()));
  return names;
}

std::vector<std::pair<std::string, std::string>> reasons_of(const FileList& list, const TestFolder& folder) {
  std::vector<std::pair<std::string, std::string>> reasons;
  for (const SkippedFile& file : list.skipped) {
    reasons.emplace_back(file.path.lexically_relative(folder.path()), file.reason);
  }
  return reasons;
}

FileList find_in(const fs::path& root) { return find_files(std::span(&root, 1)); }

TEST(Files, folders_are_walked_in_the_same_order_and_strangers_are_counted) {
  const TestFolder folder;
  for (const char* name : {"b.txt", "a.md", "deep/er/c.py", "photo.JPG", "other.JPG", "data.bin", "noextension",
                           ".hidden.txt", ".git/config.txt", "node_modules/x/readme.md"}) {
    folder.write(name, "text");
  }
  const FileList list = find_in(folder.path());
  EXPECT_THAT(names_of(list, folder), ElementsAre("a.md", "b.txt", "deep/er/c.py"));
  EXPECT_THAT(list.unknown, ElementsAre(Pair("", 1u), Pair(".JPG", 2u), Pair(".bin", 1u)));
  EXPECT_THAT(list.folders, ElementsAre(folder.path(), folder.path() / "deep", folder.path() / "deep/er"));
  EXPECT_TRUE(list.skipped.empty());
  EXPECT_EQ(list.files[0].bytes, 4u);
  EXPECT_GT(list.files[0].modified_ns, 1'600'000'000'000'000'000);
}

TEST(Files, links_are_not_followed_so_loops_end) {
  const TestFolder folder;
  folder.write("in/a.txt", "text");
  fs::create_directory_symlink(folder.path(), folder.path() / "in/loop");
  fs::create_symlink(folder.path() / "in/a.txt", folder.path() / "in/again.txt");
  fs::create_symlink("nowhere", folder.path() / "in/dangling.txt");
  const FileList list = find_in(folder.path());
  EXPECT_THAT(names_of(list, folder), ElementsAre("in/a.txt"));
  EXPECT_THAT(reasons_of(list, folder),
              ElementsAre(Pair("in/again.txt", "a symbolic link"), Pair("in/dangling.txt", "a symbolic link"),
                          Pair("in/loop", "a symbolic link")));
  EXPECT_THAT(names_of(find_in(folder.path() / "in/loop"), folder), ElementsAre("in/a.txt")) << "a root may be a link";
}

TEST(Files, a_file_under_two_roots_is_listed_once_and_a_named_file_needs_no_known_name) {
  const TestFolder folder;
  folder.write("in/a.txt", "text");
  const fs::path strange = folder.write("strange.xyz", "text");
  const std::vector<fs::path> roots = {folder.path(), folder.path() / "in", folder.path() / "in/a.txt", strange};
  EXPECT_THAT(names_of(find_files(roots), folder), ElementsAre("in/a.txt", "strange.xyz"));
}

TEST(Files, a_folder_or_pipe_that_cannot_be_read_is_reported_and_the_rest_is_found) {
  const TestFolder folder;
  folder.write("locked/a.txt", "text");
  folder.write("open/b.txt", "text");
  ASSERT_EQ(::mkfifo((folder.path() / "pipe.txt").c_str(), 0600), 0);
  fs::permissions(folder.path() / "locked", fs::perms::none);
  const bool may_read_all = ::geteuid() == 0;  // root is asked for no permission
  const FileList list = find_in(folder.path());
  fs::permissions(folder.path() / "locked", fs::perms::owner_all);
  if (may_read_all) {
    EXPECT_THAT(names_of(list, folder), ElementsAre("locked/a.txt", "open/b.txt"));
    EXPECT_THAT(reasons_of(list, folder), ElementsAre(Pair("pipe.txt", "not a regular file")));
  } else {
    EXPECT_THAT(names_of(list, folder), ElementsAre("open/b.txt"));
    EXPECT_THAT(reasons_of(list, folder),
                ElementsAre(Pair("locked", "permission denied"), Pair("pipe.txt", "not a regular file")));
  }
}

TEST(Files, files_that_come_and_go_while_walking_break_nothing) {
  const TestFolder folder;
  for (int i = 0; i < 50; ++i) folder.write("stays/" + std::to_string(i) + ".txt", "text");
  std::atomic<bool> done = false;
  std::thread other([&] {
    while (!done) {
      for (int i = 0; i < 20; ++i) folder.write("goes/x" + std::to_string(i) + ".txt", "text");
      fs::remove_all(folder.path() / "goes");
    }
  });
  for (int round = 0; round < 50; ++round) {
    const FileList list = find_in(folder.path());
    EXPECT_GE(list.files.size(), 50u);
    for (const SkippedFile& file : list.skipped) EXPECT_EQ(file.reason, "vanished while the folder was read");
  }
  done = true;
  other.join();
}

TEST(Files, a_root_that_is_not_there_is_an_error) { EXPECT_THROW(find_in("/nonexistent/folder"), IoError); }

}  // namespace
}  // namespace bantam
