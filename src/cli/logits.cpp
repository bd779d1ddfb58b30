// bantam logits: what the model says after each token, for comparing with other programs.
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

namespace bantam {
namespace {

struct Options {
  std::string model, tokens, output;
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
  command.add_option("-o,--output", options.output, "file for the logits: float32, little-endian, [tokens, vocab]")
      ->required();
}

std::vector<int32_t> parse_tokens(std::string_view text) {
  std::vector<int32_t> tokens;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    const int64_t token = parse_integer("an entry of --tokens", text.substr(begin, comma - begin));
    if (token < 0 || token > INT32_MAX) throw UsageError("--tokens holds {}, expected token ids", token);
    tokens.push_back(static_cast<int32_t>(token));
    begin = comma + 1;
  }
  return tokens;
}

void run(const Options& options) {
  const std::vector<int32_t> tokens = parse_tokens(options.tokens);
  const auto model = open_model(options.model);
  if (tokens.size() > static_cast<size_t>(model->config().context)) {
    throw UsageError("--tokens holds {} ids, but the model's context is {}", tokens.size(), model->config().context);
  }
  Session session(model, options.threads, options.context > 0 ? options.context : static_cast<int>(tokens.size()));
  if (tokens.size() > static_cast<size_t>(session.context())) {
    throw UsageError("--tokens holds {} ids, but --context is {}", tokens.size(), session.context());
  }
  const InterruptGuard guard;
  AtomicFile file(options.output);
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
                       "  bantam logits -m model.gguf --tokens 1,2,3 -o out.f32\n", declare, run);
}

}  // namespace bantam
