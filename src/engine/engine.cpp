#include "engine/engine.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "engine/draft_model.h"
#include "engine/scheduler.h"
#include "engine/session.h"
#include "model/forward.h"

namespace bantam {
namespace {

constexpr int kSpeculateBeside = 4;  // with more sequences in a step a drafted row costs as much as any other

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

EngineOptions checked(EngineOptions options, const ModelConfig& config) {
  options.context = checked_context(config, options.context);
  if (options.cache_tokens == 0) options.cache_tokens = options.context;
  const auto in_range = [](const char* name, int value, int least, int most) {
    if (value < least || value > most) throw UsageError("{} is {}, expected {} to {}", name, value, least, most);
  };
  in_range("cache_tokens", options.cache_tokens, options.context, 1 << 30);
  in_range("most_running", options.most_running, 1, 4096);
  in_range("most_waiting", options.most_waiting, 1, 1 << 20);
  in_range("most_events", options.most_events, 1, 1 << 20);
  return options;
}

}  // namespace

class Engine::Core {
 public:
  Core(std::shared_ptr<const Model> model, const EngineOptions& options);
  ~Core();

  Stream submit(Request request);
  Stream embed(EmbedRequest request);
  FormCache& forms() { return forms_; }
  void cancel(uint64_t id);
  EngineStats stats() const;
  bool full() const { return stats().waiting >= options_.most_waiting; }
  void drain(std::optional<Clock::time_point> until);

  const Model& model() const { return *model_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  int context() const { return options_.context; }

 private:
  // A sequence of which this step makes something.
  struct Ready {
    Sequence* sequence;
    int first, count;  // its rows of logits or, for an embedding, of states
    int batch_row;     // of the row that `first` belongs to
    int accepted = 0;  // drafted tokens that were right
    std::optional<FinishReason> finish = {};
    std::string error = {};
  };

  std::unique_ptr<Sequence> make_sequence(std::vector<int32_t> tokens, std::string tenant, int priority,
                                          std::optional<Clock::time_point> deadline);
  Stream enqueue(std::unique_ptr<Sequence> sequence, std::function<void()> on_event);
  void wake();

  // Of the engine's thread.
  void loop();
  bool take_inbox();
  void end_sequences();
  bool step();
  void append(const Work& work, bool draft);
  std::span<const int32_t> guess(Sequence& sequence, int most);
  void run_batch();
  void sample(Ready& ready, const Tensor& logits);
  void pool_states(const Ready& ready, const Tensor& states) const;
  static void forget_wrong_guesses(const Ready& ready);
  void deliver(Ready& ready);
  void push(const Sequence& sequence, Event event);
  void end(Sequence& sequence, Event event);
  void fail_step(const std::string& message);
  void publish();
  void announce();

  const std::shared_ptr<const Model> model_;
  const std::shared_ptr<const Tokenizer> tokenizer_;
  FormCache forms_{*tokenizer_};
  const EngineOptions options_;
  ThreadPool pool_;
  const Compute compute_;
  KvPool kv_pool_;
  Scheduler scheduler_;
  std::optional<DraftModel> draft_model_;
  bool asked_draft_model_ = false;  // in this step
  Arena arena_;
  Batch batch_;
  std::vector<int32_t> rows_;
  std::vector<Ready> ready_;
  std::vector<uint64_t> ended_;  // in this step
  int ended_count_ = 0;          // since publish()
  std::vector<std::shared_ptr<EventQueue>> unannounced_;
  EngineStats counted_;
  bool idle_ = false;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_, drained_;
  bool awake_ = false, closed_ = false, stop_ = false;
  std::vector<std::unique_ptr<Sequence>> inbox_;
  std::vector<uint64_t> cancelled_;
  bool cancel_all_ = false;
  uint64_t next_id_ = 1;
  int in_flight_ = 0;
  EngineStats stats_;

  std::thread thread_;
};

std::shared_ptr<const Tokenizer> load_tokenizer(const Metadata& metadata) {
  return std::make_shared<const Tokenizer>(Tokenizer::from_metadata(metadata));
}

Engine::Core::Core(std::shared_ptr<const Model> model, const EngineOptions& options)
    : model_(std::move(model)),
      tokenizer_(options.tokenizer ? options.tokenizer : load_tokenizer(model_->metadata())),
      options_(checked(options, model_->config())),
      pool_(options_.threads),
      compute_{pool_, active_kernels()},
      kv_pool_(model_->config(), KvPool::pages_for(options_.cache_tokens), options_.cache_format),
      scheduler_(kv_pool_, {.most_running = options_.most_running, .prefix_cache = options_.prefix_cache}) {
  if (const int rows = model_->config().vocab; tokenizer_->vocab_size() > rows) {
    throw UsageError("the tokenizer has {} tokens but the model only {}: they do not belong together",
                     tokenizer_->vocab_size(), rows);
  }
  if (options_.draft) draft_model_.emplace(options_.draft, *model_, options_.threads, options_.context);
  stats_.pages_total = counted_.pages_total = kv_pool_.pages();
  thread_ = std::thread([this] { loop(); });
}

Engine::Core::~Core() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = stop_ = cancel_all_ = true;
  }
  wake();
  thread_.join();
}

std::unique_ptr<Sequence> Engine::Core::make_sequence(std::vector<int32_t> tokens, std::string tenant, int priority,
                                                      std::optional<Clock::time_point> deadline) {
  if (tokens.empty()) throw UsageError("there is no token to start from, expected a prompt of at least one");
  const int vocab = model_->config().vocab;
  for (const int32_t token : tokens) {
    if (token < 0 || token >= vocab)
      throw UsageError("token {} is not of this model, expected 0 to {}", token, vocab - 1);
  }
  if (tokens.size() > static_cast<size_t>(options_.context)) throw PromptTooLongError(tokens.size(), options_.context);
  auto sequence = std::make_unique<Sequence>(
      Sequence{0, std::move(tenant), priority, deadline, std::move(tokens), KvCache(kv_pool_, options_.context)});
  sequence->usage.prompt_tokens = static_cast<int>(sequence->tokens.size());
  return sequence;
}

Stream Engine::Core::submit(Request request) {
  auto sequence = make_sequence(request.prompt, std::move(request.tenant), request.priority, request.deadline);
  std::function<void()> on_event = std::move(request.on_event);
  sequence->continuation = std::make_unique<Continuation>(request, *tokenizer_, options_.context);
  return enqueue(std::move(sequence), std::move(on_event));
}

Stream Engine::Core::embed(EmbedRequest request) {
  auto sequence =
      make_sequence(std::move(request.tokens), std::move(request.tenant), request.priority, request.deadline);
  sequence->pooling = request.pooling;
  sequence->pooled.resize(static_cast<size_t>(model_->config().dim));
  sequence->share_prefix = false;  // a mean wants every row's state, and nothing is written after it
  return enqueue(std::move(sequence), std::move(request.on_event));
}

Stream Engine::Core::enqueue(std::unique_ptr<Sequence> sequence, std::function<void()> on_event) {
  auto events =
      std::make_shared<EventQueue>(static_cast<size_t>(options_.most_events), std::move(on_event), [this] { wake(); });
  sequence->events = events;
  uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) throw ClosedError("the engine takes no more requests: it is shutting down");
    const int waiting = stats_.waiting + static_cast<int>(inbox_.size());
    if (waiting >= options_.most_waiting) throw QueueFullError(waiting, options_.most_waiting);
    id = sequence->id = next_id_++;
    inbox_.push_back(std::move(sequence));
    ++in_flight_;
  }
  wake();
  return Stream(id, std::move(events), [this](uint64_t ended) { cancel(ended); });
}

void Engine::Core::cancel(uint64_t id) {
  {
    const std::lock_guard lock(mutex_);
    cancelled_.push_back(id);
  }
  wake();
}

void Engine::Core::wake() {
  {
    const std::lock_guard lock(mutex_);
    awake_ = true;
  }
  wake_.notify_one();
}

EngineStats Engine::Core::stats() const {
  const std::lock_guard lock(mutex_);
  EngineStats stats = stats_;
  stats.waiting += static_cast<int>(inbox_.size());
  return stats;
}

void Engine::Core::drain(std::optional<Clock::time_point> until) {
  std::unique_lock lock(mutex_);
  closed_ = true;
  const auto done = [this] { return in_flight_ == 0; };
  if (until && !drained_.wait_until(lock, *until, done)) {
    cancel_all_ = true;
    lock.unlock();
    wake();
    lock.lock();
  }
  drained_.wait(lock, done);
}

void Engine::Core::loop() {
  while (take_inbox()) {
    try {
      end_sequences();
      idle_ = !step();
    } catch (const std::exception& error) {
      fail_step(error.what());
    }
    publish();
    announce();
  }
}

// Waits while there is nothing to do. False when the engine is to stop and nothing is left.
bool Engine::Core::take_inbox() {
  std::unique_lock lock(mutex_);
  if (idle_) {
    const auto woken = [this] { return awake_ || stop_; };
    if (const auto deadline = scheduler_.next_deadline()) {
      wake_.wait_until(lock, *deadline, woken);
    } else {
      wake_.wait(lock, woken);
    }
  }
  awake_ = false;
  for (std::unique_ptr<Sequence>& sequence : inbox_) {
    ++counted_.requests;
    counted_.prompt_tokens += sequence->tokens.size();
    scheduler_.add(std::move(sequence));
  }
  inbox_.clear();
  stats_.waiting = scheduler_.waiting();
  return !stop_ || !scheduler_.empty();
}

// Those cancelled and those whose time is over.
void Engine::Core::end_sequences() {
  std::vector<uint64_t> cancelled;
  bool all = false;
  {
    const std::lock_guard lock(mutex_);
    cancelled.swap(cancelled_);
    all = std::exchange(cancel_all_, false) || stop_;
  }
  const Clock::time_point now = Clock::now();
  const auto is_cancelled = [&](const Sequence& s) {
    return all || std::ranges::find(cancelled, s.id) != cancelled.end();
  };
  const auto is_late = [&](const Sequence& s) { return s.deadline && *s.deadline <= now; };
  for (const auto& sequence : scheduler_.remove_if([&](const Sequence& s) { return is_cancelled(s) || is_late(s); })) {
    end(*sequence,
        FinishEvent{is_cancelled(*sequence) ? FinishReason::cancelled : FinishReason::deadline, sequence->usage, {}});
  }
}

// One batch; false when there is nothing to run.
bool Engine::Core::step() {
  const std::span<const Work> plan = scheduler_.plan();
  if (plan.empty()) return false;
  const Clock::time_point began = Clock::now();
  batch_.clear();
  ready_.clear();
  const bool all_decode = std::ranges::all_of(plan, [](const Work& w) { return w.sequence->decoding(); });
  const bool draft = options_.speculation && all_decode && plan.size() <= kSpeculateBeside;
  asked_draft_model_ = false;
  for (const Work& work : plan) {
    if (!work.sequence->started) {
      work.sequence->started = began;
      work.sequence->usage.queue_s = seconds_between(work.sequence->arrived, began);
    }
    append(work, draft);
  }
  const bool drafted = batch_.rows() > static_cast<int>(plan.size()) && draft;
  run_batch();
  // Steps that verify guesses say nothing about how long others take.
  const double seconds = seconds_between(began, Clock::now());
  if (!drafted) scheduler_.observe(seconds);
  if (asked_draft_model_ && !ready_.empty()) draft_model_->observe(ready_[0].count - 1, ready_[0].accepted, seconds);
  ++counted_.steps;
  for (const Ready& ready : ready_) forget_wrong_guesses(ready);
  for (const Work& work : plan) scheduler_.keep_prefix(*work.sequence);
  for (Ready& ready : ready_) deliver(ready);
  scheduler_.remove_if([&](const Sequence& s) { return std::ranges::find(ended_, s.id) != ended_.end(); });
  ended_.clear();
  return true;
}

// What follows may be in the text already; if not, the draft model is asked while it has one text to follow.
std::span<const int32_t> Engine::Core::guess(Sequence& sequence, int most) {
  const auto found = sequence.lookup.draft(sequence.tokens, most);
  if (!found.empty() || !draft_model_ || scheduler_.running() != 1) return found;
  asked_draft_model_ = true;
  return draft_model_->draft(sequence.tokens, most);
}

// Puts the work's rows into the batch, and behind the last one those of guessed tokens.
void Engine::Core::append(const Work& work, bool draft) {
  Sequence& sequence = *work.sequence;
  const auto tokens = std::span(sequence.tokens).subspan(static_cast<size_t>(sequence.kv.size()));
  rows_.assign(tokens.begin(), tokens.begin() + work.rows);
  const bool last = work.rows == static_cast<int>(tokens.size());
  if (draft) {
    const int room = std::min(options_.context - sequence.kv.size(), sequence.continuation->tokens_left()) - 1;
    const auto guessed = guess(sequence, room);
    // Guesses get pages that are free; nobody gives up pages for them.
    if (sequence.kv.reserve(sequence.kv.size() + 1 + static_cast<int>(guessed.size()))) {
      rows_.insert(rows_.end(), guessed.begin(), guessed.end());
    }
  }
  const int begin = batch_.rows(), count = static_cast<int>(rows_.size());
  if (sequence.continuation) {
    const int first = static_cast<int>(batch_.logit_rows.size());
    batch_.append(sequence.kv, rows_, !last ? Logits::none : draft ? Logits::all_rows : Logits::last_row);
    if (last) ready_.push_back({&sequence, first, draft ? count : 1, draft ? begin : begin + count - 1});
    return;
  }
  batch_.append(sequence.kv, rows_, Logits::none);
  const int first = static_cast<int>(batch_.state_rows.size());
  const bool every = sequence.pooling == Pooling::mean;
  for (int r = every ? begin : begin + count - 1; (every || last) && r < begin + count; ++r)
    batch_.state_rows.push_back(r);
  const int wanted = static_cast<int>(batch_.state_rows.size()) - first;
  if (wanted == 0) return;
  ready_.push_back({&sequence, first, wanted, begin});
  if (last) ready_.back().finish = FinishReason::end_of_text;
}

void Engine::Core::run_batch() {
  arena_.release({});
  Run run(arena_, compute_);
  Tensor states;
  const Tensor logits = forward(run, model_->config(), model_->weights(), batch_, &states);
  pool_.parallel_for(static_cast<int64_t>(ready_.size()), 1, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      Ready& ready = ready_[i];
      if (!ready.sequence->continuation) {
        pool_states(ready, states);
      } else {
        try {
          sample(ready, logits);
        } catch (const std::exception& error) {
          ready.error = error.what();
        }
      }
    }
  });
}

// Takes tokens from the rows of logits for as long as the guessed ones were right: just those that would have come one
// by one, for a row's logits do not depend on the rows behind it.
void Engine::Core::sample(Ready& ready, const Tensor& logits) {
  Sequence& sequence = *ready.sequence;
  const auto width = static_cast<size_t>(logits.cols);
  for (int i = 0; i < ready.count; ++i) {
    ready.finish = sequence.continuation->next({logits.row(ready.first + i), width}, sequence.tokens);
    if (ready.finish || i + 1 == ready.count) return;
    if (sequence.tokens.back() != batch_.tokens[static_cast<size_t>(ready.batch_row + i + 1)]) return;
    ++ready.accepted;
  }
}

void Engine::Core::pool_states(const Ready& ready, const Tensor& states) const {
  std::vector<double>& pooled = ready.sequence->pooled;
  for (int r = ready.first; r < ready.first + ready.count; ++r) {
    for (size_t i = 0; i < pooled.size(); ++i) pooled[i] += static_cast<double>(states.row(r)[i]);
  }
}

void Engine::Core::forget_wrong_guesses(const Ready& ready) {
  if (!ready.sequence->continuation) return;
  KvCache& kv = ready.sequence->kv;
  kv.truncate(kv.size() - (ready.count - 1) + ready.accepted);
}

void Engine::Core::deliver(Ready& ready) {
  Sequence& sequence = *ready.sequence;
  const Clock::time_point now = Clock::now();
  Usage& usage = sequence.usage;
  if (sequence.continuation) {
    const int drafted = ready.count - 1;
    if (drafted > 0) {
      if (!asked_draft_model_) sequence.lookup.observe(drafted, ready.accepted);
      usage.drafted_tokens += drafted;
      usage.accepted_tokens += ready.accepted;
      counted_.drafted_tokens += static_cast<uint64_t>(drafted);
      counted_.accepted_tokens += static_cast<uint64_t>(ready.accepted);
    }
    counted_.completion_tokens +=
        static_cast<uint64_t>(sequence.continuation->completion_tokens() - usage.completion_tokens);
    usage.completion_tokens = sequence.continuation->completion_tokens();
    TextEvent text = sequence.continuation->take();
    if (!text.text.empty() || !text.tokens.empty()) push(sequence, std::move(text));
  }
  if (!sequence.decoding_since && (sequence.continuation || ready.finish)) {
    sequence.decoding_since = now;
    usage.prefill_s = seconds_between(*sequence.started, now);
    counted_.cached_tokens += static_cast<uint64_t>(usage.cached_tokens);
  }
  if (!ready.finish && ready.error.empty()) return;
  ended_.push_back(sequence.id);
  if (!ready.error.empty()) return end(sequence, ErrorEvent{std::move(ready.error), usage});
  FinishEvent finish{*ready.finish, usage, {}};
  if (sequence.continuation) {
    finish.stop = sequence.continuation->stop_found();
  } else {
    double squares = 0;
    for (const double v : sequence.pooled) squares += v * v;
    const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
    for (const double v : sequence.pooled) finish.embedding.push_back(static_cast<float>(v * scale));
  }
  end(sequence, std::move(finish));
}

// Pushes the last event of a sequence.
void Engine::Core::end(Sequence& sequence, Event event) {
  std::visit(
      [&](auto& last) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(last)>, TextEvent>) {
          if (sequence.decoding_since) last.usage.decode_s = seconds_between(*sequence.decoding_since, Clock::now());
        }
      },
      event);
  ++ended_count_;
  push(sequence, std::move(event));
}

void Engine::Core::push(const Sequence& sequence, Event event) {
  if (sequence.events->push(std::move(event))) unannounced_.push_back(sequence.events);
}

// All readers hear of a step at once: one that is woken amid it would take a CPU from the rest.
void Engine::Core::announce() {
  for (const std::shared_ptr<EventQueue>& events : unannounced_) events->announce();
  unannounced_.clear();
}

// What went wrong with a step as a whole ends all that run.
void Engine::Core::fail_step(const std::string& message) {
  for (const auto& sequence : scheduler_.remove_if([](const Sequence& s) { return s.started.has_value(); })) {
    const bool told = std::ranges::find(ended_, sequence->id) != ended_.end();
    if (!told) end(*sequence, ErrorEvent{message, sequence->usage});
  }
  ended_.clear();
}

void Engine::Core::publish() {
  counted_.waiting = scheduler_.waiting();
  counted_.running = scheduler_.running();
  counted_.paused = scheduler_.paused();
  counted_.preemptions = scheduler_.preemptions();
  counted_.pages_cached = scheduler_.prefixes().evictable();
  counted_.pages_used = kv_pool_.pages() - kv_pool_.free_pages() - counted_.pages_cached;
  assert(kv_pool_.check_integrity());
  {
    const std::lock_guard lock(mutex_);
    stats_ = counted_;
    in_flight_ -= std::exchange(ended_count_, 0);
  }
  drained_.notify_all();
}

Engine::Engine(std::shared_ptr<const Model> model, const EngineOptions& options)
    : core_(std::make_unique<Core>(std::move(model), options)) {}
Engine::~Engine() = default;

Stream Engine::submit(Request request) { return core_->submit(std::move(request)); }
Stream Engine::embed(EmbedRequest request) { return core_->embed(std::move(request)); }
std::unique_ptr<Constraint> Engine::constraint(const AnswerForm& form, int32_t previous) {
  return core_->forms().constraint(form, previous);
}
void Engine::cancel(uint64_t id) { core_->cancel(id); }
EngineStats Engine::stats() const { return core_->stats(); }
bool Engine::full() const { return core_->full(); }
void Engine::drain(std::optional<Clock::time_point> until) { core_->drain(until); }
const Model& Engine::model() const { return core_->model(); }
const Tokenizer& Engine::tokenizer() const { return core_->tokenizer(); }
int Engine::context() const { return core_->context(); }

}  // namespace bantam
