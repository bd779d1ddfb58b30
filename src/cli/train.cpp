// bantam train: makes a model from documents.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/thread_pool.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "train/prepare.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

// What does not change the result, beside the recipe's fields.
struct TrainFlags {
  Recipe recipe;  // as far as flags were given
  std::vector<std::pair<std::string, CLI::Option*>> recipe_flags;
  std::string recipe_file, out = "model.gguf", run = "run", cache;
  int threads = 0;
  double checkpoint_minutes = 10;
  int64_t eval_steps = 250;
  bool resume = false;
};

void declare(CLI::App& command, TrainFlags& flags) {
  const auto add_field = [&](const std::string& field, const std::string& help, FieldRange, auto& value) {
    std::string flag = "--" + field;
    std::replace(flag.begin(), flag.end(), '_', '-');
    CLI::Option* option = command.add_option(flag, value, help)->group("Recipe");
    option->capture_default_str();
    flags.recipe_flags.emplace_back(field, option);
  };
  for_each_field(flags.recipe, add_field);
  command.add_option("--recipe", flags.recipe_file, "JSON file with the same keys (dim, layers, ...); flags win");
  command.add_option("-o,--out", flags.out, "model file to write at the end")->capture_default_str();
  command.add_option("--run", flags.run, "folder of checkpoints and vocabulary")->capture_default_str();
  command.add_option("--cache", flags.cache, "folder of tokenised sources; default: tokens/ in the run folder");
  command.add_option("-t,--threads", flags.threads, "default: all CPUs")->check(CLI::Range(1, 1024));
  command.add_option("--checkpoint-minutes", flags.checkpoint_minutes, "time between checkpoints")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command.add_option("--eval-steps", flags.eval_steps, "steps between measurements; 0: only at the end")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40))
      ->capture_default_str();
  command.add_flag("--resume", flags.resume, "insist on a checkpoint in the run folder (one there is used anyway)");
}

// The recipe file's values, then those of the flags that were given.
Recipe recipe_of(const TrainFlags& flags) {
  Recipe recipe;
  if (!flags.recipe_file.empty()) merge_json(recipe, read_file(flags.recipe_file), flags.recipe_file);
  std::vector<std::string> given;
  for (const auto& [field, option] : flags.recipe_flags) {
    if (option->count() > 0) given.push_back(field);
  }
  take_fields(recipe, flags.recipe, given);
  return recipe;
}

std::string describe(const Trainer& trainer, const Recipe& recipe, int threads) {
  const ModelConfig& c = trainer.config();
  return fmt::format("{} parameters ({} layers of width {}, vocabulary {}), {} tokens a step, {} threads",
                     short_count(static_cast<double>(trainer.parameters().count())), c.layers(), c.dim, c.vocab,
                     short_count(static_cast<double>(recipe.batch_tokens)), threads);
}

std::string note_of(const StepReport& r) {
  return fmt::format("step {}: loss {:.4f}, lr x{:.2f}, {} tokens/s, {:.1f} GFLOP/s, {} left", r.step, r.loss,
                     r.lr_factor, short_count(r.tokens_per_s), r.gflops, clock_time(r.remaining_s));
}

// Trains to the end or to Ctrl-C; true at the end.
bool train_with_progress(Trainer& trainer, const Recipe& recipe, const TrainFiles& files) {
  const bool by_clock = recipe.hours > 0;
  const double total = by_clock ? recipe.hours * 3600 : static_cast<double>(recipe.steps);
  const double start = by_clock ? trainer.state().elapsed_s : static_cast<double>(trainer.state().step);
  Progress bar("training", total, by_clock ? "" : "steps", start);
  TrainListener listener;
  listener.should_stop = interrupted;
  listener.on_step = [&](const StepReport& r) {
    bar.update(by_clock ? r.elapsed_s : static_cast<double>(r.step), note_of(r));
  };
  listener.on_evaluation = [&](int64_t step, const std::string& name, const Evaluation& e) {
    bar.say(fmt::format("step {}: {}: {:.4f} bits/byte, perplexity {:.2f} ({} tokens)", step, name, e.bits_per_byte(),
                        e.perplexity(), e.tokens));
  };
  listener.on_reading_evaluation = [&](int64_t step, const std::string& name, const ReadingEvaluation& e) {
    bar.say(fmt::format("step {}: {}: loss {:.4f}, exact spans {:.1f}% ({} examples)", step, name, e.loss(),
                        100 * e.accuracy(), e.examples));
  };
  listener.on_note = [&](const std::string& note) { bar.say(note); };
  return trainer.train(listener, files);
}

void run(const TrainFlags& flags) {
  const Recipe recipe = recipe_of(flags);
  const fs::path folder = flags.run;
  const FolderLock only_run(folder);
  const InterruptGuard guard;
  ThreadPool pool(flags.threads > 0 ? flags.threads : available_cpus());
  const auto say = [](const std::string& line) { fmt::print(stderr, "{}\n", line); };

  PreparedRun prepared = [&] {
    Progress bar("preparing", 0, "");
    return prepare_run(recipe, folder, flags.cache.empty() ? folder / "tokens" : fs::path(flags.cache), pool,
                       [&](const std::string& what, uint64_t documents, uint64_t bytes) {
                         throw_if_interrupted();
                         bar.update(static_cast<double>(documents),
                                    fmt::format("{}: {} documents, {} MB", what, documents, bytes / 1000000));
                       });
  }();
  for (const std::string& note : prepared.notes) say(note);
  Trainer& trainer = *prepared.trainer;
  say(describe(trainer, recipe, pool.threads()));

  TrainFiles files;
  files.checkpoint = folder / "checkpoint.bin";
  files.checkpoint_minutes = flags.checkpoint_minutes;
  files.eval_steps = flags.eval_steps;
  if (trainer.resume(files.checkpoint, say)) {
    say(fmt::format("continuing at step {}, after {}", trainer.state().step, clock_time(trainer.state().elapsed_s)));
  } else if (flags.resume) {
    throw UsageError("--resume: there is no checkpoint in {}; leave --resume out to begin", folder.string());
  }
  if (!train_with_progress(trainer, recipe, files)) {
    const fs::path so_far = folder / "so-far.gguf";
    write_model(so_far, trainer, prepared.tokenizer, "so-far");
    say(fmt::format("stopped at step {}; the same command continues from there; the model so far is {}",
                    trainer.state().step, so_far.string()));
    throw Interrupted{};
  }
  write_model(flags.out, trainer, prepared.tokenizer, fs::path(flags.out).stem().string());
  say(fmt::format("wrote {} ({} bytes)", flags.out, fs::file_size(flags.out)));
}

}  // namespace

void add_train(CLI::App& app) {
  add_command<TrainFlags>(
      app, "train", "Train a model on documents, or continue a run or another model",
      "  bantam train --data books.jsonl.zst --eval dev.jsonl.zst --hours 1.5 --out model.gguf\n"
      "  bantam train --recipe models/recipe.json --run runs/first\n"
      "  bantam train --data chats.jsonl --init-from model.gguf --steps 500 --lr 0.001 --out tuned.gguf\n",
      declare, run);
}

}  // namespace bantam
