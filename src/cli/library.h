// The documents a command answers from: an index of the user's, folders kept up to date, or the manual inside this
// program.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "retrieval/index.h"

namespace bantam {

struct LibraryOptions {
  std::vector<std::string> docs;  // folders and files to read first
  std::string index;              // the index file; with neither, the manual
  std::string embedder;           // model that the index has vectors of; empty: search by words alone
  int threads = 1;
  size_t max_file_mib = 256;

  bool is_manual() const { return docs.empty() && index.empty(); }
};

void add_library_options(CLI::App& command, LibraryOptions& options);

// Opens the index, after an update with a progress bar where folders are named; what is skipped is told on standard
// error. An index that another process writes to is read as it is. Throws as Index does, Interrupted after Ctrl-C.
Index open_library(const LibraryOptions& options);

// The index file that open_library() uses. Not for the manual, which has none.
std::filesystem::path library_path(const LibraryOptions& options);

// "manual", or the folders, or the index file.
std::string library_title(const LibraryOptions& options);

// One update with a progress bar; used by `bantam index` too.
UpdateReport update_with_progress(Index& index, const std::vector<std::filesystem::path>& roots, int threads,
                                  size_t max_file_mib);
// The files an update left out and why, the first of them, on standard error.
void tell_skipped(const UpdateReport& report);

}  // namespace bantam
