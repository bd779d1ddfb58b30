#include "runner.h"

#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <new>
#include <system_error>

#include "base/error.h"
#include "door.h"

namespace bantam::torture {
namespace {

namespace fs = std::filesystem;

constexpr size_t kCasesOfAChild = 256;  // after that many the parent reports progress
constexpr int kMostSeconds = 20;        // of CPU for one case

// What children write and their parent reads.
struct Shared {
  size_t current;
  Result results[];
};

class SharedResults {
 public:
  explicit SharedResults(size_t count) : bytes_(sizeof(Shared) + count * sizeof(Result)) {
    memory_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  }
  ~SharedResults() { ::munmap(memory_, bytes_); }
  SharedResults(const SharedResults&) = delete;
  SharedResults& operator=(const SharedResults&) = delete;

  Shared* operator->() { return static_cast<Shared*>(memory_); }

 private:
  size_t bytes_;
  void* memory_;
};

void set_reason(Result& result, const std::string& text) {
  const size_t size = std::min(text.size(), sizeof result.reason - 1);
  std::memcpy(result.reason, text.data(), size);
  result.reason[size] = '\0';
}

// Where the case's files lie; what is opened is this folder or the one file in it.
fs::path folder_of(const fs::path& folder, size_t number) { return folder / fmt::format("{:06}", number); }

fs::path write_files(const Files& files, const fs::path& folder) {
  fs::create_directories(folder);
  for (const auto& [name, bytes] : files) {
    std::ofstream(folder / name, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  return files.size() == 1 ? folder / files.begin()->first : folder;
}

// What is wrong with the outcome; empty when nothing is.
std::string fault_of(const Outcome& outcome, const BadFile& bad, double most_ms) {
  if (outcome.untyped) return "refused without a typed error: " + outcome.error;
  if (!outcome.refused && bad.expect == Expect::refused) return "accepted";
  if (outcome.refused && !outcome.names_file) return "the error does not name the file: " + outcome.error;
  if (outcome.refused && outcome.error.find(bad.says) == std::string::npos) {
    return fmt::format("the error does not say '{}': {}", bad.says, outcome.error);
  }
  if (outcome.cpu_ms > most_ms) return fmt::format("takes {:.0f} ms: {}", outcome.cpu_ms, outcome.error);
  if (outcome.peak_bytes > kMostBytes) {
    return fmt::format("takes {} MiB of memory: {}", outcome.peak_bytes >> 20, outcome.error);
  }
  return {};
}

void limit_cpu(int seconds) {
  const itimerval timer{{0, 0}, {seconds, 0}};
  ::setitimer(ITIMER_PROF, &timer, nullptr);  // SIGPROF ends the process
}

void run_case(const Case& test, const fs::path& folder, Result& result) {
  limit_cpu(kMostSeconds);
  const BadFile bad = test.make();
  const fs::path path = write_files(bad.files, folder);
  const Outcome outcome = open_and_use(path);
  limit_cpu(0);
  const std::string fault = fault_of(outcome, bad, test.most_ms);
  set_reason(result, fault.empty() ? outcome.error : fault);
  result.cpu_ms = outcome.cpu_ms;
  result.peak_bytes = outcome.peak_bytes;
  result.verdict = !fault.empty() ? Verdict::failed : outcome.refused ? Verdict::refused : Verdict::loaded;
  if (fault.empty()) fs::remove_all(folder);
}

// Ends at `end` or with the process; returns the wait status.
int run_in_child(std::span<const Case> cases, size_t begin, size_t end, const fs::path& folder, SharedResults& shared) {
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) {
    for (size_t i = begin; i < end; ++i) {
      shared->current = i;
      run_case(cases[i], folder_of(folder, i), shared->results[i]);
    }
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

std::vector<Result> run_cases(std::span<const Case> cases, const fs::path& folder, const Progress& progress) {
  SharedResults shared(cases.size());
  for (size_t begin = 0; begin < cases.size();) {
    const size_t end = std::min(begin + kCasesOfAChild, cases.size());
    const int status = run_in_child(cases, begin, end, folder, shared);
    begin = end;
    if (status != 0) {
      Result& result = shared->results[shared->current];
      result.verdict = Verdict::failed;
      set_reason(result, WIFSIGNALED(status)
                             ? fmt::format("ended by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)))
                             : fmt::format("ended with exit code {}", WEXITSTATUS(status)));
      begin = shared->current + 1;
    }
    if (progress) progress(begin);
  }
  return {shared->results, shared->results + cases.size()};
}

}  // namespace bantam::torture
