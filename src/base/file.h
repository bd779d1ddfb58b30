// Whole-file reading and all-or-nothing writing, used wherever a result must never be half there.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace bantam {

// The file's bytes; "-" reads standard input. Throws IoError naming the path.
std::string read_file(const std::filesystem::path& path);

// What commit() waits for: that readers see the new file, or also that it outlasts a power cut.
enum class Durability { readers, disk };

// Writes beside the target and renames on commit(): readers see the old file or the whole new one, even after
// kill -9 or a power cut. Destroyed without commit(), it leaves nothing behind. Throws IoError naming the path,
// and on a full disk the number of bytes it was trying to write.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  // Zero bytes up to the next multiple of `alignment`.
  void pad_to(size_t alignment);
  size_t size() const { return size_; }
  // Renames over the target, for Durability::disk after flushing to it.
  void commit(Durability durability = Durability::disk);

 private:
  void flush_buffer();

  std::filesystem::path path_, temporary_;
  std::string buffer_;
  size_t size_ = 0;
  int fd_ = -1;
};

// Keeps other processes out of a folder while it exists: one that tries gets an IoError naming it. The kernel gives the
// folder free when a process ends, however it ends. Files that an AtomicFile left there when it was killed are removed.
class FolderLock {
 public:
  // Makes the folder if needed. Throws IoError.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_;
};

}  // namespace bantam
