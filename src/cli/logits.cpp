// bantam logits: what the model says after each token, or a reader of each, for comparing with other programs.
#include <algorithm>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/model_option.h"
#include "cli/sampling_option.h"
#include "engine/session.h"
#include "model/forward.h"

namespace bantam {
namespace {

struct Options {
  std::string model, tokens, types, output;
  int threads = available_cpus();
  int context = 0;
};

void declare(CLI::App& command, Options& options) {
  add_model_option(command, options.model);
  add_threads_option(command, options.threads);
  command.add_option("-c,--context", options.context,
                     "context to run with; some models rotate positions differently in a long one (default: as many as "
                     "the tokens)");
  command.add_option("--tokens", options.tokens, "token ids, with commas between them")->required();
  command.add_option("--types", options.types, "a reader's token types, one for each token (default: all 0)");
  command
      .add_option("-o,--output", options.output,
                  "file for the logits: float32, little-endian, [tokens, vocab], or a reader's scores, [tokens, 2]")
      ->required();
}

std::vector<int32_t> parse_ids(const char* flag, std::string_view text) {
  std::vector<int32_t> ids;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    const int64_t id = parse_integer(fmt::format("an entry of {}", flag), text.substr(begin, comma - begin));
    if (id < 0 || id > INT32_MAX) throw UsageError("{} holds {}, expected ids", flag, id);
    ids.push_back(static_cast<int32_t>(id));
    begin = comma + 1;
  }
  return ids;
}

// A reader sees all rows at once, so it has no session: its scores of each row's begin and end.
void write_scores(const Model& model, std::span<const int32_t> tokens, std::vector<int32_t> types, int threads,
                  AtomicFile& file) {
  const ModelConfig& c = model.config();
  types.resize(types.empty() ? tokens.size() : types.size());
  if (types.size() != tokens.size()) {
    throw UsageError("--types holds {} types for {} tokens", types.size(), tokens.size());
  }
  const auto require_below = [](const char* flag, std::span<const int32_t> ids, int end) {
    for (const int32_t id : ids) {
      if (id >= end) throw UsageError("{} holds {}, but the model has {}", flag, id, end);
    }
  };
  require_below("--tokens", tokens, c.vocab);
  require_below("--types", types, c.token_types);
  ThreadPool pool(threads);
  const Compute compute{pool, active_kernels()};
  Arena arena;
  Run run(arena, compute);
  KvCache no_cache(c, 0);
  Batch batch;
  batch.append(no_cache, tokens, types, Logits::all_rows);
  const Tensor scores = forward(run, c, model.weights(), batch);
  file.write(std::as_bytes(std::span(scores.data, scores.size())));
}

void run(const Options& options) {
  const std::vector<int32_t> tokens = parse_ids("--tokens", options.tokens);
  const auto model = open_model(options.model);
  if (tokens.size() > static_cast<size_t>(model->config().context)) {
    throw UsageError("--tokens holds {} ids, but the model's context is {}", tokens.size(), model->config().context);
  }
  const InterruptGuard guard;
  AtomicFile file(options.output);
  if (model->config().token_types > 0) {
    write_scores(*model, tokens, options.types.empty() ? std::vector<int32_t>{} : parse_ids("--types", options.types),
                 options.threads, file);
    file.commit();
    return;
  }
  if (!options.types.empty()) throw UsageError("--types is for readers; this model has no token types");
  Session session(model, options.threads, options.context > 0 ? options.context : static_cast<int>(tokens.size()));
  if (tokens.size() > static_cast<size_t>(session.context())) {
    throw UsageError("--tokens holds {} ids, but --context is {}", tokens.size(), session.context());
  }
  for (std::span<const int32_t> rest = tokens; !rest.empty();) {
    throw_if_interrupted();
    const auto chunk = rest.first(std::min(rest.size(), size_t{kPrefillRows}));
    const Tensor logits = session.append(chunk, Logits::all_rows);
    file.write(std::as_bytes(std::span(logits.data, logits.size())));
    rest = rest.subspan(chunk.size());
  }
  file.commit();
}

}  // namespace

void add_logits(CLI::App& app) {
  add_command<Options>(app, "logits", "Write the logits after each token to a file",
                       "  bantam logits -m model.gguf --tokens 1,2,3 -o out.f32\n"
                       "  bantam logits -m reader.gguf --tokens 1,2,3 --types 0,2,5 -o out.f32\n",
                       declare, run);
}

}  // namespace bantam
