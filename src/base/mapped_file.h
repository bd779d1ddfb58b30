// A file mapped read-only into memory: how model files are opened.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace bantam {

class MappedFile {
 public:
  // Throws IoError naming the path when it cannot be opened, is not a regular file or cannot be mapped.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace bantam
