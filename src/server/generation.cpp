#include "server/generation.h"

#include <algorithm>

namespace bantam {
namespace {

constexpr int kBusyRetryMs = 1000;

class GenerationJob final : public Job {
 public:
  GenerationJob(Call call, GenerationPlan plan)
      : call_(std::move(call)), plan_(std::move(plan)), results_(plan_.choices.size()), last_token_(call_.begun) {
    TokenCounts most{.prompt = plan_.prompt_tokens};
    for (const Request& request : plan_.choices) most.completion += request.max_tokens;
    admission_ = call_.parts.tenants.admit(call_.key, {plan_.model->card().name, call_.route, most});
    for (Request& request : plan_.choices) {
      request.tenant = call_.key.id;
      request.on_event = call_.wake;
      request.priority = call_.priority;
      running_.push_back(plan_.model->submit(std::move(request)));
    }
  }

  // The client is gone: what was computed until now is on the bill, as incomplete.
  ~GenerationJob() override {
    running_.clear();
    if (settled_) return;
    try {
      settle(false);
    } catch (const std::exception&) {  // the disk is full: nobody is left to hear it
    }
  }

  std::optional<HttpResponse> response() override {
    if (plan_.streamed && !begun_) {
      plan_.format->begin(pending_);
      begun_ = pending_.size();
    }
    gather(plan_.streamed ? &pending_ : nullptr);
    const bool said = plan_.streamed && pending_.size() > *begun_;  // a failure before that is still a status
    if (!error_ && left_ > 0 && !said) return std::nullopt;
    if (error_) throw *error_;
    if (!plan_.streamed) {
      settle(true);
      return with_headers(json_response(plan_.format->whole(results_, billed())));
    }
    HttpResponse response{.headers = {{"Content-Type", plan_.format->content_type()}, {"Cache-Control", "no-store"}},
                          .streamed = true};
    return with_headers(std::move(response));
  }

  Body next_at_once(std::string& out) override {
    out += std::exchange(pending_, {});
    if (!error_ && left_ > 0) gather(&out);
    return error_ || left_ == 0 ? Body::work : Body::wait;  // the ledger waits for the disk
  }

  Body next(std::string& out) override {
    next_at_once(out);
    if (error_) {
      plan_.format->error(out, *error_);
      return Body::end;
    }
    if (left_ > 0) return Body::wait;
    settle(true);
    plan_.format->end(out, results_, billed());
    return Body::end;
  }

 private:
  // Takes the events there are; into the stream, or only into results_.
  void gather(std::string* out) {
    for (size_t choice = 0; choice < running_.size() && !error_; ++choice) {
      while (running_[choice]) {
        const auto event = running_[choice]->try_next();
        if (!event) break;
        std::visit([&](const auto& e) { take(choice, e, out); }, *event);
      }
    }
  }

  void take(size_t choice, const TextEvent& event, std::string* out) {
    count_time(event.tokens.size());
    results_[choice].text += event.text;
    results_[choice].tokens.insert(results_[choice].tokens.end(), event.tokens.begin(), event.tokens.end());
    if (out) plan_.format->text(*out, choice, event);
  }

  void take(size_t choice, const FinishEvent& event, std::string* out) {
    results_[choice].reason = event.reason;
    results_[choice].usage = event.usage;
    results_[choice].stop = event.stop;
    running_[choice].reset();
    --left_;
    if (event.reason == FinishReason::cancelled) {
      error_ = ApiError(503, "cancelled", "", "the request was cancelled because the server is shutting down");
    } else if (out) {
      plan_.format->finish(*out, choice, results_[choice]);
    }
  }

  void take(size_t choice, const ErrorEvent& event, std::string*) {
    running_[choice].reset();
    error_ = ApiError(500, "generation_failed", "", event.message);
  }

  void count_time(size_t tokens) {
    if (tokens == 0) return;
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last_token_).count();
    Metrics& metrics = call_.parts.metrics;
    const std::string& model = plan_.model->card().name;
    first_seen_ ? metrics.add_next_token(model, seconds / static_cast<double>(tokens))
                : metrics.add_first_token(model, seconds);
    first_seen_ = true;
    last_token_ = now;
  }

  // A prompt that several choices share is billed once; cached are those tokens that no choice had to compute.
  TokenCounts billed() const {
    TokenCounts counts{.prompt = plan_.prompt_tokens};
    int64_t computed = 0;
    for (const ChoiceResult& result : results_) {
      counts.completion +=
          std::max<int64_t>(result.usage.completion_tokens, static_cast<int64_t>(result.tokens.size()));
      computed += result.usage.prompt_tokens - result.usage.cached_tokens;
    }
    counts.cached = std::max<int64_t>(0, plan_.prompt_tokens - computed);
    if (left_ > 0) counts.cached = 0;  // not known yet
    return counts;
  }

  void settle(bool complete) {
    settled_ = true;
    const TokenCounts counts = billed();
    admission_->settle(counts, complete);
    call_.parts.metrics.add_tokens(plan_.model->card().name, counts);
  }

  HttpResponse with_headers(HttpResponse response) const {
    add_rate_headers(response, admission_->left(), call_.key.limits);
    return response;
  }

  Call call_;
  GenerationPlan plan_;
  std::unique_ptr<Admission> admission_;
  std::vector<std::unique_ptr<Running>> running_;  // null when it has ended
  std::vector<ChoiceResult> results_;
  size_t left_ = results_.size();
  std::optional<ApiError> error_;
  std::string pending_;          // of the stream, before its first next()
  std::optional<size_t> begun_;  // bytes of the stream's beginning
  SteadyTime last_token_;
  bool first_seen_ = false, settled_ = false;
};

}  // namespace

std::unique_ptr<Job> run_generation(Call call, GenerationPlan plan) {
  return std::make_unique<GenerationJob>(std::move(call), std::move(plan));
}

ApiError overloaded(const std::string& why) {
  ApiError out(503, "overloaded", "", why);
  out.retry_after_ms = kBusyRetryMs;
  return out;
}

ApiError as_api_error(const std::exception& error) {
  if (const auto* api = dynamic_cast<const ApiError*>(&error)) return *api;
  if (const auto* quota = dynamic_cast<const QuotaError*>(&error)) {
    ApiError out(429, "rate_limit_exceeded", "", quota->what());
    out.retry_after_ms = static_cast<int>(std::min<int64_t>(quota->retry_after_ms, INT32_MAX));
    return out;
  }
  if (dynamic_cast<const QueueFullError*>(&error) || dynamic_cast<const ClosedError*>(&error)) {
    return overloaded(error.what());
  }
  if (const auto* prompt = dynamic_cast<const PromptTooLongError*>(&error)) {
    return ApiError(400, "context_length_exceeded", "messages",
                    fmt::format("the prompt has {} tokens, the model's context holds {}; shorten it", prompt->tokens,
                                prompt->context));
  }
  if (dynamic_cast<const UnsupportedError*>(&error)) return ApiError(400, "unsupported_value", "", error.what());
  if (dynamic_cast<const UsageError*>(&error) || dynamic_cast<const FormatError*>(&error)) {
    return ApiError(400, "invalid_value", "", error.what());
  }
  return ApiError(500, "internal_error", "", error.what());
}

void add_rate_headers(HttpResponse& response, const Quota::Left& left, const Limits& limits) {
  const auto add = [&](const char* what, int64_t most, int64_t rest, int64_t reset_s) {
    if (rest < 0) return;
    response.headers.push_back({fmt::format("x-ratelimit-limit-{}", what), fmt::format("{}", most)});
    response.headers.push_back({fmt::format("x-ratelimit-remaining-{}", what), fmt::format("{}", rest)});
    response.headers.push_back({fmt::format("x-ratelimit-reset-{}", what), fmt::format("{}s", reset_s)});
  };
  add("requests", limits.requests_per_minute, left.requests, left.requests_reset_s);
  add("tokens", limits.tokens_per_minute, left.tokens, left.tokens_reset_s);
}

}  // namespace bantam
