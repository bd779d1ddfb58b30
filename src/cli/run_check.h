// What is said before a model runs: whether it fits into memory, and whether the context is longer than it knows.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/model_option.h"
#include "engine/engine.h"

namespace bantam {

// --kv: in which format keys and values are kept.
void add_kv_option(CLI::App& command, std::string& kv);

// The model of -m, checked as check_run() does, and how to run one sequence at a time with it. Throws as open_model(),
// check_run(), cache_format() and open_draft().
struct ModelToRun {
  std::shared_ptr<const Model> model;
  EngineOptions options;
};
ModelToRun open_to_run(const RunOptions& run);

// The model of --draft, null when `path` is empty. Throws as open_model(), and UsageError when it does not fit into the
// memory that is free beside the model it guesses for.
std::shared_ptr<const Model> open_draft(const std::string& path, int context);

// "f32", "f16" or "q8_0". Throws UsageError for others.
DType cache_format(const std::string& kv);

// Throws UsageError with what would fit when the model does not fit into the memory that is free; a notice on standard
// error when the context is longer than what it was trained for. `title` names the model.
void check_run(const Model& model, int context, const std::string& kv, const std::string& title);

}  // namespace bantam
