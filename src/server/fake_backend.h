// Models without weights, for tests: they say what the test tells them, when it tells them.
#pragma once

#include <cmath>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/grammar_constraint.h"
#include "server/backend.h"
#include "text/bpe_trainer.h"

namespace bantam {

class FakeBackend final : public Backend {
 public:
  struct Script {
    std::vector<std::string> pieces = {"Hello", " world"};  // each becomes an event; a byte is a token
    FinishReason reason = FinishReason::end_of_text;
    std::string stop = {};   // that ended the text
    std::string error = {};  // ends with it instead
    bool held = false;       // says nothing until release()
    bool full = false;       // submit() throws QueueFullError
    bool seen_full = false;  // full() says so before
  };

  // Of what was asked last.
  struct Asked {
    std::string prompt, tools;
    int max_tokens = 0;
    SamplerParams sampling;
    std::vector<std::string> stops;
    std::string tenant;
    AnswerForm form;
  };

  FakeBackend() : tokenizer_(BpeTrainer({.vocab_size = 259}).train()) {
    card_.name = "fake";
    card_.created_s = 1'700'000'000;
    card_.context = 200;
    card_.family = "llama";
    card_.format = "F32";
    card_.digest = std::string(64, 'a');
    card_.bytes = 1000;
    card_.parameters = 7'000'000;
    card_.infills = true;
    card_.loaded = true;
  }

  void set(Script script) {
    const std::lock_guard lock(mutex_);
    script_ = std::move(script);
  }
  // Lets all that is held go on.
  void release() {
    std::vector<std::function<void()>> wakes;
    {
      const std::lock_guard lock(mutex_);
      script_.held = false;
      wakes.swap(held_wakes_);
    }
    for (const auto& wake : wakes) wake();
  }
  void set_context(int tokens) { card_.context = tokens; }  // before the first request
  Asked asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  int running() const {
    const std::lock_guard lock(mutex_);
    return running_;
  }
  int submitted() const {
    const std::lock_guard lock(mutex_);
    return submitted_;
  }

  std::vector<ModelCard> models() override { return {card_}; }
  std::unique_ptr<OpenModel> open(const std::string& name) override {
    if (name != card_.name) return nullptr;
    return std::make_unique<FakeModel>(*this);
  }
  void unload(const std::string&) override {}
  BackendStats stats() override { return {.running = static_cast<uint64_t>(running())}; }
  bool full() override {
    const std::lock_guard lock(mutex_);
    return script_.seen_full;
  }

 private:
  class FakeRunning final : public Running {
   public:
    FakeRunning(FakeBackend& backend, std::deque<Event> events) : backend_(backend), events_(std::move(events)) {
      ++backend_.running_;
    }
    ~FakeRunning() override {
      const std::lock_guard lock(backend_.mutex_);
      --backend_.running_;
    }
    std::optional<Event> try_next() override {
      const std::lock_guard lock(backend_.mutex_);
      if (events_.empty() || backend_.script_.held) return std::nullopt;
      Event event = std::move(events_.front());
      events_.pop_front();
      return event;
    }

   private:
    FakeBackend& backend_;
    std::deque<Event> events_;
  };

  class FakeModel final : public OpenModel {
   public:
    explicit FakeModel(FakeBackend& backend) : backend_(backend) {}
    const ModelCard& card() const override { return backend_.card_; }
    const Tokenizer& tokenizer() const override { return backend_.tokenizer_; }
    std::vector<int32_t> chat_prompt(std::span<const ChatMessage> messages, const std::string& tools) const override {
      std::string text;
      for (const ChatMessage& message : messages) text += message.role + ":" + message.content + "\n";
      {
        const std::lock_guard lock(backend_.mutex_);
        backend_.asked_.tools = tools;
      }
      return backend_.tokenizer_.encode(text);
    }
    std::vector<std::string> chat_stops() const override { return {"<stop>"}; }
    std::vector<int32_t> infill_prompt(std::string_view before, std::string_view after) const override {
      return backend_.tokenizer_.encode(fmt::format("<pre>{}<suf>{}<mid>", before, after));
    }
    std::unique_ptr<Constraint> constraint(const AnswerForm& form, int32_t previous) const override {
      {
        const std::lock_guard lock(backend_.mutex_);
        backend_.asked_.form = form;
      }
      return backend_.forms_.constraint(form, previous);
    }
    std::unique_ptr<Constraint> cited_text(int) const override { return nullptr; }  // it says what the test tells it
    std::unique_ptr<Running> submit(Request request) override { return backend_.submit(std::move(request)); }
    std::unique_ptr<Running> embed(EmbedRequest request) override { return backend_.embed(std::move(request)); }

   private:
    FakeBackend& backend_;
  };

  std::unique_ptr<Running> submit(Request request) {
    std::deque<Event> events;
    const std::lock_guard lock(mutex_);
    if (script_.full) throw QueueFullError(1, 1);
    ++submitted_;
    asked_.prompt = tokenizer_.decode(request.prompt);
    asked_.max_tokens = request.max_tokens;
    asked_.sampling = request.sampling;
    asked_.stops = request.stops;
    asked_.tenant = request.tenant;
    Usage usage{.prompt_tokens = static_cast<int>(request.prompt.size())};
    for (const std::string& piece : script_.pieces) {
      TextEvent event{piece, {}};
      for (const char c : piece) {
        SampledToken token{static_cast<unsigned char>(c)};
        if (request.logprobs) {
          token.logprob = -0.5F;
          for (int i = 0; i < *request.logprobs; ++i)
            token.likeliest.push_back({'a' + i, -1.0F - static_cast<float>(i)});
        }
        event.tokens.push_back(std::move(token));
      }
      usage.completion_tokens += static_cast<int>(piece.size());
      events.push_back(std::move(event));
    }
    if (script_.error.empty()) {
      events.push_back(FinishEvent{script_.reason, usage, {}, script_.stop});
    } else {
      events.push_back(ErrorEvent{script_.error, usage});
    }
    if (script_.held) held_wakes_.push_back(request.on_event);
    return std::make_unique<FakeRunning>(*this, std::move(events));
  }

  // The share of 'a', 'b' and other bytes, with length 1.
  std::unique_ptr<Running> embed(EmbedRequest request) {
    std::vector<float> vector(3);
    for (const int32_t token : request.tokens) vector[token == 'a' ? 0 : token == 'b' ? 1 : 2] += 1;
    float square = 0;
    for (const float x : vector) square += x * x;
    for (float& x : vector) x /= std::sqrt(square);
    const std::lock_guard lock(mutex_);
    ++submitted_;
    return std::make_unique<FakeRunning>(*this, std::deque<Event>{FinishEvent{FinishReason::end_of_text, {}, vector}});
  }

  mutable std::mutex mutex_;
  const Tokenizer tokenizer_;
  FormCache forms_{tokenizer_};
  ModelCard card_;
  Script script_;
  Asked asked_;
  int running_ = 0, submitted_ = 0;
  std::vector<std::function<void()>> held_wakes_;
};

}  // namespace bantam
