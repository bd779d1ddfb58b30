#include "retrieval/sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "retrieval/encoding.h"
#include "retrieval/parse_message.h"
#include "retrieval/parsers.h"
#include "retrieval/sandbox_rules.h"

namespace bantam {
namespace {

using Clock = std::chrono::steady_clock;

// Of what the child may say besides its answer; more is read and forgotten.
constexpr size_t kMostErrorBytes = size_t{16} << 10;

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

struct Pipe {
  Descriptor read_end, write_end;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw IoError("cannot make a pipe: {}", std::strerror(errno));
    read_end = Descriptor(ends[0]);
    write_end = Descriptor(ends[1]);
  }
};

// What the child says and how it ends.
struct Outcome {
  std::string output, errors;
  int status = 0;  // as waitpid() gives it
  bool timed_out = false, too_long = false, stopped = false;
};

// A process of its own group with `file`, a pipe and a pipe as its standard streams and no other descriptor.
class Child {
 public:
  Child(const std::vector<std::string>& arguments, int file) {
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    char one_thread[] = "OPENBLAS_NUM_THREADS=1", language[] = "LC_ALL=C.UTF-8";
    char* environment[] = {one_thread, language, nullptr};

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, file, 0);
    posix_spawn_file_actions_adddup2(&actions, out_.write_end.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, err_.write_end.get(), 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    const int error = ::posix_spawn(&pid_, argv[0], &actions, &attributes, argv.data(), environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw IoError("cannot start the parser process {}: {}", arguments[0], std::strerror(error));
    out_.write_end.close();
    err_.write_end.close();
    end_ =
        Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));  // the wrapper of glibc 2.36 is not for C++
  }

  ~Child() {
    if (pid_ > 0) kill_and_wait();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Reads until the child has ended, `timeout_ms` are over, it has written more than `most_bytes` or `stop` says so;
  // then none of its group is left.
  Outcome finish(int timeout_ms, size_t most_bytes, const std::function<bool()>& stop) {
    constexpr int64_t kStopMs = 100;  // at most, between two looks at stop
    const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    Outcome outcome;
    std::array<pollfd, 3> watched = {
        {{out_.read_end.get(), POLLIN, 0}, {err_.read_end.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}}};
    // The last of its output may come after its end: done when both pipes are closed and it has ended.
    while (std::ranges::any_of(watched, [](const pollfd& w) { return w.fd >= 0; })) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) {
        outcome.timed_out = true;
        break;
      }
      outcome.stopped = stop && stop();
      if (outcome.stopped) break;
      const int ready = ::poll(watched.data(), watched.size(), static_cast<int>(std::min<int64_t>(left, kStopMs)));
      if (ready < 0 && errno != EINTR) throw IoError("cannot wait for the parser process: {}", std::strerror(errno));
      if (ready <= 0) continue;
      if (watched[0].revents != 0 && !read_some(watched[0].fd, outcome.output)) watched[0].fd = -1;
      if (watched[1].revents != 0 && !read_some(watched[1].fd, outcome.errors)) watched[1].fd = -1;
      if (watched[2].revents != 0) watched[2].fd = -1;
      outcome.errors.resize(std::min(outcome.errors.size(), kMostErrorBytes));
      if (outcome.output.size() > most_bytes) {
        outcome.too_long = true;
        break;
      }
    }
    outcome.status = kill_and_wait();
    return outcome;
  }

 private:
  // False at the end.
  static bool read_some(int fd, std::string& out) {
    constexpr size_t kReadBytes = size_t{1} << 16;
    const size_t filled = out.size();
    out.resize(filled + kReadBytes);
    const ssize_t got = ::read(fd, out.data() + filled, kReadBytes);
    out.resize(filled + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    return got > 0 || (got < 0 && errno == EINTR);
  }

  // The group exists until its leader has been waited for, so no other can be hit.
  int kill_and_wait() {
    const pid_t pid = std::exchange(pid_, -1);
    int status = 0;
    ::kill(-pid, SIGKILL);
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
  }

  Pipe out_, err_;
  Descriptor end_;
  pid_t pid_ = -1;
};

std::optional<std::string> find_program(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
    const std::string candidate = std::string(folder) + "/" + program;
    if (folder.starts_with('/') && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

std::string pdftotext_for(const std::string& name) {
  if (const auto found = find_program("pdftotext")) return *found;
  throw UnsupportedError("{}: reading PDF needs the program pdftotext; install the package poppler-utils", name);
}

// Throws when the child did not end by itself and well.
void check_end(const Outcome& outcome, const std::string& name, const ParseLimits& limits) {
  if (outcome.stopped) throw FormatError("{}: parsing was stopped", name);
  if (outcome.timed_out) throw FormatError("{}: parsing took more than {:g} s", name, limits.timeout_ms / 1000.0);
  if (outcome.too_long) {
    throw FormatError("{}: its text takes more than the limit of {} MiB", name, limits.text_bytes >> 20);
  }
  if (!WIFSIGNALED(outcome.status)) return;
  const int signal = WTERMSIG(outcome.status);
  if (signal == SIGXCPU) throw FormatError("{}: parsing took more than {:g} s", name, limits.timeout_ms / 1000.0);
  throw FormatError("{}: its parser crashed (signal {})", name, signal);
}

Document pdf_from(const Outcome& outcome, const std::string& name, const ParseLimits& limits) {
  const std::string_view errors = outcome.errors;
  const auto said = [&](std::string_view words) { return errors.find(words) != std::string_view::npos; };
  const int code = WEXITSTATUS(outcome.status);
  if (code == 0) return parse_pdf_text(outcome.output, name, limits);
  if (said("ncorrect password") || said("ncrypt")) {
    throw FormatError("{}: an encrypted PDF file; saved without its password it can be read", name);
  }
  if (said("not allowed")) throw FormatError("{}: the PDF file's author does not allow its text to be copied", name);
  if (said("ut of memory") || said("bad_alloc")) {
    throw FormatError("{}: parsing needs more than {} MiB of memory", name, limits.memory_bytes >> 20);
  }
  throw FormatError("{}: broken PDF file ({})", name, errors.substr(0, errors.find('\n')));
}

size_t number_argument(const char* text) {
  size_t value = 0;
  const char* end = text + std::strlen(text);
  if (std::from_chars(text, end, value).ptr != end) throw UsageError("{}: expected a number", text);
  return value;
}

// The arguments after "__parse".
struct ChildTask {
  DocumentFormat format;
  std::string name;
  ParseLimits limits;
  SandboxRules rules;
};

ChildTask task_from(int argc, char** argv) {
  if (argc < 8) throw UsageError("{} is for the program's own use", kParseCommand);
  ChildTask task;
  task.format = static_cast<DocumentFormat>(number_argument(argv[2]));
  task.name = argv[3];
  task.limits.text_bytes = number_argument(argv[4]);
  task.limits.memory_bytes = task.rules.memory_bytes = number_argument(argv[5]);
  task.rules.cpu_seconds = static_cast<int>(number_argument(argv[6]));
  task.rules.parent_pid = static_cast<int>(number_argument(argv[7]));
  task.rules.program = argc > 8 ? argv[8] : nullptr;
  return task;
}

std::vector<std::string> arguments_for(DocumentFormat format, const std::string& name, const ParseOptions& options) {
  const ParseLimits& limits = options.limits;
  std::vector<std::string> arguments = options.child;
  for (const size_t number : {static_cast<size_t>(format)}) arguments.push_back(std::to_string(number));
  arguments.push_back(name);
  arguments.push_back(std::to_string(limits.text_bytes));
  arguments.push_back(std::to_string(limits.memory_bytes));
  arguments.push_back(std::to_string(std::max(1, limits.timeout_ms / 1000)));
  arguments.push_back(std::to_string(::getpid()));
  if (format == DocumentFormat::pdf) arguments.push_back(pdftotext_for(name));
  return arguments;
}

std::string parse_standard_input(const ChildTask& task) {
  try {
    return message_of(parse_bytes(task.format, read_file("-"), task.name, task.limits));
  } catch (const Error& error) {
    return message_of(error);
  } catch (const std::bad_alloc&) {
    return message_of(
        FormatError("{}: parsing needs more than {} MiB of memory", task.name, task.limits.memory_bytes >> 20));
  }
}

void write_to_standard_output(std::string_view message) {
  while (!message.empty()) {
    const ssize_t put = ::write(STDOUT_FILENO, message.data(), message.size());
    if (put < 0 && errno != EINTR) return;
    message.remove_prefix(static_cast<size_t>(std::max<ssize_t>(put, 0)));
  }
}

}  // namespace

Document parse_in_child(DocumentFormat format, int fd, const std::string& name, const ParseOptions& options) {
  const ParseLimits& limits = options.limits;
  const size_t most_bytes = 2 * limits.text_bytes + (size_t{1} << 20);  // headings and pages come on top of the text
  const Outcome outcome =
      Child(arguments_for(format, name, options), fd).finish(limits.timeout_ms, most_bytes, options.stop);
  check_end(outcome, name, limits);
  if (format == DocumentFormat::pdf) return pdf_from(outcome, name, limits);
  if (const int code = WEXITSTATUS(outcome.status); code != 0) {
    throw FormatError("{}: its parser failed with exit code {}", name, code);
  }
  return document_from(outcome.output, name);
}

int run_parse_child(int argc, char** argv) {
  ChildTask task;
  try {
    task = task_from(argc, argv);
    load_encodings();
    enter_sandbox(task.rules);
  } catch (const Error& error) {
    write_to_standard_output(message_of(error));
    return EXIT_SUCCESS;
  }
  if (task.rules.program) {
    char program[] = "pdftotext", encoding_flag[] = "-enc", encoding[] = "UTF-8", stream[] = "-";
    char* arguments[] = {program, encoding_flag, encoding, stream, stream, nullptr};
    ::execve(task.rules.program, arguments, environ);
    return EXIT_FAILURE;
  }
  write_to_standard_output(parse_standard_input(task));
  std::_Exit(EXIT_SUCCESS);  // what runs at exit may want more than the sandbox gives
}

}  // namespace bantam
