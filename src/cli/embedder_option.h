// --embedder: which model turns passages and questions into vectors.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "retrieval/index.h"

namespace bantam {

void add_embedder_option(CLI::App& command, std::string& model);

// Makes `index` use that model; without one, it goes by words alone. Throws as open_model() and Engine do.
void use_embedder(Index& index, const std::string& model, int threads);

// Index::embed() with a progress bar, until Ctrl-C.
void embed_with_progress(Index& index);

}  // namespace bantam
