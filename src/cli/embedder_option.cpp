#include "cli/embedder_option.h"

#include "base/error.h"
#include "cli/interrupt.h"
#include "cli/model_option.h"
#include "cli/progress.h"
#include "engine/engine.h"

namespace bantam {
namespace {

// As GGUF files of embedding models state it: 3 is the state of the last token.
Pooling pooling_of(const Metadata& metadata) {
  const std::string family = metadata.string_or("general.architecture", "");
  return metadata.integer_or(family + ".pooling_type", 1, 0, 4) == 3 ? Pooling::last_token : Pooling::mean;
}

std::vector<float> embed_text(Engine& engine, std::string_view text, Pooling pooling) {
  EmbedRequest request;
  request.tokens = engine.tokenizer().encode(text);
  request.pooling = pooling;
  Stream stream = engine.embed(std::move(request));
  while (std::optional<Event> event = stream.next()) {
    if (auto* finish = std::get_if<FinishEvent>(&*event)) return std::move(finish->embedding);
    if (auto* failed = std::get_if<ErrorEvent>(&*event)) throw UsageError("{}", failed->message);
  }
  throw UsageError("the embedder ended without a vector");
}

}  // namespace

void add_embedder_option(CLI::App& command, std::string& model) {
  command.add_option("--embedder", model, "model whose vectors find passages by meaning too (default: by words alone)");
}

void use_embedder(Index& index, const std::string& model, int threads) {
  if (model.empty()) return;
  EngineOptions options;
  options.threads = threads;
  options.most_running = 1;
  options.prefix_cache = false;
  const auto engine = std::make_shared<Engine>(open_model(model), options);
  const Pooling pooling = pooling_of(engine->model().metadata());
  index.set_embedder({model, [engine, pooling](std::string_view text) { return embed_text(*engine, text, pooling); }});
}

void embed_with_progress(Index& index) {
  Progress bar("embedding", 0, "passages");
  index.embed([&](size_t done, size_t total) {
    bar.set_total(static_cast<double>(total));
    bar.update(static_cast<double>(done));
    return !interrupted();
  });
}

}  // namespace bantam
