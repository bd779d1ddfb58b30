#include "engine/session.h"

#include <algorithm>
#include <cassert>

#include "base/error.h"
#include "model/forward.h"

namespace bantam {

int checked_context(const ModelConfig& config, int context) {
  if (!config.causal || config.classes > 0) {
    throw UsageError("this model finds answers in passages (`bantam ask`) and writes no text of its own");
  }
  if (context == 0) return std::min(config.context, kDefaultContext);
  if (config.learned_positions && context > config.context) {
    throw UsageError("context is {}, expected 1 to {}, for which this model has learned positions", context,
                     config.context);
  }
  if (context < 0 || context > kMostContext) {
    throw UsageError("context is {}, expected 1 to {}", context, kMostContext);
  }
  return context;
}

Session::Session(std::shared_ptr<const Model> model, int threads, int context, DType cache_format)
    : model_(std::move(model)),
      pool_(threads),
      compute_{pool_, active_kernels()},
      kv_pool_(model_->config(), KvPool::pages_for(checked_context(model_->config(), context)), cache_format),
      kv_(kv_pool_, checked_context(model_->config(), context)) {
  tokens_.reserve(static_cast<size_t>(kv_.capacity()));
}

int Session::shared_prefix(std::span<const int32_t> tokens) const {
  if (tokens.empty()) return 0;
  const auto differ = std::mismatch(tokens.begin(), tokens.end() - 1, tokens_.begin(), tokens_.end()).first;
  return static_cast<int>(differ - tokens.begin());
}

std::optional<std::span<const real>> Session::run_to(std::span<const int32_t> tokens, const Cancelled& cancelled) {
  if (tokens.empty()) throw UsageError("there is no token to start from, expected a prompt of at least one");
  const auto capacity = static_cast<size_t>(context());
  if (tokens.size() > capacity) {
    throw UsageError("the prompt has {} tokens but the context holds {}; shorten it or raise the context",
                     tokens.size(), capacity);
  }
  const int shared = shared_prefix(tokens);
  truncate(shared);
  std::span<const int32_t> rest = tokens.subspan(static_cast<size_t>(shared));
  while (true) {
    if (cancelled && cancelled()) return std::nullopt;
    const auto chunk = rest.first(std::min(rest.size(), size_t{kPrefillRows}));
    rest = rest.subspan(chunk.size());
    const Tensor logits = append(chunk, rest.empty() ? Logits::last_row : Logits::none);
    if (rest.empty()) return std::span<const real>(logits.data, logits.size());
  }
}

Tensor Session::append(std::span<const int32_t> tokens, Logits logits) {
  assert(tokens.size() <= size_t{kPrefillRows});
  const int vocab = model_->config().vocab;
  for (const int32_t token : tokens) {
    if (token < 0 || token >= vocab)
      throw UsageError("token {} is not of this model, expected 0 to {}", token, vocab - 1);
  }
  batch_.clear();
  batch_.append(kv_, tokens, logits);
  arena_.release({});
  Run run(arena_, compute_);
  if (compute_.times) compute_.times->begin();
  const Tensor result = forward(run, model_->config(), model_->weights(), batch_);
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  return result;
}

void Session::truncate(int size) {
  kv_.truncate(size);
  tokens_.resize(static_cast<size_t>(size));
}

}  // namespace bantam
