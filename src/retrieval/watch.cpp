#include "retrieval/watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/error.h"

namespace bantam {
namespace {

// Not IN_MODIFY: a file is read when its writer has closed it.
constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR;

using Clock = std::chrono::steady_clock;

int left_ms(Clock::time_point until) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
  return static_cast<int>(std::max<int64_t>(0, left));
}

}  // namespace

FolderWatch::FolderWatch() : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  if (fd_ < 0) throw IoError("no watch of folders: {}; raise fs.inotify.max_user_instances", std::strerror(errno));
}

FolderWatch::~FolderWatch() { ::close(fd_); }

bool FolderWatch::add(std::span<const std::filesystem::path> folders) {
  bool any = false;
  for (const auto& folder : folders) {
    if (folders_.contains(folder)) continue;
    const int number = ::inotify_add_watch(fd_, folder.c_str(), kEvents);
    if (number < 0) {
      if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) continue;
      throw IoError("{}: cannot be watched: {}", folder.string(),
                    errno == ENOSPC ? "too many folders; raise fs.inotify.max_user_watches" : std::strerror(errno));
    }
    folders_.insert(folder);
    numbers_.emplace_back(number, folder);
    any = true;
  }
  return any;
}

// Takes all events that wait. A folder that is gone may be watched again if it returns.
void FolderWatch::read_events() {
  alignas(inotify_event) std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t got = ::read(fd_, buffer.data(), buffer.size());
    if (got <= 0) return;
    for (size_t at = 0; at < static_cast<size_t>(got);) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof event);
      at += sizeof event + event.len;
      if ((event.mask & IN_IGNORED) == 0) continue;
      const auto gone = std::find_if(numbers_.begin(), numbers_.end(),
                                     [wd = event.wd](const auto& entry) { return entry.first == wd; });
      if (gone == numbers_.end()) continue;
      folders_.erase(gone->second);
      numbers_.erase(gone);
    }
  }
}

bool FolderWatch::wait(int stop_descriptor, int quiet_ms, int longest_ms) {
  std::array<pollfd, 2> sources = {pollfd{fd_, POLLIN, 0}, pollfd{stop_descriptor, POLLIN, 0}};
  bool changed = false;
  Clock::time_point deadline;
  for (;;) {
    const int timeout = changed ? std::min(quiet_ms, left_ms(deadline)) : -1;
    const int ready = ::poll(sources.data(), sources.size(), timeout);
    if (ready < 0 && errno != EINTR) throw IoError("no watch of folders: {}", std::strerror(errno));
    if (sources[1].revents != 0 && ready > 0) return false;
    if (ready == 0) return true;
    if (ready < 0) continue;
    read_events();
    if (!changed) deadline = Clock::now() + std::chrono::milliseconds(longest_ms);
    changed = true;
  }
}

}  // namespace bantam
