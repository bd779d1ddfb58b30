// The body of a request that is too large for memory, on its way to a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace bantam {

// Removed with this object unless it was moved.
class BodyFile {
 public:
  // A new file in `folder`, which exists, for at most `most_bytes`. Throws IoError.
  BodyFile(const std::filesystem::path& folder, uint64_t most_bytes);
  ~BodyFile();
  BodyFile(const BodyFile&) = delete;
  BodyFile& operator=(const BodyFile&) = delete;

  // Throws HttpError: 413 past the most, 507 when the disk takes no more.
  void write(std::string_view bytes);
  // Flushes it to the disk and gives it a name of its own, replacing what has it. Throws IoError.
  void move_to(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  uint64_t bytes() const { return bytes_; }
  uint64_t most_bytes() const { return most_bytes_; }

 private:
  std::filesystem::path path_;
  uint64_t most_bytes_, bytes_ = 0;
  int fd_ = -1;
};

}  // namespace bantam
