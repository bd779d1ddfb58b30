// The models on this machine: their files by content, and names for them.
//
//   blobs/sha256-HEX         the files
//   names/NAME.json          a Manifest
//   trees/NAME/FILE          links to blobs under the names that the readers of models expect
//   downloads/               what is on its way; survives an interruption
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "store/manifest.h"

namespace bantam {

class Store {
 public:
  // The folder is made by the first StoreEdit; one that is not there is an empty store.
  explicit Store(std::filesystem::path folder) : folder_(std::move(folder)) {}

  const std::filesystem::path& folder() const { return folder_; }
  // By name. Throws IoError and FormatError naming the manifest.
  std::vector<Manifest> list() const;
  std::optional<Manifest> find(std::string_view name) const;
  // As find(). Throws UsageError that says how to see the names.
  Manifest get(std::string_view name) const;
  // What the readers of models take: a GGUF file or a Hugging Face folder.
  std::filesystem::path model_path(const Manifest& manifest) const;
  std::filesystem::path blob_path(std::string_view sha256) const;
  // Bytes of interrupted downloads, and of blobs that no name uses.
  uint64_t unfinished_bytes() const;

 private:
  std::filesystem::path folder_;
};

// Changes a store. One process at a time: a second one gets an IoError. A kill leaves each name as it was or as it
// should be.
class StoreEdit {
 public:
  explicit StoreEdit(const Store& store);  // throws IoError

  const Store& store() const { return store_; }
  bool has_blob(std::string_view sha256) const;
  // A file to write what is to become a blob; the same key gives the same file.
  std::filesystem::path part_path(std::string_view key) const;
  // Makes a finished part the blob of its hash.
  void adopt(const std::filesystem::path& part, std::string_view sha256);
  // Copies a file into the store and returns its hash and size. `on_bytes` is told the bytes done so far and may throw
  // to stop; nothing is left then.
  StoredFile copy_in(const std::filesystem::path& file, std::string path,
                     const std::function<void(uint64_t bytes)>& on_bytes = {});
  // Gives the name to files whose blobs are there, instead of those it had. Throws IoError.
  void publish(const Manifest& manifest);
  // Takes a name away and returns the bytes that came free: other names may use some of its files.
  uint64_t remove(const Manifest& manifest);
  // Deletes what unfinished_bytes() counts and returns it.
  uint64_t remove_unfinished();

 private:
  uint64_t remove_unused(const Manifest& manifest);

  const Store& store_;
  FolderLock names_, downloads_;
};

}  // namespace bantam
