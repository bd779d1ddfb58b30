#include "cli/run_check.h"

#include <algorithm>

#include "base/error.h"
#include "cli/terminal.h"
#include "engine/memory.h"

namespace bantam {

void add_kv_option(CLI::App& command, std::string& kv) {
  command.add_option("--kv", kv, "format of the context's keys and values: f32, f16 or q8_0")->capture_default_str();
}

DType cache_format(const std::string& kv) {
  for (const DType format : {DType::f32, DType::f16, DType::q8_0}) {
    if (traits(format).name == kv) return format;
  }
  throw UsageError("--kv is '{}', expected f32, f16 or q8_0", kv);
}

ModelToRun open_to_run(const RunOptions& run) {
  ModelToRun opened;
  opened.model = open_model(run.model, LoadFor::running,
                            [&](const Metadata& metadata) { opened.options.tokenizer = load_tokenizer(metadata); });
  check_run(*opened.model, run.context, run.kv, model_title(run.model));
  opened.options.threads = run.threads;
  opened.options.context = run.context;
  opened.options.cache_format = cache_format(run.kv);
  opened.options.most_running = 1;
  opened.options.draft = open_draft(run.draft, run.context);
  return opened;
}

std::shared_ptr<const Model> open_draft(const std::string& path, int context) {
  if (path.empty()) return nullptr;
  const std::shared_ptr<const Model> draft = open_model(path);
  const int tokens = std::min(context, draft->config().context);
  refuse_unless_it_fits(*draft, tokens, DType::f16, available_memory(), path);
  return draft;
}

void check_run(const Model& model, int context, const std::string& kv, const std::string& title) {
  refuse_unless_it_fits(model, context, cache_format(kv), available_memory(), title);
  if (const int known = model.config().context; context > known) {
    notice(fmt::format("{} was trained for {} tokens; what it makes of a context of {} may be poor", title, known,
                       context));
  }
}

}  // namespace bantam
