// Which files the folders and files a user names hold, and which of them are passed over and why.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bantam {

struct FoundFile {
  std::filesystem::path path;  // absolute, without symbolic links
  uint64_t bytes = 0;
  int64_t modified_ns = 0;  // since 1970
};

struct SkippedFile {
  std::filesystem::path path;
  std::string reason;  // "permission denied", "a symbolic link", ...
};

struct FileList {
  std::vector<FoundFile> files;                // by path
  std::vector<std::filesystem::path> folders;  // every folder that was read, by path: what a watcher watches
  std::vector<SkippedFile> skipped;            // by path: what the user may have expected to be read
  std::map<std::string, size_t> unknown;       // extension ("" for none) to the number of files passed over for it
};

// Whether a folder of this name is passed over without a word, and so is everything in it: names that begin with a dot
// (.git, .cache), node_modules, __pycache__, bower_components.
bool is_ignored_folder(std::string_view name);

// Walks folders to any depth. A root is taken whatever its name, and symbolic links are followed to it; below it they
// are not, so loops end and nothing outside is read. Files whose names begin with a dot are passed over, those of an
// extension we do not know (see format_of()) are counted. A file under two roots is listed once. What vanishes, may not
// be read or is no regular file is in `skipped`. Throws IoError when a root does not exist.
FileList find_files(std::span<const std::filesystem::path> roots);

}  // namespace bantam
