// From a parsed request for text to its response: submits the choices, gathers or streams what they say, and settles
// the bill before the last byte is sent.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/call.h"

namespace bantam {

// What one choice has said so far; `reason` and `usage` when it has ended.
struct ChoiceResult {
  std::string text;
  std::vector<SampledToken> tokens;
  FinishReason reason = FinishReason::cancelled;
  Usage usage;
  std::string stop;  // the stop string that ended it, if one did
};

// How an API writes answers. Each object writes one.
class AnswerFormat {
 public:
  virtual ~AnswerFormat() = default;
  virtual std::string content_type() const { return "text/event-stream"; }  // of the stream

  // The whole answer.
  virtual std::string whole(const std::vector<ChoiceResult>& choices, const TokenCounts& billed) = 0;

  // Its parts as a stream, in this order; text() and finish() of several choices may alternate.
  virtual void begin(std::string& out) = 0;
  virtual void text(std::string& out, size_t choice, const TextEvent& event) = 0;
  virtual void finish(std::string& out, size_t choice, const ChoiceResult& result) = 0;
  virtual void end(std::string& out, const std::vector<ChoiceResult>& choices, const TokenCounts& billed) = 0;
  // Instead of what is left.
  virtual void error(std::string& out, const ApiError& error) = 0;
};

struct GenerationPlan {
  std::unique_ptr<OpenModel> model;
  std::vector<Request> choices;  // without on_event and tenant
  int64_t prompt_tokens = 0;     // billed: a prompt of several choices once
  bool streamed = false;
  std::unique_ptr<AnswerFormat> format;
};

// Throws ApiError: 400 for a prompt that does not fit, 429 when a quota is used up, 503 when the engine is full.
std::unique_ptr<Job> run_generation(Call call, GenerationPlan plan);

// The refusals of quotas and engines as errors of the API.
ApiError as_api_error(const std::exception& error);
// No more may wait now; says when to come back.
ApiError overloaded(const std::string& why);

// x-ratelimit-*
void add_rate_headers(HttpResponse& response, const Quota::Left& left, const Limits& limits);

}  // namespace bantam
