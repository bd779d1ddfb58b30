// What is asked of an Engine, and what comes back. Used by the server and the command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "engine/constraint.h"
#include "engine/sampler.h"

namespace bantam {

using Clock = std::chrono::steady_clock;

inline constexpr int kMostLogprobs = 20;

// One continuation of a prompt; several of the same prompt are several requests with different seeds.
struct Request {
  std::vector<int32_t> prompt;  // at least one token
  int max_tokens = std::numeric_limits<int>::max();
  SamplerParams sampling;  // its seed alone decides what is drawn: neighbours, chunks and cache hits change nothing
  std::vector<std::string> stops;
  std::unique_ptr<Constraint> constraint;  // on the continuation, at its beginning; may be null
  std::optional<int> logprobs;             // with each token its log-probability and the likeliest so many, [0, 20]

  std::string tenant;  // who asks: prefixes are shared and turns taken by tenant
  int priority = 0;    // a higher one starts first and is interrupted last
  std::optional<Clock::time_point> deadline;
  // Called by the engine's thread when an event comes to a stream that had none: wakes whoever will read it. Must
  // return at once and throw nothing; events may also be waited for with Stream::next().
  std::function<void()> on_event;
};

enum class Pooling { mean, last_token };

// The hidden states after the last norm, pooled over the tokens and scaled to length 1.
struct EmbedRequest {
  std::vector<int32_t> tokens;  // at least one
  Pooling pooling = Pooling::mean;
  std::string tenant;
  int priority = 0;
  std::optional<Clock::time_point> deadline;
  std::function<void()> on_event;
};

enum class FinishReason {
  end_of_text,  // the model ended its text
  stop_string,  // one of the request's; it is not part of the text
  max_tokens,
  context_full,  // the sequence fills the engine's context
  cancelled,
  deadline,  // the request's deadline passed, before its first token or after
};
std::string_view to_string(FinishReason reason);

struct TokenScore {
  int32_t token;
  float logprob;  // natural logarithm, of the model's own distribution
};

struct SampledToken {
  int32_t token;
  float logprob = 0;                       // these two only where the request wants logprobs
  std::vector<TokenScore> likeliest = {};  // best first
};

struct Usage {
  int prompt_tokens = 0;
  int cached_tokens = 0;  // of the prompt, not run again
  int completion_tokens = 0;
  int drafted_tokens = 0, accepted_tokens = 0;  // by speculation
  double queue_s = 0;                           // until the first row ran
  double prefill_s = 0;                         // until the first token, or the embedding
  double decode_s = 0;                          // from then to the end
};

// What the tokens sampled since the last event add. Either may be empty: a token that ends inside a character or may
// belong to a stop string has no text yet, and the last text may come without a token.
struct TextEvent {
  std::string text;  // whole UTF-8 characters
  std::vector<SampledToken> tokens;
};

// The last event of a request that ran.
struct FinishEvent {
  FinishReason reason;
  Usage usage;
  std::vector<float> embedding;  // [dim], of an EmbedRequest
  std::string stop = {};         // the stop string that ended the text, if one did
};

// The last event of a request that failed: what the model or the constraint made impossible.
struct ErrorEvent {
  std::string message;
  Usage usage;
};

using Event = std::variant<TextEvent, FinishEvent, ErrorEvent>;

// Refused at submit(): as many requests wait as the engine lets wait.
class QueueFullError : public Error {
 public:
  QueueFullError(int waiting_in, int most_in)
      : Error("{} requests are waiting, at most {} may; try again later", waiting_in, most_in),
        waiting(waiting_in),
        most(most_in) {}
  int waiting, most;
};

// Refused at submit(): the prompt leaves no room in the context.
class PromptTooLongError : public UsageError {
 public:
  PromptTooLongError(size_t tokens_in, int context_in)
      : UsageError("the prompt has {} tokens but the context holds {}; shorten it or raise the context", tokens_in,
                   context_in),
        tokens(tokens_in),
        context(context_in) {}
  size_t tokens;
  int context;
};

// Refused at submit(): the engine is draining.
class ClosedError : public Error {
 public:
  using Error::Error;
};

}  // namespace bantam
