#include "train/trainer.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/forward.h"

namespace bantam {
namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

SchedulePlan plan_of(const Recipe& recipe) {
  return recipe.steps > 0 ? plan_by_steps(recipe.steps, recipe.warmup, recipe.decay_share)
                          : plan_open_ended(recipe.warmup);
}

// The step time moves slowly, so that one slow step does not move the end of the run.
double smoothed(double old_s, double new_s) { return old_s == 0 ? new_s : 0.9 * old_s + 0.1 * new_s; }

}  // namespace

double training_flops(const ModelConfig& config, const TrainingRows& rows) {
  double weights = static_cast<double>(config.outputs()) * config.dim;
  double q_dims = 0;
  for (int l = 0; l < config.layers(); ++l) {
    weights +=
        static_cast<double>(config.dim) * (2.0 * config.q_dim(l) + 2.0 * config.kv_dim(l) + 3.0 * config.ffn_dim(l));
    q_dims += config.q_dim(l);
  }
  double seen = 0;
  for (const TrainingRows::Piece& p : rows.pieces) {
    seen += config.causal ? 0.5 * p.count * (p.count + 1.0) : static_cast<double>(p.count) * p.count;
  }
  return 6 * weights * static_cast<double>(rows.inputs.size()) + 12 * q_dims * seen;
}

Trainer::Trainer(const Recipe& recipe, const ModelConfig& config, DataStream data, std::vector<HeldOut> held_out,
                 std::string data_identity, ThreadPool& pool)
    : recipe_(recipe),
      parameters_(config, *dtype_from_name(recipe.weights)),
      optimizer_(parameters_, optimizer_settings(recipe), static_cast<uint64_t>(recipe.seed)),
      data_(std::move(data)),
      held_out_(std::move(held_out)),
      compute_{pool, active_kernels(), recipe.matmul == "bf16" ? GemmPrecision::bf16 : GemmPrecision::f32},
      optimizer_compute_{pool, active_kernels(), has_bf16_gemm() ? GemmPrecision::bf16 : GemmPrecision::f32},
      no_cache_(config, 0) {
  validate(config, "recipe");
  parameters_.initialise(static_cast<uint64_t>(recipe.seed));
  state_.recipe = to_json_text(recipe);
  state_.data = std::move(data_identity);
  state_.plan = plan_of(recipe);
}

bool Trainer::resume(const std::filesystem::path& checkpoint, const std::function<void(const std::string&)>& note) {
  std::string why;
  const auto file = open_newest_checkpoint(checkpoint, why);
  if (!file) return false;
  const TrainState& saved = file->state();
  const std::string difference = first_difference(saved.recipe, state_.recipe);
  if (!difference.empty()) {
    throw UsageError(
        "{}: is of a run with another recipe ({}); use the same recipe, another --run folder, or delete "
        "this one",
        checkpoint.string(), difference);
  }
  if (saved.data != state_.data) {
    throw UsageError(
        "{}: was trained on other data or another vocabulary ({} there, {} here); use another --run folder",
        checkpoint.string(), saved.data, state_.data);
  }
  file->read(sections());
  data_.set_positions(saved.positions);
  state_ = saved;
  if (!why.empty() && note) note(why + "; continuing from the previous checkpoint");
  return true;
}

std::vector<Section> Trainer::sections() {
  std::vector<Section> all;
  const auto list = parameters_.list();
  for (size_t i = 0; i < list.size(); ++i) {
    all.push_back({list[i].name, {list[i].data, list[i].bytes()}});
    all.push_back({list[i].name + ":optimizer", std::as_writable_bytes(optimizer_.state(i))});
  }
  return all;
}

void Trainer::save(const std::filesystem::path& checkpoint) {
  state_.positions = data_.positions();
  save_checkpoint(checkpoint, state_, sections());
}

// Returns the sum over targets (tokens, or examples of reading) of -ln p; gradients are added to, times grad_scale.
double Trainer::forward_backward(const TrainingRows& rows, real grad_scale) {
  const Arena::Mark mark = arena_.mark();
  Batch batch;
  std::vector<uint8_t> labels;
  for (const TrainingRows::Piece& p : rows.pieces) {
    const auto begin = static_cast<size_t>(p.begin), count = static_cast<size_t>(p.count);
    const auto tokens = std::span(rows.inputs).subspan(begin, count);
    if (rows.tags.empty()) {
      batch.append(no_cache_, tokens, Logits::all_rows);
    } else {
      append_reading(batch, no_cache_, tokens, std::span(rows.tags).subspan(begin, count), labels);
    }
  }
  Run run(arena_, compute_, &tape_);
  const Tensor logits = forward(run, config(), parameters_.weights(), batch);
  const double mean = rows.tags.empty() ? cross_entropy(run, logits, rows.targets, grad_scale)
                                        : span_cross_entropy(logits, batch.slices, labels, grad_scale);
  tape_.backward();
  arena_.release(mark);
  return mean * static_cast<double>(rows.counted_targets());
}

StepReport Trainer::step() {
  const auto start = SteadyClock::now();
  std::vector<TrainingRows> micro(static_cast<size_t>(recipe_.batch_tokens / recipe_.micro_tokens));
  int64_t predicted = 0;
  double flops = 0;
  size_t inputs = 0;
  for (TrainingRows& rows : micro) {
    while (rows.rows < recipe_.micro_tokens / recipe_.context) data_.next_row(rows);
    predicted += rows.counted_targets();
    flops += training_flops(config(), rows);
    inputs += rows.inputs.size();
  }

  parameters_.clear_gradients();
  const auto per_token = static_cast<real>(1.0 / static_cast<double>(std::max<int64_t>(predicted, 1)));
  double nats = 0;
  for (const TrainingRows& rows : micro) nats += forward_backward(rows, per_token);

  StepReport report;
  report.loss = nats / static_cast<double>(std::max<int64_t>(predicted, 1));
  report.gradient_norm = gradient_norm(parameters_.gradients(), compute_.pool);
  if (!std::isfinite(report.loss) || !std::isfinite(report.gradient_norm)) {
    throw Error("step {}: the loss is {} and the gradient's norm {}; use a smaller --lr and --embed-lr", state_.step,
                report.loss, report.gradient_norm);
  }
  StepRates rates;
  rates.step = state_.step;
  rates.lr_factor = report.lr_factor = learning_rate_factor(state_.plan, state_.step);
  rates.decay_factor = weight_decay_factor(state_.plan, state_.step);
  if (recipe_.clip > 0 && report.gradient_norm > recipe_.clip) {
    rates.grad_scale = static_cast<float>(recipe_.clip / report.gradient_norm);
  }
  optimizer_.step(parameters_, optimizer_compute_, rates);

  const double spent_s = seconds_since(start);
  ++state_.step;
  state_.tokens += inputs;
  state_.step_s = smoothed(state_.step_s, spent_s);
  report.step = state_.step;
  report.plan = state_.plan;
  report.tokens = state_.tokens;
  report.tokens_per_s = static_cast<double>(inputs) / spent_s;
  report.gflops = flops / spent_s * 1e-9;
  return report;
}

Evaluation Trainer::evaluate_on(const HeldOut& held_out) {
  EvaluationOptions options;
  options.context = options.stride = static_cast<int>(recipe_.context);
  options.dense = true;
  return evaluate(config(), parameters_.weights(), compute_, held_out.documents, options);
}

void Trainer::evaluate_all(const TrainListener& listener) {
  for (const HeldOut& h : held_out_) {
    if (recipe_.task == "reading") {
      const ReadingEvaluation result =
          evaluate_reading(config(), parameters_.weights(), compute_, h.documents, static_cast<int>(recipe_.context));
      if (listener.on_reading_evaluation) listener.on_reading_evaluation(state_.step, h.name, result);
      continue;
    }
    const Evaluation result = evaluate_on(h);
    if (listener.on_evaluation) listener.on_evaluation(state_.step, h.name, result);
  }
}

bool Trainer::train(const TrainListener& listener, const TrainFiles& files) {
  const double budget_s = recipe_.hours * 3600, before_s = state_.elapsed_s;
  const auto start = SteadyClock::now();
  auto saved = start;
  const auto stop = [&] { return listener.should_stop && listener.should_stop(); };
  while (!done() && !stop()) {
    settle_by_clock(state_.plan, state_.step, {state_.elapsed_s, state_.step_s, budget_s, recipe_.decay_share});
    StepReport report = step();
    state_.elapsed_s = before_s + seconds_since(start);
    report.elapsed_s = state_.elapsed_s;
    report.remaining_s = state_.plan.estimated ? budget_s - state_.elapsed_s
                                               : static_cast<double>(state_.plan.total - state_.step) * state_.step_s;
    if (listener.on_step) listener.on_step(report);
    if (files.eval_steps > 0 && state_.step % files.eval_steps == 0 && !done()) evaluate_all(listener);
    if (!files.checkpoint.empty() && seconds_since(saved) >= files.checkpoint_minutes * 60) {
      try {
        save(files.checkpoint);
      } catch (const IoError& error) {
        if (listener.on_note) listener.on_note(std::string(error.what()) + "; training goes on");
      }
      saved = SteadyClock::now();
    }
  }
  state_.elapsed_s = before_s + seconds_since(start);
  if (!files.checkpoint.empty()) save(files.checkpoint);
  if (done()) evaluate_all(listener);
  return done();
}

}  // namespace bantam
