#include "retrieval/files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <system_error>

#include "base/error.h"
#include "retrieval/parse.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

std::string reason_of(const std::error_code& error) {
  if (error == std::errc::no_such_file_or_directory) return "vanished while the folder was read";
  if (error == std::errc::permission_denied) return "permission denied";
  return error.message();
}

int64_t nanoseconds_of(fs::file_time_type time) {
  const auto since_1970 = std::chrono::file_clock::to_sys(time).time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since_1970).count();
}

class Walk {
 public:
  void add_root(const fs::path& root) {
    std::error_code error;
    const fs::path path = fs::canonical(root, error);
    if (error) throw IoError("{}: cannot be read: {}", root.string(), error.message());
    if (fs::is_directory(path, error)) {
      add_folder(path);
    } else {
      add_file(path);
    }
  }

  FileList finish() {
    std::ranges::sort(list_.files, {}, &FoundFile::path);
    std::ranges::sort(list_.folders);
    std::ranges::sort(list_.skipped, {}, &SkippedFile::path);
    return std::move(list_);
  }

 private:
  void skip(fs::path path, std::string reason) { list_.skipped.push_back({std::move(path), std::move(reason)}); }

  // Folders wait in a list, so depth costs no stack. A path is new only once: roots may hold each other.
  void add_folder(const fs::path& root) {
    std::vector<fs::path> waiting = {root};
    while (!waiting.empty()) {
      const fs::path folder = std::move(waiting.back());
      waiting.pop_back();
      if (!seen_.insert(folder).second) continue;
      std::error_code error;
      fs::directory_iterator entries(folder, error);
      if (error) {
        skip(folder, reason_of(error));
        continue;
      }
      list_.folders.push_back(folder);
      for (; entries != fs::directory_iterator(); entries.increment(error)) add_entry(*entries, waiting);
      if (error) skip(folder, reason_of(error));
    }
  }

  void add_entry(const fs::directory_entry& entry, std::vector<fs::path>& waiting) {
    const std::string name = entry.path().filename().string();
    std::error_code error;
    const fs::file_status status = entry.symlink_status(error);
    if (error) return skip(entry.path(), reason_of(error));
    if (fs::is_directory(status)) {
      if (!is_ignored_folder(name)) waiting.push_back(entry.path());
    } else if (name.starts_with('.')) {
      return;
    } else if (fs::is_symlink(status)) {
      skip(entry.path(), "a symbolic link");
    } else if (!format_of(entry.path())) {
      ++list_.unknown[entry.path().extension().string()];
    } else {
      add_file(entry.path());
    }
  }

  void add_file(const fs::path& path) {
    if (!seen_.insert(path).second) return;
    std::error_code error;
    const fs::directory_entry entry(path, error);
    if (!error && !entry.is_regular_file(error) && !error) return skip(path, "not a regular file");
    const uint64_t bytes = error ? 0 : entry.file_size(error);
    const auto time = error ? fs::file_time_type() : entry.last_write_time(error);
    if (error) return skip(path, reason_of(error));
    list_.files.push_back({path, bytes, nanoseconds_of(time)});
  }

  FileList list_;
  std::set<fs::path> seen_;
};

}  // namespace

bool is_ignored_folder(std::string_view name) {
  constexpr std::array<std::string_view, 3> kIgnored = {"node_modules", "__pycache__", "bower_components"};
  return name.starts_with('.') || std::ranges::find(kIgnored, name) != kIgnored.end();
}

FileList find_files(std::span<const fs::path> roots) {
  Walk walk;
  for (const fs::path& root : roots) walk.add_root(root);
  return walk.finish();
}

}  // namespace bantam
