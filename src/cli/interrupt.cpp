#include "cli/interrupt.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <initializer_list>

#include "base/error.h"

namespace bantam {
namespace {

// Global because a signal handler can reach nothing else.
std::atomic<bool> interrupt_seen = false;
std::atomic<int> wake_descriptor = -1;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void on_signal(int signal) {
  const int error = errno;
  const uint64_t one = 1;
  // Before the flag: whoever sees the flag and clears it, clears this too. It fails only when it is readable already.
  if (::write(wake_descriptor, &one, sizeof one) < 0) errno = error;
  if (!interrupt_seen.exchange(true)) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

}  // namespace

InterruptGuard::InterruptGuard() : nested_(wake_descriptor >= 0) {
  if (nested_) return;
  const int descriptor = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (descriptor < 0) throw IoError("no descriptor to wait for Ctrl-C on: {}", std::strerror(errno));
  interrupt_seen = false;
  wake_descriptor = descriptor;
  handle(on_signal);
}

InterruptGuard::~InterruptGuard() {
  if (nested_) return;
  handle(SIG_DFL);
  ::close(wake_descriptor.exchange(-1));
}

bool interrupted() { return interrupt_seen; }

void clear_interrupt() {
  interrupt_seen = false;  // first: a signal that comes now is still seen by interrupted()
  uint64_t count = 0;
  while (::read(wake_descriptor, &count, sizeof count) > 0) {
  }
}

int interrupt_descriptor() { return wake_descriptor; }

}  // namespace bantam
