#include "store/download.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "store/disk.h"
#include "store/fetch.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kMostFailures = 8;  // of one chunk without a byte between them: about a minute and a half
constexpr int kTickMs = 100;

struct Chunk {
  uint64_t begin = 0, end = 0;  // the last one's end is UINT64_MAX while the size is unknown
  uint64_t received = 0;
  bool done = false;
  int transfer = 0;                // 0: none runs
  bool got_bytes = false;          // in this attempt
  Clock::time_point not_before{};  // of the next attempt
  Backoff backoff;
};

class Download {
 public:
  Download(HttpTransfers& http, const DownloadSource& source, const fs::path& part, const DownloadOptions& options)
      : http_(http), source_(source), part_(part), options_(options), url_(source.url) {}

  ~Download() {
    http_.cancel_all();  // their sinks point here
    if (fd_ >= 0) ::close(fd_);
  }

  DownloadedFile run() {
    probe();
    open_part();
    try {
      while (!std::all_of(chunks_.begin(), chunks_.end(), [](const Chunk& c) { return c.done; })) {
        start_chunks();
        for (const auto& ended : http_.wait(wait_ms())) settle(ended);
        report({received(), size_, false});
      }
    } catch (...) {
      http_.cancel_all();
      if (ranges_ && !changed_) save_state();
      throw;
    }
    return check();
  }

 private:
  // One byte is asked for: the answer says how long the file is and whether ranges work.
  void probe() {
    HttpSink sink;
    sink.head = [](const HttpHead& head) { return head.status != 200; };  // the whole file is not wanted yet
    const FetchOptions fetching{options_.first_wait_ms, [&] { report({0, source_.size, false}); }};
    const HttpResult result = fetch(http_, {url_, HttpRange{0, 1}}, sink, fetching);
    const HttpHead& head = result.head;
    ranges_ = head.status == 206 && head.range && head.range->begin == 0 && head.total;
    const bool whole = head.status == 200 || head.status == 416;  // 416: of an empty file there is no first byte
    if (!result.failure.empty() || (!ranges_ && !whole)) throw_refusal(url_, source_.page, result);
    size_ = ranges_ ? head.total : head.status == 200 ? head.length : source_.size;
    // The server's word where nobody else's is there: a file that arrives as it was stored.
    if (source_.sha256.empty()) source_.sha256 = head.linked_sha256;
    if (!source_.size) source_.size = head.linked_size;
    if (size_ && source_.size && *size_ != *source_.size) {
      throw IoError("{}: has {} bytes on the server, {} were announced; it may just be changing, try again",
                    source_.url, *size_, *source_.size);
    }
    validator_ = head.validator;
    url_ = head.url;
  }

  void open_part() {
    if (size_) require_space(part_.parent_path(), *size_ - std::min(*size_, allocated_bytes(part_)));
    make_chunks();
    const bool resumed = ranges_ && load_state();
    fd_ = ::open(part_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd_ < 0) throw IoError("{}: cannot be opened: {}", part_.string(), std::strerror(errno));
    if (!resumed) resize(0);
    if (ranges_) resize(*size_);
  }

  void resize(uint64_t bytes) {
    if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) {
      throw IoError("{}: cannot be made {} bytes long: {}", part_.string(), bytes, std::strerror(errno));
    }
  }

  void make_chunks() {
    const Backoff backoff(kMostFailures, options_.first_wait_ms);
    if (!ranges_) {
      chunks_.push_back({.end = size_.value_or(UINT64_MAX), .backoff = backoff});
      return;
    }
    for (uint64_t begin = 0; begin < *size_; begin += options_.chunk_bytes) {
      chunks_.push_back({.begin = begin, .end = std::min(*size_, begin + options_.chunk_bytes), .backoff = backoff});
    }
  }

  // Takes up what an earlier download left; false when there is nothing of this very file.
  bool load_state() {
    const fs::path path = download_state(part_);
    if (!fs::exists(path) || !fs::exists(part_)) return false;
    const Json state = Json::parse(read_file(path), nullptr, false);
    const Json key = state_key();
    if (!state.is_object() || !state.contains("file") || state["file"] != key || !state.contains("received") ||
        !state["received"].is_array() || state["received"].size() != chunks_.size()) {
      if (options_.notice)
        options_.notice(fmt::format("{} has changed since; it is fetched from the start", source_.url));
      return false;
    }
    for (size_t i = 0; i < chunks_.size(); ++i) {
      Chunk& chunk = chunks_[i];
      const Json& value = state["received"][i];
      if (!value.is_number_unsigned()) continue;
      chunk.received = std::min(value.get<uint64_t>(), chunk.end - chunk.begin);
      chunk.done = chunk.received == chunk.end - chunk.begin;
    }
    return true;
  }

  // What must be the same for bytes to belong together. Where the hash is known it decides, not a mirror's validator.
  Json state_key() const {
    return {{"url", source_.sha256.empty() ? source_.url : ""},
            {"size", *size_},
            {"sha256", source_.sha256},
            {"validator", source_.sha256.empty() ? validator_ : ""},
            {"chunk_bytes", options_.chunk_bytes}};
  }

  // The bytes first, then the note that they are there: after a power cut the note is never ahead.
  void save_state() const {
    if (::fdatasync(fd_) != 0) throw IoError("{}: cannot be flushed to disk: {}", part_.string(), std::strerror(errno));
    Json counts = Json::array();
    for (const Chunk& chunk : chunks_) counts.push_back(chunk.received);
    AtomicFile file(download_state(part_));
    file.write(to_line({{"file", state_key()}, {"received", counts}}));
    file.commit();
  }

  void start_chunks() {
    size_t running = 0;
    for (const Chunk& chunk : chunks_) running += chunk.transfer != 0;
    const size_t most = std::min(chunks_.size(), static_cast<size_t>(options_.connections));
    for (Chunk& chunk : chunks_) {
      if (running == most) return;
      if (chunk.done || chunk.transfer != 0 || Clock::now() < chunk.not_before) continue;
      HttpRequest request{url_, {}};
      if (ranges_) request.range = HttpRange{chunk.begin + chunk.received, chunk.end};
      chunk.got_bytes = false;
      HttpSink sink;
      sink.head = [this, &chunk](const HttpHead& head) { return accept(chunk, head); };
      sink.body = [this, &chunk](std::string_view bytes) { return write(chunk, bytes); };
      chunk.transfer = http_.start(std::move(request), std::move(sink));
      ++running;
    }
  }

  // Whether the response is the part of the file that was asked for. Statuses that are errors pass: settle() reads
  // them.
  bool accept(const Chunk& chunk, const HttpHead& head) {
    if (head.status != 200 && head.status != 206) return true;
    const bool same_validator = !source_.sha256.empty() || head.validator == validator_;
    if (!ranges_) return head.status == 200;
    if (head.status == 200) return false;
    const bool same = head.range && head.range->begin == chunk.begin + chunk.received &&
                      (!head.total || head.total == size_) && same_validator;
    changed_ = changed_ || !same;
    if (same) url_ = head.url;
    return same;
  }

  // All connections run in this thread: while it sleeps, their senders wait. The sleep is one read of libcurl's long.
  void throttle(size_t bytes) {
    if (options_.bytes_per_s == 0) return;
    const std::chrono::duration<double> cost(static_cast<double>(bytes) / static_cast<double>(options_.bytes_per_s));
    due_ = std::max(due_, Clock::now()) + std::chrono::duration_cast<Clock::duration>(cost);
    std::this_thread::sleep_until(due_);
  }

  bool write(Chunk& chunk, std::string_view bytes) {
    if (bytes.size() > chunk.end - chunk.begin - chunk.received) return false;
    throttle(bytes.size());
    while (!bytes.empty()) {
      const ssize_t put = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(chunk.begin + chunk.received));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) {
        write_error_ = std::strerror(errno);
        return false;
      }
      chunk.received += static_cast<uint64_t>(put);
      chunk.got_bytes = true;
      bytes.remove_prefix(static_cast<size_t>(put));
    }
    return true;
  }

  void settle(const HttpTransfers::Ended& ended) {
    Chunk& chunk =
        *std::find_if(chunks_.begin(), chunks_.end(), [&](const Chunk& c) { return c.transfer == ended.transfer; });
    chunk.transfer = 0;
    const HttpResult& result = ended.result;
    if (!write_error_.empty()) {
      throw IoError("{}: cannot be written: {}; what has come is kept", part_.string(), write_error_);
    }
    if (changed_) {
      remove_files();
      throw IoError("{}: changed on the server while it was fetched; run the same command again", source_.url);
    }
    const bool sent = result.complete() && (result.head.status == 200 || result.head.status == 206);
    const bool to_the_end = chunk.end == UINT64_MAX || chunk.begin + chunk.received == chunk.end;
    if (sent && to_the_end) {
      chunk.done = true;
      if (ranges_) save_state();
      return;
    }
    if (chunk.got_bytes) chunk.backoff.reset();
    if (!ranges_) restart(chunk);
    // A signed address of a redirect runs out; the first one leads to a new one.
    const bool ran_out = url_ != source_.url && result.failure.empty() && result.head.status >= 400;
    if (ran_out) url_ = source_.url;
    const bool worth_it = result.temporary || ran_out || sent || result.refused;
    const auto wait_ms = worth_it ? chunk.backoff.next(result.head.retry_after_s) : std::nullopt;
    if (!wait_ms && (sent || result.refused)) {
      throw IoError("{}: the server sends other bytes than it was asked for", source_.url);
    }
    if (!wait_ms) throw_refusal(source_.url, source_.page, result);
    chunk.not_before = Clock::now() + milliseconds(*wait_ms);
  }

  void restart(Chunk& chunk) {
    chunk.received = 0;
    resize(0);
  }

  // Until a transfer has news, at most until the next attempt is due.
  int wait_ms() const {
    auto until = Clock::now() + milliseconds(kTickMs);
    for (const Chunk& chunk : chunks_) {
      if (!chunk.done && chunk.transfer == 0 && chunk.not_before > Clock::now())
        until = std::min(until, chunk.not_before);
    }
    return static_cast<int>(std::chrono::ceil<milliseconds>(until - Clock::now()).count());
  }

  uint64_t received() const {
    uint64_t sum = 0;
    for (const Chunk& chunk : chunks_) sum += chunk.received;
    return sum;
  }

  void report(const DownloadProgress& progress) const {
    if (options_.progress) options_.progress(progress);
  }

  void remove_files() const {
    std::error_code ignored;
    fs::remove(part_, ignored);
    fs::remove(download_state(part_), ignored);
  }

  DownloadedFile check() {
    const uint64_t size = received();
    if (::fsync(fd_) != 0) throw IoError("{}: cannot be flushed to disk: {}", part_.string(), std::strerror(errno));
    const std::string found = to_hex(sha256_file(part_, [&](uint64_t done) { report({done, size, true}); }));
    if (!source_.sha256.empty() && found != source_.sha256) {
      remove_files();
      throw IoError("{}: its SHA-256 is {}, expected {}; what was fetched has been deleted", source_.url, found,
                    source_.sha256);
    }
    return {found, size};
  }

  HttpTransfers& http_;
  DownloadSource source_;
  const fs::path& part_;
  const DownloadOptions& options_;
  std::string url_;  // where redirects led
  std::string validator_;
  std::optional<uint64_t> size_;
  bool ranges_ = false, changed_ = false;
  std::vector<Chunk> chunks_;
  int fd_ = -1;
  std::string write_error_;
  Clock::time_point due_{};  // of the next byte, under a rate limit
};

}  // namespace

DownloadedFile download(HttpTransfers& http, const DownloadSource& source, const fs::path& part,
                        const DownloadOptions& options) {
  return Download(http, source, part, options).run();
}

fs::path download_state(const fs::path& part) {
  fs::path path = part;
  path += ".json";
  return path;
}

}  // namespace bantam
