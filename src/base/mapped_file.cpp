#include "base/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace bantam {

MappedFile::MappedFile(const std::filesystem::path& path) {
  MappedFile file;  // closes what is open when something goes wrong
  file.descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file.descriptor_ < 0) throw IoError("{}: cannot be opened: {}", path.string(), std::strerror(errno));
  struct stat info {};
  const bool known = ::fstat(file.descriptor_, &info) == 0;
  if (!known || !S_ISREG(info.st_mode)) throw IoError("{}: not a regular file", path.string());
  file.identity_ = fmt::format("{}:{} {} bytes {}.{:09}", info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec,
                               info.st_mtim.tv_nsec);
  if (info.st_size > 0) {
    void* at = ::mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, file.descriptor_, 0);
    if (at == MAP_FAILED) throw IoError("{}: cannot be mapped: {}", path.string(), std::strerror(errno));
    file.bytes_ = {static_cast<const std::byte*>(at), static_cast<size_t>(info.st_size)};
  }
  *this = std::move(file);
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  if (descriptor_ >= 0) ::close(descriptor_);
}

size_t MappedFile::read(size_t offset, std::span<std::byte> to) const {
  size_t done = 0;
  while (done < to.size()) {
    const ssize_t n = ::pread(descriptor_, to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

bool MappedFile::load_pages(std::span<const std::byte> part) const {
#ifndef MADV_POPULATE_READ
  constexpr int MADV_POPULATE_READ = 22;  // Linux 5.14
#endif
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(part.data()) / page * page;
  const auto end = reinterpret_cast<uintptr_t>(part.data() + part.size());
  int failed = 0;
  do {
    failed = ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_READ);
  } while (failed != 0 && errno == EINTR);
  return failed == 0 || errno == EINVAL;  // an older kernel: pages come when they are looked at
}

void MappedFile::drop_pages(std::span<const std::byte> part) const {
  if (part.data() < bytes_.data() || part.data() + part.size() > bytes_.data() + bytes_.size()) return;
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<uintptr_t>(part.data()) + page - 1) / page * page;
  const auto end = reinterpret_cast<uintptr_t>(part.data() + part.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);  // advice: may fail
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      bytes_(std::exchange(other.bytes_, {})),
      identity_(std::move(other.identity_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(bytes_, other.bytes_);
  std::swap(identity_, other.identity_);
  return *this;
}

}  // namespace bantam
