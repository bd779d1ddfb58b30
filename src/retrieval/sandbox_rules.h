// The rules a parser's process lives by. Linux only: resource limits and a seccomp filter.
#pragma once

#include <cstddef>

namespace bantam {

struct SandboxRules {
  size_t memory_bytes = 0;  // of address space, on top of what the process has mapped already
  int cpu_seconds = 0;
  int parent_pid = 0;             // dies with it
  const char* program = nullptr;  // the only program it may become, through this very pointer; null for none
};

// For the calling process, its threads and whatever it becomes, for good: no new files, sockets, processes or rights;
// no writing to files (standard output must be a pipe), no debugging. With `program`, files may be opened for
// reading. Every other system call fails with EPERM. Throws UnsupportedError where the kernel cannot do this.
void enter_sandbox(const SandboxRules& rules);

}  // namespace bantam
