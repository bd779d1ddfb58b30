#include "train/prepare.h"

#include <algorithm>

#include "base/error.h"
#include "formats/gguf.h"
#include "model/model.h"
#include "model/save.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

void require_file(const char* flag, const fs::path& path) {
  if (!fs::is_regular_file(path)) throw IoError("{} {}: is not a file", flag, path.string());
}

std::vector<fs::path> paths_of(const std::vector<DataSpec>& specs) {
  std::vector<fs::path> paths;
  for (const DataSpec& spec : specs) paths.push_back(spec.path);
  return paths;
}

Tokenizer vocabulary_for(const Recipe& recipe, const Model* initial, const std::vector<DataSpec>& specs,
                         const fs::path& run_folder, const TokeniseProgress& progress) {
  if (initial) return Tokenizer::from_metadata(initial->metadata());
  if (!recipe.tokenizer.empty()) return load_vocabulary(recipe.tokenizer);
  const fs::path kept = run_folder / "tokenizer.gguf";
  if (fs::exists(kept)) return load_vocabulary(kept);
  Tokenizer trained = train_vocabulary(paths_of(specs), static_cast<int>(recipe.vocab_size), progress);
  fs::create_directories(run_folder);
  save_vocabulary(kept, trained);
  return trained;
}

void note_sources(const std::vector<DataSpec>& specs, const std::vector<TokenFile>& files,
                  const std::vector<double>& shares, std::vector<std::string>& notes) {
  for (size_t s = 0; s < specs.size(); ++s) {
    notes.push_back(fmt::format(
        "{}: {} documents, {:.2f}M tokens, {:.2f} bytes/token, {:.1f}% of the rows", specs[s].path.filename().string(),
        files[s].documents(), static_cast<double>(files[s].tokens()) * 1e-6,
        static_cast<double>(files[s].text_bytes()) / static_cast<double>(files[s].tokens()), 100 * shares[s]));
  }
}

// Names what a checkpoint's data positions count in.
std::string identity_of(const Tokenizer& tokenizer, const std::vector<DataSpec>& specs,
                        const std::vector<TokenFile>& files) {
  std::string identity = "vocabulary " + vocabulary_fingerprint(tokenizer);
  for (size_t s = 0; s < specs.size(); ++s) {
    identity += fmt::format(", {} {}", specs[s].path.filename().string(), files[s].tokens());
  }
  return identity;
}

}  // namespace

PreparedRun prepare_run(const Recipe& recipe, const fs::path& run_folder, const fs::path& token_folder,
                        ThreadPool& pool, const TokeniseProgress& progress) {
  validate(recipe);
  std::vector<DataSpec> specs;
  for (const std::string& entry : recipe.data) specs.push_back(parse_data_spec(entry));
  for (const DataSpec& spec : specs) require_file("--data", spec.path);
  for (const std::string& path : recipe.eval) require_file("--eval", path);
  const std::shared_ptr<const Model> initial =
      recipe.init_from.empty() ? nullptr : Model::load(recipe.init_from, LoadFor::looking);
  PreparedRun run{vocabulary_for(recipe, initial.get(), specs, run_folder, progress), nullptr, {}};

  std::vector<HeldOut> held_out;
  for (const std::string& path : recipe.eval) {
    held_out.push_back({fs::path(path).filename().string(),
                        evaluation_documents(path, run.tokenizer, static_cast<uint64_t>(recipe.eval_tokens))});
  }

  std::vector<TokenFile> files;
  std::vector<double> wanted;
  std::vector<uint64_t> tokens;
  for (const DataSpec& spec : specs) {
    files.push_back(tokenise(spec.path, run.tokenizer, token_folder, pool, progress));
    if (files.back().documents() == 0) throw UsageError("--data {}: has no documents", spec.path.string());
    if (files.back().has_tags() != (recipe.task == "reading")) {
      throw UsageError("--data {}: {} examples of reading, but --task is {}", spec.path.string(),
                       files.back().has_tags() ? "holds" : "holds no", recipe.task);
    }
    wanted.push_back(spec.share);
    tokens.push_back(files.back().tokens());
  }
  const std::vector<double> shares = resolve_shares(wanted, tokens);
  note_sources(specs, files, shares, run.notes);
  std::string identity = identity_of(run.tokenizer, specs, files);
  std::vector<DataSource> sources;
  for (size_t s = 0; s < specs.size(); ++s) sources.push_back({std::move(files[s]), shares[s]});
  DataStream stream(std::move(sources), static_cast<int>(recipe.context), static_cast<uint64_t>(recipe.seed));
  for (size_t s = 0; s < specs.size(); ++s) {
    if (stream.left_out(s) == 0) continue;
    run.notes.push_back(fmt::format("{}: {} documents are longer than {} tokens and are left out",
                                    specs[s].path.filename().string(), stream.left_out(s), recipe.context));
  }

  ModelConfig config = initial ? initial->config() : model_config(recipe, run.tokenizer.vocab_size());
  config.context = std::max(config.context, static_cast<int>(recipe.context));
  if (recipe.task == "reading") make_reader(config);
  run.trainer =
      std::make_unique<Trainer>(recipe, config, std::move(stream), std::move(held_out), std::move(identity), pool);
  if (initial) run.trainer->parameters().copy_from(initial->config(), initial->weights(), recipe.init_from);
  return run;
}

void write_model(const fs::path& path, Trainer& trainer, const Tokenizer& tokenizer, const std::string& name) {
  Metadata metadata = gguf_metadata(trainer.config());
  metadata.set("general.name", name);
  tokenizer.to_metadata(metadata);
  const bool bf16 = trainer.parameters().weights().embed.dtype == DType::bf16;
  metadata.set("general.file_type", int64_t{bf16 ? 32 : 0});
  write_gguf(path, metadata, gguf_tensors(trainer.config(), trainer.parameters().weights()));
}

}  // namespace bantam
