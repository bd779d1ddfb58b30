#include "server/body_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "server/http.h"

namespace bantam {

BodyFile::BodyFile(const std::filesystem::path& folder, uint64_t most_bytes) : most_bytes_(most_bytes) {
  std::string pattern = (folder / "body-XXXXXX").string();
  fd_ = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (fd_ < 0) throw IoError("{}: no file can be made in it: {}", folder.string(), std::strerror(errno));
  path_ = pattern;
}

BodyFile::~BodyFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(path_.c_str());
}

void BodyFile::write(std::string_view bytes) {
  if (bytes.size() > most_bytes_ - bytes_) throw HttpError(413, "the body is longer than {} bytes", most_bytes_);
  bytes_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw HttpError(507, "the server's disk does not take the file: {}", std::strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

void BodyFile::move_to(const std::filesystem::path& path) {
  if (::fsync(fd_) != 0 || ::rename(path_.c_str(), path.c_str()) != 0)
    throw IoError("{}: cannot be written: {}", path.string(), std::strerror(errno));
  ::close(fd_);
  fd_ = -1;
  path_ = path;
}

}  // namespace bantam
