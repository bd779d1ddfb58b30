#include "retrieval/sandbox_rules.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>

#include "base/error.h"

namespace bantam {
namespace {

[[noreturn]] void refuse(std::string_view what, int error) {
  throw UnsupportedError("this system cannot confine the parser of foreign formats ({}: {})", what,
                         std::strerror(error));
}

void check(int result, std::string_view what) {
  if (result != 0) refuse(what, errno);
}

void limit(int resource, rlim_t soft, rlim_t hard, std::string_view what) {
  const rlimit value{soft, hard};
  check(::setrlimit(static_cast<__rlimit_resource_t>(resource), &value), what);
}

// Sanitizers map terabytes before main().
size_t mapped_bytes() {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

void set_limits(const SandboxRules& rules) {
  constexpr rlim_t kOpenFiles = 64;  // pdftotext opens fonts and character maps
  const auto cpu = static_cast<rlim_t>(rules.cpu_seconds);
  const rlim_t memory = mapped_bytes() + rules.memory_bytes;
  limit(RLIMIT_CORE, 0, 0, "RLIMIT_CORE");
  limit(RLIMIT_FSIZE, 0, 0, "RLIMIT_FSIZE");
  limit(RLIMIT_NOFILE, kOpenFiles, kOpenFiles, "RLIMIT_NOFILE");
  limit(RLIMIT_CPU, cpu, cpu + 1, "RLIMIT_CPU");
  limit(RLIMIT_AS, memory, memory, "RLIMIT_AS");
}

// System calls of computing: memory, reading and writing what is open, time, ending. A pipe without a second process is
// no more than memory; UBSan finds out with one which addresses may be read.
constexpr int kHarmless[] = {
    SCMP_SYS(read),          SCMP_SYS(readv),        SCMP_SYS(pread64),      SCMP_SYS(write),
    SCMP_SYS(writev),        SCMP_SYS(lseek),        SCMP_SYS(close),        SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),    SCMP_SYS(brk),          SCMP_SYS(munmap),       SCMP_SYS(mremap),
    SCMP_SYS(madvise),       SCMP_SYS(futex),        SCMP_SYS(sched_yield),  SCMP_SYS(sched_getaffinity),
    SCMP_SYS(exit),          SCMP_SYS(exit_group),   SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),  SCMP_SYS(sigaltstack),  SCMP_SYS(getpid),       SCMP_SYS(gettid),
    SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),         SCMP_SYS(clock_nanosleep),
    SCMP_SYS(getrandom),     SCMP_SYS(sysinfo),      SCMP_SYS(getrusage),    SCMP_SYS(restart_syscall),
    SCMP_SYS(pipe),          SCMP_SYS(pipe2),
};

// What a program needs to start, besides opening its libraries.
constexpr int kStarting[] = {
    SCMP_SYS(access),          SCMP_SYS(faccessat),  SCMP_SYS(faccessat2), SCMP_SYS(stat),
    SCMP_SYS(lstat),           SCMP_SYS(statx),      SCMP_SYS(statfs),     SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),      SCMP_SYS(getdents64), SCMP_SYS(arch_prctl), SCMP_SYS(set_tid_address),
    SCMP_SYS(set_robust_list), SCMP_SYS(rseq),       SCMP_SYS(getcwd),     SCMP_SYS(uname),
    SCMP_SYS(getuid),          SCMP_SYS(geteuid),    SCMP_SYS(getgid),     SCMP_SYS(getegid),
    SCMP_SYS(getppid),         SCMP_SYS(fadvise64),
};

class Filter {
 public:
  Filter() : context_(::seccomp_init(SCMP_ACT_ERRNO(EPERM)), ::seccomp_release) {
    if (!context_) refuse("seccomp", ENOMEM);
    check_rule(::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_TSYNC, 1));
  }

  template <class... Conditions>
  void allow(int call, Conditions... conditions) {
    check_rule(::seccomp_rule_add(context_.get(), SCMP_ACT_ALLOW, call, sizeof...(conditions), conditions...));
  }

  void load() { check_rule(::seccomp_load(context_.get())); }

 private:
  static void check_rule(int result) {
    if (result < 0) refuse("seccomp", -result);
  }

  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
};

scmp_arg_cmp argument_without(unsigned index, uint64_t bits) { return {index, SCMP_CMP_MASKED_EQ, bits, 0}; }

scmp_arg_cmp argument_is(unsigned index, uint64_t value) { return {index, SCMP_CMP_EQ, value, 0}; }

void load_filter(const SandboxRules& rules) {
  constexpr uint64_t kWriting = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
  Filter filter;
  for (const int call : kHarmless) filter.allow(call);
  filter.allow(SCMP_SYS(prlimit64), argument_is(2, 0));  // asking only
  filter.allow(SCMP_SYS(fcntl), argument_is(1, F_GETFL));
  if (!rules.program) {
    // No new code: whoever takes the process over has what is loaded.
    filter.allow(SCMP_SYS(mmap), argument_without(2, PROT_EXEC));
    filter.allow(SCMP_SYS(mprotect), argument_without(2, PROT_EXEC));
  } else {
    filter.allow(SCMP_SYS(mmap));
    filter.allow(SCMP_SYS(mprotect));
    filter.allow(SCMP_SYS(execve), argument_is(0, reinterpret_cast<uintptr_t>(rules.program)));
    filter.allow(SCMP_SYS(openat), argument_without(2, kWriting));
    filter.allow(SCMP_SYS(open), argument_without(1, kWriting));
    for (const int call : kStarting) filter.allow(call);
  }
  filter.load();
}

}  // namespace

void enter_sandbox(const SandboxRules& rules) {
  check(::prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
  if (::getppid() != rules.parent_pid) throw UnsupportedError("the process that wanted this parsed has ended");
  check(::prctl(PR_SET_DUMPABLE, 0), "PR_SET_DUMPABLE");
  check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
  set_limits(rules);
  load_filter(rules);
}

}  // namespace bantam
