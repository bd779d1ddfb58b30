#include "cli/model_option.h"

#include <filesystem>
#include <set>
#include <span>

#include "base/error.h"
#include "cli/data_folder.h"
#include "cli/run_check.h"
#include "cli/terminal.h"
#include "formats/gguf.h"
#include "formats/hf_folder.h"

// The bytes of models/bantam-1.gguf, or none: see cmake/embed.cmake.
extern "C" const std::byte bantam_embedded_model[], bantam_embedded_model_end[];

namespace bantam {

void add_model_option(CLI::App& command, std::string& model) {
  command.add_option(
      "-m,--model", model,
      "GGUF file, Hugging Face folder, or a name that bantam list shows (default: the model inside this program)");
}

void add_threads_option(CLI::App& command, int& threads) {
  command.add_option("-t,--threads", threads, "threads to compute with (default: one per CPU)");
}

void add_run_options(CLI::App& command, RunOptions& options) {
  add_model_option(command, options.model);
  add_threads_option(command, options.threads);
  command.add_option("-c,--context", options.context,
                     "most tokens of prompt and answer together (default: the model's, at most 4096)");
  add_kv_option(command, options.kv);
  command.add_option("--draft", options.draft,
                     "a small model of the same vocabulary that guesses ahead; the answer stays the same");
}

ModelFile open_model_file(const std::string& path) {
  if (path.empty()) {
    const std::span bytes(bantam_embedded_model, bantam_embedded_model_end);
    if (bytes.empty()) throw UsageError("this build has no model inside; name one with -m FILE");
    return read_gguf(bytes, model_title(path));
  }
  const std::string found = find_model(path);
  return std::filesystem::is_directory(found) ? read_hf_folder(found) : read_gguf(found);
}

std::shared_ptr<const Model> open_model(const std::string& path, LoadFor use,
                                        const std::function<void(const Metadata&)>& beside) {
  const auto panels = find_panel_cache();
  return Model::from_file(open_model_file(path), use, panels ? &*panels : nullptr, beside);
}

void say_warning(const Tokenizer& tokenizer) {
  static std::set<std::string> said;
  const std::string& warning = tokenizer.warning();
  if (!warning.empty() && said.insert(warning).second) notice(warning);
}

Tokenizer open_tokenizer(const Metadata& metadata) {
  Tokenizer tokenizer = Tokenizer::from_metadata(metadata);
  say_warning(tokenizer);
  return tokenizer;
}

std::string model_title(const std::string& path) { return path.empty() ? "embedded model" : path; }

}  // namespace bantam
