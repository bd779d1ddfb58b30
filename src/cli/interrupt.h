// Ctrl-C (and SIGTERM) as a flag that long commands look at, so that they can stop in good order.
#pragma once

namespace bantam {

// Thrown by a command that stopped because of Ctrl-C; main() exits with 130 and prints nothing.
struct Interrupted {};

// While one is alive, Ctrl-C sets the flag instead of ending the process; a second Ctrl-C before the flag is cleared
// ends it at once. Inside another one it changes nothing.
class InterruptGuard {
 public:
  InterruptGuard();  // throws IoError when no descriptor is free
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  bool nested_;
};

bool interrupted();
void clear_interrupt();

// A descriptor that poll() finds readable after Ctrl-C, for those who wait for a key. A guard must be alive.
int interrupt_descriptor();

inline void throw_if_interrupted() {
  if (interrupted()) throw Interrupted{};
}

}  // namespace bantam
