#include "cli/interrupt.h"

#include <atomic>
#include <csignal>
#include <initializer_list>

namespace bantam {
namespace {

std::atomic<bool> interrupt_seen = false;  // global because a signal handler can reach nothing else
static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int signal) {
  if (!interrupt_seen.exchange(true)) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;  // reads and writes go on; poll() returns, for those who wait for a key
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  interrupt_seen = false;
  handle(on_signal);
}

InterruptGuard::~InterruptGuard() { handle(SIG_DFL); }

bool interrupted() { return interrupt_seen; }
void clear_interrupt() { interrupt_seen = false; }

}  // namespace bantam
