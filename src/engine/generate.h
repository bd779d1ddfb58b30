// Continues a prompt: run, sample, decode, look for the end. Used by the command line.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "engine/constraint.h"
#include "engine/sampler.h"
#include "engine/session.h"
#include "text/tokenizer.h"

namespace bantam {

struct GenerateRequest {
  std::vector<int32_t> prompt;  // at least one token
  int max_tokens = std::numeric_limits<int>::max();
  SamplerParams sampling;
  std::vector<std::string> stops;
  Constraint* constraint = nullptr;  // on the continuation; at its beginning, and not used after
};

enum class FinishReason {
  end_of_text,  // the model ended its text
  stop_string,  // one of the request's; it is not part of the text
  max_tokens,
  context_full,  // the sequence fills the session's context
  cancelled,
};
std::string_view to_string(FinishReason reason);

struct Generation {
  std::vector<int32_t> tokens;  // as sampled, without the token that ended the text
  std::string text;             // all pieces together
  FinishReason finish = FinishReason::cancelled;
  int prompt_tokens = 0;
  int cached_tokens = 0;  // of the prompt, not run again
  double prefill_s = 0, decode_s = 0;
};

struct GenerateEvents {
  std::function<void(std::string_view piece)> on_text;  // whole UTF-8 characters; may be empty
  Cancelled cancelled;                                  // asked before every chunk of rows; may be empty
};

// Streams the continuation of request.prompt. What the session has cached of the prompt is not run again, and the
// session afterwards holds prompt and continuation. Throws UsageError for parameters out of range, for a prompt that is
// empty or does not fit the context, for a tokenizer with more tokens than the model and for one that has no token that
// the constraint allows.
Generation generate(Session& session, const Tokenizer& tokenizer, const GenerateRequest& request,
                    const GenerateEvents& events = {});

}  // namespace bantam
