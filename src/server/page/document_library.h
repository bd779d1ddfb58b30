// The documents that the page shows: files that were sent to the server, and folders that its owner has opened to it.
// A thread of its own keeps an index of them; answers come from that index (server/grounded.h).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "retrieval/index.h"
#include "retrieval/parse.h"

namespace bantam {

class BodyFile;

struct DocumentLibraryOptions {
  std::filesystem::path folder;                // of this library's own: the index and the files that were sent
  std::vector<std::filesystem::path> allowed;  // folders that may be read, and are from the beginning
  int threads = 1;
  ParseOptions parse;
};

// Any thread may use it.
class DocumentLibrary {
 public:
  // Begins to read what is new or changed. Throws as Index::open() does; also when another process has the library.
  explicit DocumentLibrary(DocumentLibraryOptions options);
  ~DocumentLibrary();  // stops the reading
  DocumentLibrary(const DocumentLibrary&) = delete;
  DocumentLibrary& operator=(const DocumentLibrary&) = delete;

  std::filesystem::path index_path() const { return options_.folder / "documents.index"; }
  // Where bodies of uploads are made.
  std::filesystem::path incoming() const { return options_.folder / "incoming"; }
  bool is_upload(const std::filesystem::path& file) const;

  // Takes the file in under a name made safe of `name`; the path it has then. The same file again is the one there is;
  // another of the same name gets a number. Throws UsageError for a name of no format we read.
  std::filesystem::path add(BodyFile& body, const std::string& name);
  // Reads a folder again. Throws UsageError when it is not one of those allowed or below one.
  std::filesystem::path add_folder(const std::filesystem::path& folder);
  // Deletes a file that was sent. Throws UsageError for any other.
  void remove(const std::filesystem::path& file);

  struct Progress {
    bool running = false;
    size_t done = 0, total = 0;  // files
    std::string current;         // the name of the last one
  };
  struct Status {
    Progress progress;
    std::vector<SkippedFile> problems;
  };
  Status status() const;

 private:
  void run();
  void update(std::vector<std::filesystem::path> roots);
  void note_problems(const std::vector<std::filesystem::path>& roots, std::vector<SkippedFile> skipped);
  void want(const std::filesystem::path& root);
  std::filesystem::path uploads() const { return options_.folder / "files"; }

  const DocumentLibraryOptions options_;
  Index index_;  // used by the thread only
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::filesystem::path> wanted_;  // roots to be read
  Progress progress_;
  std::map<std::filesystem::path, std::string> problems_;
  bool stop_ = false;
  std::thread thread_;
};

// A file name without folders, control characters, dots in front and anything past 120 bytes. Throws UsageError when
// nothing is left or its format is none we read.
std::string safe_document_name(const std::string& name);

}  // namespace bantam
