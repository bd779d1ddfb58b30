// Which reader model answers, and with how many threads.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "base/thread_pool.h"
#include "engine/reader.h"
#include "retrieval/answer.h"

namespace bantam {

struct ReaderOptions {
  std::string model;  // empty: the embedded reader
  int threads = available_cpus();
};

void add_reader_options(CLI::App& command, ReaderOptions& options);

// Throws UsageError without a path in a build that embeds no reader, else as Model::load() and Reader do.
Reader open_reader(const ReaderOptions& options);

// `reader` as retrieval sees it; it must outlive the result.
ReadPassages reading_with(Reader& reader);

}  // namespace bantam
