// Packed weights kept on disk: a model that has run before is read as the kernels want it, instead of packed again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/mapped_file.h"
#include "base/page_buffer.h"

namespace bantam {

// Panels as a cache had them: its file, mapped, where the kernel keeps that on large pages, else a copy that has them.
// With small pages weights are multiplied as fast on some machines, and thirty times slower on one whose kernel looks
// all the time for memory that nobody uses.
class KeptPanels {
 public:
  const std::byte* data() const;

 private:
  friend class PanelCache;
  explicit KeptPanels(MappedFile file) : file_(std::move(file)) {}

  MappedFile file_;
  PageBuffer copy_;
};

// A folder of panels, one file for each place of a model. A file is used only where it was made of this very model by
// a program that packs as this one does, and holds what was written: its bytes are summed up while they are read.
// Nothing here throws on a disk that is full, slow or read-only: then there is no cache.
class PanelCache {
 public:
  struct Limits {
    uint64_t least_bytes = uint64_t{32} << 20;  // what is packed sooner than it is read is not kept
    uint64_t most_bytes = uint64_t{32} << 30;   // of all files together; those that were not used longest go first
    uint64_t free_bytes = uint64_t{4} << 30;    // left on the disk
  };

  explicit PanelCache(std::filesystem::path folder) : PanelCache(std::move(folder), Limits()) {}
  PanelCache(std::filesystem::path folder, const Limits& limits) : folder_(std::move(folder)), limits_(limits) {}

  // What panels were made of. Panels of the same `place` replace each other.
  struct Key {
    std::string place;     // where the model lies
    std::string identity;  // tells two models apart that lie there one after the other
    size_t bytes = 0;      // of the panels
  };

  // The panels, if their file is there, fits and is whole; one that is not is removed. Throws std::bad_alloc.
  std::optional<KeptPanels> find(const Key& key) const;
  // Whether keep() would write them.
  bool wants(const Key& key) const;
  // Writes them, and deletes others if there would be too many.
  void keep(const Key& key, std::span<const std::byte> panels) const;

  static constexpr size_t kHeaderBytes = 4096;

 private:
  std::filesystem::path file_of(const Key& key) const;
  void make_room(uint64_t bytes) const;

  std::filesystem::path folder_;
  Limits limits_;
};

}  // namespace bantam
