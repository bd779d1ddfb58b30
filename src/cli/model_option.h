// -m, -t and -c: which model a command runs, with how many threads and how much context.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/thread_pool.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace bantam {

// How the command line keeps keys and values unless told otherwise: half the memory of f32, and read twice as fast.
inline constexpr const char* kDefaultKv = "f16";

struct RunOptions {
  std::string model;  // GGUF file, Hugging Face folder or name in the store; empty: the embedded model
  int threads = available_cpus();
  int context = 0;              // 0: the model's, at most kDefaultContext
  std::string kv = kDefaultKv;  // format of the context's keys and values
  std::string draft;            // a model that guesses for it; empty: none
};

void add_model_option(CLI::App& command, std::string& model);
void add_threads_option(CLI::App& command, int& threads);
void add_run_options(CLI::App& command, RunOptions& options);

// Any model file; one that holds only a vocabulary will do. Throws UsageError without a path in a build that embeds no
// model, IoError for what is neither a path nor a name, else as the readers do.
ModelFile open_model_file(const std::string& path);

// Throws as open_model_file() and Model::from_file(), which see for `beside`.
std::shared_ptr<const Model> open_model(const std::string& path, LoadFor use = LoadFor::running,
                                        const std::function<void(const Metadata&)>& beside = {});

// The tokenizer of a model file. What its user should know goes to standard error, once for each file.
Tokenizer open_tokenizer(const Metadata& metadata);
// The same notice for one that is open.
void say_warning(const Tokenizer& tokenizer);

// The path, or what the embedded model is called.
std::string model_title(const std::string& path);

}  // namespace bantam
