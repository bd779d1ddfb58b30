// A file mapped read-only into memory: how model files are opened.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace bantam {

class MappedFile {
 public:
  // Throws IoError naming the path when it cannot be opened, is not a regular file or cannot be mapped.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return bytes_; }
  // Tells whether a file at the same path is still the one that was opened: its number on its disk, its size, and when
  // it was changed.
  const std::string& identity() const { return identity_; }

  // Copies the bytes from `offset` on into `to`, as many as there are; returns how many. For what is looked at once: a
  // mapped page costs a fault when it is first touched.
  size_t read(size_t offset, std::span<std::byte> to) const;
  // Brings `part`, which lies in this file, into memory at once instead of a fault and a few pages at a time. Returns
  // false where the disk fails; looking at those bytes would end the program.
  bool load_pages(std::span<const std::byte> part) const;
  // Gives the memory of whole pages within `part` back where it lies in this file; they are read anew when looked at.
  void drop_pages(std::span<const std::byte> part) const;

 private:
  MappedFile() = default;

  int descriptor_ = -1;
  std::span<const std::byte> bytes_;
  std::string identity_;
};

}  // namespace bantam
