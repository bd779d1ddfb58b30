// Tells when something in a set of folders changes: how `bantam index --watch` follows them.
#pragma once

#include <filesystem>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace bantam {

class FolderWatch {
 public:
  // Throws IoError when the system has no watches left.
  FolderWatch();
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  // Watches these folders, each by itself and not what is below it. True if one is new: what changed in it before is
  // then not told, so look again. Folders that are gone are skipped. Throws IoError naming the setting to raise when
  // there are more than the system allows.
  bool add(std::span<const std::filesystem::path> folders);

  // Returns true when files were written, made, moved or removed and then nothing was for `quiet_ms`, or after
  // `longest_ms` of changes; false when `stop_descriptor` can be read.
  bool wait(int stop_descriptor, int quiet_ms = 300, int longest_ms = 5000);

 private:
  void read_events();

  int fd_;
  std::set<std::filesystem::path> folders_;
  std::vector<std::pair<int, std::filesystem::path>> numbers_;
};

}  // namespace bantam
