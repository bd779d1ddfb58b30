#include "engine/generate.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "engine/stop.h"
#include "text/stream_decoder.h"

namespace bantam {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); }

// Sampled tokens on their way to text that may be shown.
class TextStream {
 public:
  TextStream(const Tokenizer& tokenizer, const GenerateRequest& request, const GenerateEvents& events, std::string& all)
      : decoder_(tokenizer, request.prompt.empty() ? -1 : request.prompt.back()),
        stops_(request.stops),
        events_(events),
        all_(all) {}

  // True when a stop string is complete.
  bool push(int32_t token) {
    ready_.clear();
    const bool stopped = stops_.push(decoder_.push(token), ready_);
    emit();
    return stopped;
  }

  // The text ends here, though a character or a stop string may be incomplete. True as push().
  bool finish() {
    ready_.clear();
    const bool stopped = stops_.push(decoder_.finish(), ready_);
    if (!stopped) stops_.finish(ready_);
    emit();
    return stopped;
  }

 private:
  void emit() {
    all_ += ready_;
    if (events_.on_text && !ready_.empty()) events_.on_text(ready_);
  }

  StreamDecoder decoder_;
  StopMatcher stops_;
  const GenerateEvents& events_;
  std::string& all_;
  std::string ready_;
};

}  // namespace

std::string_view to_string(FinishReason reason) {
  switch (reason) {
    case FinishReason::end_of_text:
      return "end_of_text";
    case FinishReason::stop_string:
      return "stop_string";
    case FinishReason::max_tokens:
      return "max_tokens";
    case FinishReason::context_full:
      return "context_full";
    case FinishReason::cancelled:
      break;
  }
  return "cancelled";
}

Generation generate(Session& session, const Tokenizer& tokenizer, const GenerateRequest& request,
                    const GenerateEvents& events) {
  // A model may have more rows of logits than the tokenizer has tokens (padding), never fewer.
  const auto vocab = static_cast<size_t>(tokenizer.vocab_size());
  if (const int rows = session.model().config().vocab; tokenizer.vocab_size() > rows) {
    throw UsageError("the tokenizer has {} tokens but the model only {}: they do not belong together", vocab, rows);
  }
  if (request.max_tokens < 0) throw UsageError("max_tokens is {}, expected 0 or more", request.max_tokens);
  Sampler sampler(request.sampling, tokenizer.vocab_size());
  Generation result;
  TextStream text(tokenizer, request, events, result.text);
  std::vector<int32_t> sequence = request.prompt;
  sequence.reserve(static_cast<size_t>(session.context()) + 1);

  result.prompt_tokens = static_cast<int>(sequence.size());
  result.cached_tokens = session.shared_prefix(sequence);
  const auto began = Clock::now();
  auto logits = session.run_to(sequence, events.cancelled);
  result.prefill_s = seconds_since(began);

  std::vector<uint8_t> allowed(request.constraint ? vocab : 0);
  const auto decode_began = Clock::now();
  const auto step = [&]() -> std::optional<FinishReason> {
    if (!logits) return FinishReason::cancelled;
    if (static_cast<int>(result.tokens.size()) == request.max_tokens) return FinishReason::max_tokens;
    if (request.constraint) {
      request.constraint->allow(allowed);
      if (std::ranges::find(allowed, uint8_t{1}) == allowed.end()) {
        throw UsageError("the vocabulary has no token for what must come next");
      }
    }
    const int32_t token = sampler.sample(logits->first(vocab), sequence, allowed);
    if (tokenizer.is_end_of_generation(token)) return FinishReason::end_of_text;
    if (request.constraint) request.constraint->accept(token);
    sequence.push_back(token);
    result.tokens.push_back(token);
    if (text.push(token)) return FinishReason::stop_string;
    if (static_cast<int>(result.tokens.size()) == request.max_tokens) return FinishReason::max_tokens;
    if (static_cast<int>(sequence.size()) > session.context()) return FinishReason::context_full;
    logits = session.run_to(sequence, events.cancelled);
    return std::nullopt;
  };
  std::optional<FinishReason> finish;
  while (!finish) finish = step();
  result.decode_s = seconds_since(decode_began);
  if (finish != FinishReason::stop_string && text.finish()) finish = FinishReason::stop_string;
  result.finish = *finish;
  return result;
}

}  // namespace bantam
