// From a recipe to a trainer ready to go, and from a trained model to a file.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "text/tokenizer.h"
#include "train/tokenise.h"
#include "train/trainer.h"

namespace bantam {

struct PreparedRun {
  Tokenizer tokenizer;
  std::unique_ptr<Trainer> trainer;
  std::vector<std::string> notes;  // one line per source: documents, tokens, share
};

// Finds or trains the vocabulary (a trained one is kept as run_folder/tokenizer.gguf), tokenises the sources into
// token_folder, loads what to measure on and builds the trainer, from init_from's weights where the recipe names one.
// Throws UsageError, FormatError or IoError for anything that cannot be; the recipe is validated first.
PreparedRun prepare_run(const Recipe& recipe, const std::filesystem::path& run_folder,
                        const std::filesystem::path& token_folder, ThreadPool& pool,
                        const TokeniseProgress& progress = {});

// Writes the model with its vocabulary as GGUF, all or nothing, in the format the weights were trained in.
void write_model(const std::filesystem::path& path, Trainer& trainer, const Tokenizer& tokenizer,
                 const std::string& name);

}  // namespace bantam
