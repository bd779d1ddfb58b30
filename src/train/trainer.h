// Trains a model: batches, steps, held-out measurements and checkpoints. It prints nothing; whoever runs it listens.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/metadata.h"
#include "model/kv_cache.h"
#include "model/run.h"
#include "train/checkpoint.h"
#include "train/data_stream.h"
#include "train/evaluate.h"
#include "train/optimizer.h"
#include "train/parameters.h"
#include "train/recipe.h"

namespace bantam {

// After each step.
struct StepReport {
  int64_t step = 0;  // steps done
  SchedulePlan plan;
  double loss = 0;           // nats per predicted token of this step, before its update
  double gradient_norm = 0;  // before clipping
  double lr_factor = 0;
  uint64_t tokens = 0;                    // inputs so far
  double tokens_per_s = 0, gflops = 0;    // of this step, see training_flops()
  double elapsed_s = 0, remaining_s = 0;  // over all resumes; remaining is an estimate
};

struct HeldOut {
  std::string name;
  std::vector<EvaluationDocument> documents;
};

struct TrainListener {
  std::function<void(const StepReport&)> on_step;
  std::function<void(int64_t step, const std::string& name, const Evaluation&)> on_evaluation;
  std::function<void(int64_t step, const std::string& name, const ReadingEvaluation&)> on_reading_evaluation;
  std::function<void(const std::string& note)> on_note;  // a checkpoint could not be written, ...
  std::function<bool()> should_stop;                     // asked between steps
};

struct TrainFiles {
  std::filesystem::path checkpoint;  // empty: none
  double checkpoint_minutes = 10;
  int64_t eval_steps = 250;  // measure every so many steps and at the end; 0: only at the end
};

// Floating-point operations of one forward and backward pass: 6 per weight of every matrix that multiplies (the output
// head included, the embedding look-up not) and token, plus causal attention, where a row that sees n rows costs
// 4 * n * q_dim forward (q.k and p.v) and twice that backward. Recomputation, norms and the optimiser are not counted.
double training_flops(const ModelConfig& config, const TrainingRows& rows);

class Trainer {
 public:
  // `data_identity` names vocabulary and token files: it must be the same when resuming. Throws UsageError or
  // FormatError for a config that cannot be.
  Trainer(const Recipe& recipe, const ModelConfig& config, DataStream data, std::vector<HeldOut> held_out,
          std::string data_identity, ThreadPool& pool);

  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }
  const ModelConfig& config() const { return parameters_.config(); }
  const TrainState& state() const { return state_; }

  // Continues from the newest whole checkpoint; false when there is none. `note` is told when that is the previous one.
  // Throws UsageError naming the first difference when it is of another recipe or other data, FormatError when damaged.
  bool resume(const std::filesystem::path& checkpoint, const std::function<void(const std::string&)>& note = {});

  // Trains to the plan's end, or until should_stop(); true when it got to the end. Writes a checkpoint now and then and
  // on stopping. One that fails to be written while training goes on is a note; the last one throws IoError.
  bool train(const TrainListener& listener, const TrainFiles& files);

  // One optimiser step; what train() repeats.
  StepReport step();

  Evaluation evaluate_on(const HeldOut& held_out);
  void save(const std::filesystem::path& checkpoint);

 private:
  bool done() const { return state_.step >= state_.plan.total; }
  void evaluate_all(const TrainListener& listener);
  double forward_backward(const TrainingRows& rows, real grad_scale);
  std::vector<Section> sections();

  Recipe recipe_;
  Parameters parameters_;
  Optimizer optimizer_;
  DataStream data_;
  std::vector<HeldOut> held_out_;
  Compute compute_, optimizer_compute_;
  Arena arena_;
  Tape tape_;
  KvCache no_cache_;
  TrainState state_;
};

}  // namespace bantam
