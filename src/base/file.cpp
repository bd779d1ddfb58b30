#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/error.h"

namespace bantam {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr std::string_view kTemporaryEnd = ".tmp";

// Named as AtomicFile names what it writes: NAME.PID.tmp
bool is_temporary(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  if (!name.ends_with(kTemporaryEnd)) return false;
  const std::string rest = name.substr(0, name.size() - kTemporaryEnd.size());
  const size_t dot = rest.rfind('.');
  return dot != std::string::npos && dot + 1 < rest.size() &&
         rest.find_first_not_of("0123456789", dot + 1) == std::string::npos;
}

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd > 2) ::close(fd);
  }
};

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  const Descriptor in{path == "-" ? 0 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (in.fd < 0) throw IoError("{}: cannot be opened: {}", path.string(), std::strerror(errno));
  struct stat about {};
  const bool sized = ::fstat(in.fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0;
  // One byte more than the size, so that the end is seen without making room again.
  std::string text(sized ? static_cast<size_t>(about.st_size) + 1 : kBufferBytes, '\0');
  for (size_t filled = 0;;) {
    if (filled == text.size()) text.resize(2 * filled);
    const ssize_t got = ::read(in.fd, text.data() + filled, text.size() - filled);
    if (got < 0 && errno != EINTR) throw IoError("{}: cannot be read: {}", path.string(), std::strerror(errno));
    if (got > 0) filled += static_cast<size_t>(got);
    if (got == 0) {
      text.resize(filled);
      return text;
    }
  }
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  temporary_ = path_;
  temporary_ += fmt::format(".{}{}", ::getpid(), kTemporaryEnd);
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd_ < 0) throw IoError("{}: cannot be created: {}", path_.string(), std::strerror(errno));
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  size_ += bytes.size();
  buffer_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (buffer_.size() >= kBufferBytes) flush_buffer();
}

void AtomicFile::pad_to(size_t alignment) {
  const size_t rest = size_ % alignment;
  if (rest == 0) return;
  size_ += alignment - rest;
  buffer_.append(alignment - rest, '\0');
}

void AtomicFile::flush_buffer() {
  size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t put = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      throw IoError("{}: cannot write {} bytes: {}; the file was left as it was", path_.string(), size_,
                    std::strerror(errno));
    }
    done += static_cast<size_t>(put);
  }
  buffer_.clear();
}

void AtomicFile::commit(Durability durability) {
  flush_buffer();
  const bool to_disk = durability == Durability::disk;
  if (to_disk && ::fsync(fd_) != 0)
    throw IoError("{}: cannot be flushed to disk: {}", path_.string(), std::strerror(errno));
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    throw IoError("{}: cannot be replaced: {}", path_.string(), std::strerror(errno));
  }
  ::close(std::exchange(fd_, -1));
  if (!to_disk) return;
  const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
  const Descriptor dir{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (dir.fd >= 0) ::fsync(dir.fd);
}

FolderLock::FolderLock(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw IoError("{}: cannot be made: {}", folder.string(), error.message());
  fd_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd_ < 0) throw IoError("{}: cannot be opened: {}", folder.string(), std::strerror(errno));
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const bool taken = errno == EWOULDBLOCK;
    ::close(fd_);
    throw IoError(
        "{}: {}", folder.string(),
        taken ? "another process is working in this folder; wait for it or name another folder" : "cannot be locked");
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (is_temporary(entry.path())) std::filesystem::remove(entry.path(), error);
  }
}

FolderLock::~FolderLock() { ::close(fd_); }

}  // namespace bantam
