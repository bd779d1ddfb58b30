// -m: a language model that writes the answer from the passages found.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/model_option.h"
#include "engine/reader.h"
#include "engine/writer.h"
#include "retrieval/written_answer.h"

namespace bantam {

struct WriterOptions {
  std::string model;  // empty: answers are quoted, not written
  int context = 0;    // 0: the model's, at most kDefaultContext
  std::string kv = kDefaultKv;
};

void add_writer_options(CLI::App& command, WriterOptions& options);

// Nothing without a model. Throws as open_model() and Writer do, UsageError for a reader.
std::unique_ptr<Writer> open_writer(const WriterOptions& options, int threads);

// The answer to a question with what the command line has: in the writer's words when there is one, else quoted. On a
// terminal sentences are shown as they are written. Throws Interrupted after Ctrl-C.
Answer answer_with(Index& index, Reader& reader, Writer* writer, const std::string& question,
                   const AnswerOptions& options);

}  // namespace bantam
