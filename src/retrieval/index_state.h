// The inside of Index, shared by the files that implement it: index.cpp, update.cpp and search.cpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "retrieval/index.h"
#include "retrieval/prepare.h"
#include "retrieval/segments.h"
#include "retrieval/sqlite.h"
#include "text/terms.h"

namespace bantam {

// Keeps other writers away from an index: a file beside it that holds this process's number and is locked while the
// process lives, however it ends.
class WriterLock {
 public:
  // Throws IoError naming the process that has it.
  explicit WriterLock(const std::filesystem::path& index);
  ~WriterLock();
  WriterLock(WriterLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  WriterLock& operator=(WriterLock&&) = delete;

 private:
  int fd_;
};

// What the index remembers of a file to tell whether it has changed.
struct KnownFile {
  int64_t id = 0;
  uint64_t bytes = 0;
  int64_t modified_ns = 0;
  Hash hash{};
  std::string problem;  // why it could not be read; empty: it was
};

struct Index::State {
  State(Database opened, std::optional<WriterLock> held);

  // Reads the segments again, and the vectors when needed, if another process has written since.
  void refresh();
  void remove_file(int64_t id);
  // Rows of a file and its passages. Postings go to `batch`, which Batch::flush() writes.
  struct Batch {
    std::vector<Posting> postings;
    std::vector<uint16_t> lengths;
    size_t text_bytes = 0;
  };
  void add_file(const std::string& path, const KnownFile& known, const PreparedDocument& document, Batch& batch);
  void flush(Batch& batch);

  // A transaction of the index; rolled back, `segments` are read again.
  class Write {
   public:
    explicit Write(State& state) : state_(state), transaction_(state.database) { state.refresh(); }
    ~Write() {
      if (!committed_) state_.data_version = 0;
    }
    Write(const Write&) = delete;
    Write& operator=(const Write&) = delete;
    void commit() {
      transaction_.commit();
      committed_ = true;
    }

   private:
    State& state_;
    Transaction transaction_;
    bool committed_ = false;
  };

  std::optional<WriterLock> lock;
  Database database;
  Segments segments;
  Vectors vectors;
  std::optional<Embedder> embedder;
  Ranking ranking;
  TermScanner scanner;
  int64_t data_version = 0;  // of what `segments` has read; 0: not to be trusted
  SqlStatement version, find_file, read_file, read_passage, read_chunk;
};

}  // namespace bantam
