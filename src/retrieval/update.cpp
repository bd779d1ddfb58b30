// Index::update(): compares the files with what the index holds, reads the new and changed ones on several threads, and
// writes what they prepare, committing now and then.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/error.h"
#include "base/file.h"
#include "retrieval/index_state.h"

namespace bantam {
namespace {

// A kill loses at most this much work, and each commit makes a segment.
constexpr size_t kBatchBytes = size_t{32} << 20;
constexpr auto kBatchTime = std::chrono::seconds(5);
// Of prepared documents that wait for the writer.
constexpr size_t kMostWaitingBytes = size_t{64} << 20;
constexpr auto kProgressTime = std::chrono::milliseconds(100);

using KnownFiles = std::unordered_map<std::string, KnownFile>;

KnownFiles known_files(Database& database) {
  KnownFiles out;
  SqlStatement all = database.prepare("SELECT path, id, bytes, modified_ns, hash, problem FROM files");
  while (all.step()) {
    KnownFile known{
        all.integer(1), static_cast<uint64_t>(all.integer(2)), all.integer(3), {}, std::string(all.text(5))};
    const auto hash = all.blob(4);
    std::copy_n(hash.begin(), std::min(hash.size(), known.hash.size()), known.hash.begin());
    out.emplace(all.text(0), known);
  }
  return out;
}

bool is_within(const std::filesystem::path& path, const std::filesystem::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

struct Work {
  const FoundFile* file = nullptr;
  const KnownFile* known = nullptr;  // as the index has it
};

// What a thread has made of a file.
struct Prepared {
  size_t work = 0;
  KnownFile file;       // what to remember
  bool same = false;    // its content is what it was
  bool forget = false;  // it could not be read now and may be another time
  PreparedDocument document;
};

Prepared prepare_file(size_t number, const Work& work, const UpdateOptions& options, TermScanner& scanner) {
  Prepared out;
  out.work = number;
  out.file.bytes = work.file->bytes;
  out.file.modified_ns = work.file->modified_ns;
  try {
    if (work.file->bytes > options.file_bytes) {
      throw UsageError("{}: has {} bytes, and files above {} are not read; raise --max-file-mib or split it",
                       work.file->path.string(), work.file->bytes, options.file_bytes);
    }
    out.file.hash = sha256(read_file(work.file->path));
    if (work.known != nullptr && work.known->hash == out.file.hash) {
      out.same = true;
      return out;
    }
    const Document document = options.parse(work.file->path);
    out.document = prepare(document, cut_passages(document), scanner);
  } catch (const FormatError& error) {
    out.file.problem = error.what();
  } catch (const Error& error) {
    out.file.problem = error.what();
    out.forget = true;
  }
  return out;
}

// Threads that prepare files while the caller of next() writes.
class Pipeline {
 public:
  Pipeline(const std::vector<Work>& work, const UpdateOptions& options) : work_(work), options_(options) {
    for (int i = 0; i < std::max(1, options.threads); ++i) threads_.emplace_back([this] { run(); });
  }
  ~Pipeline() { stop(); }

  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    space_.notify_all();
  }

  // Waits a while for the next file; nothing if there was none yet. Rethrows what a thread threw.
  std::optional<Prepared> next() {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, kProgressTime, [&] { return !done_.empty() || error_; });
    if (error_) std::rethrow_exception(error_);
    if (done_.empty()) return std::nullopt;
    Prepared out = std::move(done_.front());
    done_.pop_front();
    waiting_bytes_ -= out.document.text_bytes;
    space_.notify_all();
    return out;
  }

 private:
  void run() {
    try {
      TermScanner scanner;
      for (size_t i = taken_++; i < work_.size(); i = taken_++) {
        {
          std::unique_lock lock(mutex_);
          space_.wait(lock, [&] { return stopped_ || waiting_bytes_ < kMostWaitingBytes; });
          if (stopped_) return;
        }
        Prepared prepared = prepare_file(i, work_[i], options_, scanner);
        const std::lock_guard lock(mutex_);
        waiting_bytes_ += prepared.document.text_bytes;
        done_.push_back(std::move(prepared));
        ready_.notify_one();
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      error_ = std::current_exception();
      ready_.notify_one();
    }
  }

  const std::vector<Work>& work_;
  const UpdateOptions& options_;
  std::atomic<size_t> taken_ = 0;
  std::mutex mutex_;
  std::condition_variable ready_, space_;
  std::deque<Prepared> done_;
  size_t waiting_bytes_ = 0;
  bool stopped_ = false;
  std::exception_ptr error_;
  std::vector<std::jthread> threads_;  // last: they end before what they use
};

// Writes what the pipeline gives, in batches.
class Writer {
 public:
  Writer(Index::State& state, UpdateReport& report) : state_(state), report_(report) {}

  void add(const Work& work, const Prepared& prepared) {
    if (!write_) {
      write_.emplace(state_);
      began_ = std::chrono::steady_clock::now();
    }
    const std::string path = work.file->path.string();
    if (prepared.same) {
      ++report_.unchanged;
      if (!work.known->problem.empty()) report_.skipped.push_back({work.file->path, work.known->problem});
      state_.database.prepare("UPDATE files SET bytes = ?, modified_ns = ? WHERE id = ?")
          .run(static_cast<int64_t>(prepared.file.bytes), prepared.file.modified_ns, work.known->id);
      return;
    }
    if (work.known != nullptr) state_.remove_file(work.known->id);
    if (!prepared.forget) state_.add_file(path, prepared.file, prepared.document, batch_);
    if (!prepared.file.problem.empty()) {
      report_.skipped.push_back({work.file->path, prepared.file.problem});
    } else {
      ++(work.known != nullptr ? report_.changed : report_.added);
      report_.passages += prepared.document.passages.size();
      report_.text_bytes += prepared.document.text_bytes;
    }
  }

  bool full() const {
    return write_ && (batch_.text_bytes >= kBatchBytes || std::chrono::steady_clock::now() - began_ >= kBatchTime);
  }

  void commit() {
    if (!write_) return;
    state_.flush(batch_);
    state_.segments.merge(false);
    write_->commit();
    write_.reset();
  }

 private:
  Index::State& state_;
  UpdateReport& report_;
  std::optional<Index::State::Write> write_;
  Index::State::Batch batch_;
  std::chrono::steady_clock::time_point began_;
};

// Takes out the files under `roots` that are there no more, and remembers the roots.
void remove_gone(Index::State& state, std::span<const std::filesystem::path> roots, const FileList& found,
                 const KnownFiles& known, UpdateReport& report) {
  std::vector<std::string> present;
  for (const FoundFile& file : found.files) present.push_back(file.path.string());
  std::sort(present.begin(), present.end());
  Index::State::Write write(state);
  for (const auto& root : roots) {
    const auto real = std::filesystem::canonical(root);
    state.database.prepare("INSERT OR IGNORE INTO roots VALUES(?)").run(std::string_view(real.native()));
    for (const auto& [path, file] : known) {
      if (!is_within(path, real) || std::binary_search(present.begin(), present.end(), path)) continue;
      // What may not be read now is not gone.
      const bool hidden =
          std::any_of(found.skipped.begin(), found.skipped.end(), [&, &path = path](const SkippedFile& skipped) {
            return is_within(path, skipped.path) && std::filesystem::is_directory(skipped.path);
          });
      if (hidden) continue;
      state.find_file.bind_all(std::string_view(path));
      const bool there = state.find_file.step();
      state.find_file.reset();
      if (!there) continue;  // another root above it has removed it
      state.remove_file(file.id);
      ++report.removed;
    }
  }
  write.commit();
}

}  // namespace

void Index::keep_only(std::span<const std::filesystem::path> roots) {
  State& s = *state_;
  const KnownFiles known = known_files(s.database);
  const auto kept = [&](const std::filesystem::path& path) {
    return std::any_of(roots.begin(), roots.end(), [&](const auto& root) { return is_within(path, root); });
  };
  State::Write write(s);
  for (const auto& [path, file] : known) {
    if (!kept(path)) s.remove_file(file.id);
  }
  for (const std::filesystem::path& root : this->roots()) {
    if (!kept(root)) s.database.prepare("DELETE FROM roots WHERE path = ?").run(std::string_view(root.native()));
  }
  write.commit();
}

UpdateReport Index::update(std::span<const std::filesystem::path> roots, const UpdateOptions& options) {
  State& s = *state_;
  UpdateReport report;
  const FileList found = find_files(roots);
  report.skipped = found.skipped;
  report.unknown = found.unknown;
  report.folders = found.folders;
  const KnownFiles known = known_files(s.database);
  remove_gone(s, roots, found, known, report);

  std::vector<Work> work;
  UpdateProgress progress;
  for (const FoundFile& file : found.files) {
    const auto old = known.find(file.path.string());
    const KnownFile* as_known = old == known.end() ? nullptr : &old->second;
    if (as_known != nullptr && as_known->bytes == file.bytes && as_known->modified_ns == file.modified_ns) {
      ++report.unchanged;
      if (!as_known->problem.empty()) report.skipped.push_back({file.path, as_known->problem});
      continue;
    }
    work.push_back({&file, as_known});
    progress.total_bytes += file.bytes;
  }
  progress.total_files = work.size();

  Writer writer(s, report);
  Pipeline pipeline(work, options);
  while (progress.done_files < work.size()) {
    const auto prepared = pipeline.next();
    if (options.stop && options.stop()) {  // also why the file may not have been read to its end
      report.stopped = true;
      break;
    }
    if (prepared) {
      const Work& done = work[prepared->work];
      writer.add(done, *prepared);
      ++progress.done_files;
      progress.done_bytes += done.file->bytes;
      progress.file = &done.file->path;
      if (writer.full()) writer.commit();
    }
    if (options.progress) options.progress(progress);
  }
  pipeline.stop();
  writer.commit();
  for (bool more = !report.stopped; more;) {
    State::Write write(s);
    more = s.segments.merge(true);
    write.commit();
  }
  return report;
}

}  // namespace bantam
