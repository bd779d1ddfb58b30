// The library of documents: one SQLite file that holds their text, its passages and what is needed to find them.
//
// Every change is a transaction of SQLite in WAL mode: a process that is killed loses what it had not committed and
// leaves a sound file. One process writes at a time; others read meanwhile and see each commit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "retrieval/document.h"
#include "retrieval/files.h"
#include "retrieval/passages.h"
#include "retrieval/ranking.h"
#include "retrieval/vectors.h"

namespace bantam {

// A passage that was found.
struct Hit {
  int64_t passage = 0;  // its number in the index; gone when its file changes
  std::string file, title, heading;
  int page = 0;               // counted from 1; 0 where the format has no pages
  size_t begin = 0, end = 0;  // bytes of the file's extracted text
  double score = 0;           // comparable within one answer only
  std::string text;           // those bytes
};

// A sentence of Results::passages[hit].
struct SentenceHit {
  size_t hit = 0;
  size_t begin = 0, end = 0;  // bytes of the file's extracted text
  double score = 0;
};

// Both best first.
struct Results {
  std::vector<Hit> passages;
  std::vector<SentenceHit> sentences;

  std::string_view text(const SentenceHit& s) const {
    const Hit& p = passages[s.hit];
    return std::string_view(p.text).substr(s.begin - p.begin, s.end - s.begin);
  }
};

struct IndexStats {
  int64_t files = 0, passages = 0, text_bytes = 0, segments = 0;
  int64_t vectors = 0;  // passages that have one
};

// A file of the index.
struct IndexedFile {
  std::string path, title;
  uint64_t bytes = 0;  // of the file; 0 for a GivenDocument
  int64_t text_bytes = 0, passages = 0;
  int64_t modified_ns = 0;  // since 1970
};

// A document that comes from no file, already cut.
struct GivenDocument {
  std::string name;  // instead of a path; each of its own
  Document document;
  std::vector<Passage> passages;
};

struct UpdateProgress {
  uint64_t done_bytes = 0, total_bytes = 0;  // of files that are new or changed
  size_t done_files = 0, total_files = 0;
  const std::filesystem::path* file = nullptr;  // the last one done
};

struct UpdateOptions {
  std::function<Document(const std::filesystem::path&)> parse;  // may be called by several threads; throws Error
  std::function<void(const UpdateProgress&)> progress = nullptr;
  std::function<bool()> stop = nullptr;       // true: keep what is done and return
  int threads = 1;                            // that read and parse, besides the one that writes
  uint64_t file_bytes = uint64_t{256} << 20;  // a larger file is reported and not read
};

struct UpdateReport {
  size_t added = 0, changed = 0, unchanged = 0, removed = 0;
  size_t passages = 0;                         // written
  uint64_t text_bytes = 0;                     // of them
  std::vector<SkippedFile> skipped;            // and why
  std::map<std::string, size_t> unknown;       // extension to number of files
  std::vector<std::filesystem::path> folders;  // all that were read
  bool stopped = false;
};

class Index {
 public:
  enum class Mode { read, write };

  // Throws, naming the file: IoError when it is missing (Mode::read), cannot be opened, or another process, which is
  // named, writes to it (Mode::write); FormatError when it is no index or is damaged; UnsupportedError when a later
  // version of the program made it.
  static Index open(const std::filesystem::path& path, Mode mode);
  static Index in_memory();

  Index(Index&&) noexcept;
  Index& operator=(Index&&) noexcept;
  ~Index();

  // Makes the index hold what the files and folders under `roots` hold now, and leaves other files alone. Unchanged
  // files (size and time, else content) are not parsed again, files that cannot be read are reported, files that are
  // gone leave. Commits now and then. Throws IoError when a root does not exist or the disk is full.
  UpdateReport update(std::span<const std::filesystem::path> roots, const UpdateOptions& options);
  // Takes out the files that are under none of `roots`.
  void keep_only(std::span<const std::filesystem::path> roots);
  // Adds documents, or replaces those of the same name.
  void add(std::span<const GivenDocument> documents);

  // The `passages` best passages, those that nearly repeat a better one left out, and the `sentences` best sentences in
  // them. Words that say nothing (terms.h) are not looked for.
  Results search(std::string_view query, size_t passages, size_t sentences = 0);

  // A whole extracted text, or nothing for a file that is not there.
  std::optional<std::string> document_text(std::string_view file);
  // Passages that hold the term, which is as terms() gives it. May count some whose file has left.
  uint64_t document_frequency(std::string_view term);
  IndexStats stats();
  // Those that could be read, by path.
  std::vector<IndexedFile> files();
  // The roots of all updates.
  std::vector<std::filesystem::path> roots();

  void set_ranking(const Ranking& ranking);

  // From now on search() also compares meanings where the index has vectors of this embedder; it throws UsageError
  // where it has those of another.
  void set_embedder(Embedder embedder);
  // Gives each passage a vector that has none by the embedder; vectors of another leave. Commits every few seconds and
  // asks then whether to go on. Returns how many passages got one.
  size_t embed(const std::function<bool(size_t done, size_t total)>& go_on);

  // Reads all of it and compares. Throws FormatError when it is damaged.
  void check();

  struct State;  // index_state.h

 private:
  explicit Index(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace bantam
