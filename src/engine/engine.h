// Runs one model for many requests at once. One thread of its own owns all sequence state: requests arrive in an inbox,
// events leave in bounded queues, and every step runs the next row of each running sequence and a piece of a prompt.
#pragma once

#include <cstdint>
#include <memory>

#include "base/thread_pool.h"
#include "engine/grammar_constraint.h"
#include "engine/stream.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace bantam {

// A model's tokenizer, to be shared. Throws as Tokenizer::from_metadata().
std::shared_ptr<const Tokenizer> load_tokenizer(const Metadata& metadata);

struct EngineOptions {
  int threads = available_cpus();
  int context = 0;                 // most tokens of one sequence; 0: the model's own, at most kDefaultContext
  DType cache_format = kRealType;  // of keys and values: kRealType, f16 or q8_0
  int cache_tokens = 0;            // room for keys and values of all sequences together; 0: one whole context
  int most_running = 16;           // sequences in one step
  int most_waiting = 256;          // requests that wait for a place; more are refused
  int most_events = 128;           // of one request that wait for its reader; then the sequence pauses
  bool prefix_cache = true;
  std::shared_ptr<const Tokenizer> tokenizer = nullptr;  // the model's, where it is loaded already
  std::shared_ptr<const Model> draft = nullptr;  // guesses too, while one text is written; of the same vocabulary
  bool speculation = true;  // tokens guessed from the text so far and checked together; never changes the output
};

struct EngineStats {
  int waiting = 0, running = 0, paused = 0;  // paused: of those running, with a reader who does not keep up
  int pages_total = 0, pages_used = 0;       // used: by running sequences
  int pages_cached = 0;                      // kept for prompts that begin alike; given up when pages are needed
  uint64_t requests = 0, preemptions = 0, steps = 0;
  uint64_t prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0;  // cached: of the prompts, not run again
  uint64_t drafted_tokens = 0, accepted_tokens = 0;
};

class Engine {
 public:
  // Takes all memory but that of activations. Throws UsageError when an option is out of range, when the model writes
  // no text, or when its tokenizer or the draft model does not belong to it.
  explicit Engine(std::shared_ptr<const Model> model, const EngineOptions& options = {});
  // Cancels what is left.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Any thread may call the following.

  // Throws QueueFullError, PromptTooLongError, ClosedError, and UsageError for a prompt that is empty or holds a token
  // that the model has not, and for parameters out of range.
  Stream submit(Request request);
  // The finish event brings the embedding. Throws as submit().
  Stream embed(EmbedRequest request);
  // For a request whose prompt ends with the token `previous`. Compiled forms are kept. Throws UnsupportedError for a
  // form that cannot be held to, FormatError for a definition that is none.
  std::unique_ptr<Constraint> constraint(const AnswerForm& form, int32_t previous);
  // Nothing happens when the request has ended.
  void cancel(uint64_t id);

  EngineStats stats() const;
  // Whether submit() would throw QueueFullError.
  bool full() const;
  // Refuses new requests from now on and returns when all accepted ones have ended or `until` has passed, then
  // cancelling the rest. A reader that stopped reading delays it until then.
  void drain(std::optional<Clock::time_point> until = {});

  const Model& model() const;
  const Tokenizer& tokenizer() const;
  int context() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace bantam
