// From rows of logits to a text: what a request asked for, and how far its answer has come. Used by the engine.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/request.h"
#include "engine/stop.h"
#include "text/stream_decoder.h"

namespace bantam {

class Continuation {
 public:
  // Takes what it needs out of the request. Throws UsageError for parameters out of range.
  Continuation(Request& request, const Tokenizer& tokenizer, int context);

  // Takes the next token from the logits [vocab or more] of the row of the last of `tokens` and puts it there, unless
  // the text ends before it. The reason when the text ends. Throws Error when nothing can come next.
  std::optional<FinishReason> next(std::span<const real> logits, std::vector<int32_t>& tokens);

  // What next() added since the last call.
  TextEvent take();

  // The stop string that ended the text; empty while none did.
  const std::string& stop_found() const { return stops_.found(); }
  int completion_tokens() const { return sampled_; }
  int tokens_left() const { return max_tokens_ - sampled_; }

 private:
  bool push_text(int32_t token);
  FinishReason finish(FinishReason reason);
  void score(std::span<const real> logits, SampledToken& sampled) const;

  const Tokenizer& tokenizer_;
  const int context_, max_tokens_;
  const std::optional<int> logprobs_;
  Sampler sampler_;
  StreamDecoder decoder_;
  StopMatcher stops_;
  std::unique_ptr<Constraint> constraint_;
  std::vector<uint8_t> allowed_;  // [vocab] with a constraint
  int sampled_ = 0;
  TextEvent added_;
};

}  // namespace bantam
