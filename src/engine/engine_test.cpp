#include "engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/test_folder.h"
#include "engine/test_text_model.h"

namespace bantam {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// What a request came to.
struct Answer {
  std::string text, error;
  std::vector<int32_t> tokens;
  std::optional<FinishReason> reason;
  Usage usage;
  std::vector<float> embedding;
};

// Takes one event; true when it was the last.
bool take(const Event& event, Answer& answer) {
  if (const auto* text = std::get_if<TextEvent>(&event)) {
    answer.text += text->text;
    for (const SampledToken& sampled : text->tokens) answer.tokens.push_back(sampled.token);
    return false;
  }
  if (const auto* finish = std::get_if<FinishEvent>(&event)) {
    answer.reason = finish->reason;
    answer.usage = finish->usage;
    answer.embedding = finish->embedding;
  } else {
    answer.error = std::get<ErrorEvent>(event).message;
  }
  return true;
}

Answer read(Stream& stream) {
  Answer answer;
  while (!take(*stream.next(), answer)) {
  }
  return answer;
}

Answer read(Stream&& stream) { return read(stream); }

class EngineTest : public testing::Test {
 protected:
  static constexpr int kContext = 160;

  EngineTest() {
    write_test_text_model(folder_ / "m.gguf");
    model_ = Model::load(folder_ / "m.gguf");
    write_test_text_model(folder_ / "other.gguf", 2);
    other_ = Model::load(folder_ / "other.gguf");
  }

  EngineOptions options() const { return {.threads = 1, .context = kContext}; }

  static Request request(const std::string& prompt, int max_tokens, uint64_t seed = 0, double temperature = 1) {
    Request wanted;
    for (const char c : prompt) wanted.prompt.push_back(static_cast<unsigned char>(c));
    wanted.max_tokens = max_tokens;
    wanted.sampling.temperature = temperature;
    wanted.sampling.seed = seed;
    wanted.sampling.logit_bias = {{kTestEndToken, -100.f}, {kTestTurnEndToken, -100.f}};
    return wanted;
  }

  static std::vector<int32_t> some_tokens(int count) {
    std::vector<int32_t> tokens;
    for (int i = 0; i < count; ++i) tokens.push_back((i * 37 + i / 7) % 256);
    return tokens;
  }

  TestFolder folder_;
  std::shared_ptr<const Model> model_, other_;  // of one vocabulary
};

// Waits until the engine's numbers are as wanted; it publishes them after each step.
template <class Wanted>
void wait_until(const Engine& engine, Wanted wanted) {
  while (!wanted(engine.stats())) std::this_thread::yield();
}

// Random requests over random settings: prompts that begin alike or repeat themselves, more sequences than pages,
// cancelled ones, readers that lag behind. Each answer must be the one that a request alone, without prefix cache and
// speculation, gets.
class Schedules : public EngineTest {
 protected:
  struct Plan {
    size_t prompt;
    uint64_t seed;
    double temperature;
    int max_tokens;
  };

  static const std::vector<std::string>& prompts() {
    static const std::vector<std::string> all = {
        "x",
        "The bantam crowed at dawn, and the farmer woke up late.",
        "The bantam crowed at dawn, and the farmer woke up early, for once.",
        "one two three four one two three four one two three four one two three",
        std::string(kPageTokens, 'q'),
        std::string(kPageTokens + 1, 'q') + "and then something else that goes on for a while longer than two pages",
        std::string(120, 'a'),
    };
    return all;
  }

  Request request_of(const Plan& plan) const {
    return request(prompts()[plan.prompt], plan.max_tokens, plan.seed, plan.temperature);
  }

  const std::vector<int32_t>& expected(const Plan& plan, DType format) {
    const auto key = std::tuple(plan.prompt, plan.seed, plan.temperature, plan.max_tokens, format);
    const auto known = expected_.find(key);
    if (known != expected_.end()) return known->second;
    EngineOptions alone = options();
    alone.cache_format = format;
    alone.prefix_cache = alone.speculation = false;
    Engine engine(model_, alone);
    return expected_[key] = read(engine.submit(request_of(plan))).tokens;
  }

  void run(uint64_t number) {
    Rng rng(number);
    const auto below = [&](uint64_t n) { return static_cast<int>(rng.below(n)); };
    EngineOptions some = options();
    some.threads = 1 + below(2);
    some.cache_format = below(2) == 0 ? kRealType : DType::f16;
    some.cache_tokens = kContext + kPageTokens * below(12);
    some.most_running = 1 + below(6);
    some.most_events = 1 + below(6);
    some.prefix_cache = below(4) != 0;
    some.speculation = below(4) != 0;
    if (below(3) == 0) some.draft = below(2) == 0 ? model_ : other_;
    Engine engine(model_, some);

    struct Reading {
      Plan plan;
      Stream stream;
      Answer answer = {};
      bool cancelled = false, done = false;
    };
    std::vector<Reading> readings;
    for (int i = 0; i < 8; ++i) {
      const Plan plan{static_cast<size_t>(below(prompts().size())), static_cast<uint64_t>(below(3)),
                      below(3) == 0 ? 0. : 0.8, 5 + 11 * below(4)};
      Request wanted = request_of(plan);
      wanted.tenant = std::string(1, static_cast<char>('a' + below(2)));
      wanted.priority = below(3);
      readings.push_back({plan, engine.submit(std::move(wanted))});
    }
    for (size_t left = readings.size(); left > 0;) {
      Reading& reading = readings[static_cast<size_t>(below(readings.size()))];
      if (reading.done) continue;
      if (below(40) == 0) {
        reading.stream.cancel();
        reading.cancelled = true;
      }
      const auto event = below(3) == 0 ? reading.stream.next() : reading.stream.try_next();
      if (!event || !take(*event, reading.answer)) continue;
      reading.done = true;
      --left;
      const std::vector<int32_t>& wanted = expected(reading.plan, some.cache_format);
      ASSERT_EQ(reading.answer.error, "");
      std::vector<int32_t> begin = wanted;
      if (reading.answer.reason == FinishReason::cancelled) {
        ASSERT_TRUE(reading.cancelled);
        begin.resize(std::min(begin.size(), reading.answer.tokens.size()));
      }
      ASSERT_EQ(reading.answer.tokens, begin) << "schedule " << number << ", prompt " << reading.plan.prompt;
    }
    engine.drain();
    const EngineStats stats = engine.stats();
    ASSERT_EQ(stats.pages_used, 0) << number;
    drafted_ += stats.accepted_tokens;
    cached_ += stats.cached_tokens;
    preempted_ += stats.preemptions;
  }

  std::map<std::tuple<size_t, uint64_t, double, int, DType>, std::vector<int32_t>> expected_;
  uint64_t drafted_ = 0, cached_ = 0, preempted_ = 0;
};

// BANTAM_SOAK=1000 runs as many schedules.
TEST_F(Schedules, the_same_seed_gives_the_same_tokens_whatever_runs_beside_it) {
  const char* soak = std::getenv("BANTAM_SOAK");
  const int runs = soak ? std::atoi(soak) : 30;
  for (int i = 0; i < runs && !HasFatalFailure(); ++i) run(static_cast<uint64_t>(i));
  // Else nothing was tested.
  EXPECT_GT(drafted_, 0u);
  EXPECT_GT(cached_, 0u);
  EXPECT_GT(preempted_, 0u);
}

TEST_F(EngineTest, a_tokenizer_that_is_loaded_already_is_not_loaded_again) {
  EngineOptions given = options();
  given.tokenizer = load_tokenizer(model_->metadata());
  EXPECT_EQ(&Engine(model_, given).tokenizer(), given.tokenizer.get());
}

TEST_F(EngineTest, a_prompt_that_begins_alike_is_run_once_for_each_tenant) {
  Engine engine(model_, options());
  const std::string prompt(2 * kPageTokens + 5, 'p');
  const auto cached = [&](const std::string& tenant) {
    Request wanted = request(prompt, 3);
    wanted.tenant = tenant;
    return read(engine.submit(std::move(wanted))).usage.cached_tokens;
  };
  EXPECT_EQ(cached("a"), 0);
  EXPECT_EQ(cached("a"), 2 * kPageTokens);
  EXPECT_EQ(cached("b"), 0);
}

TEST_F(EngineTest, guesses_that_are_right_save_steps_and_change_nothing) {
  EngineOptions plain = options(), guessing = options();
  plain.speculation = false;
  Engine a(model_, plain), b(model_, guessing);
  const Answer alone = read(a.submit(request("abcabcabcabc", 100, 0, 0)));
  const Answer guessed = read(b.submit(request("abcabcabcabc", 100, 0, 0)));
  EXPECT_EQ(alone.tokens, guessed.tokens);
  EXPECT_EQ(alone.text, guessed.text);
  EXPECT_GT(guessed.usage.accepted_tokens, 0);
  EXPECT_LT(b.stats().steps, a.stats().steps);
}

TEST_F(EngineTest, a_draft_model_saves_steps_and_changes_nothing) {
  EngineOptions plain = options(), same = options(), other = options();
  plain.speculation = false;
  same.draft = model_;
  other.draft = other_;
  for (const double temperature : {0., 0.8}) {
    Engine a(model_, plain), b(model_, same), c(model_, other);
    const Answer alone = read(a.submit(request("A hen", 100, 3, temperature)));
    const Answer guessed = read(b.submit(request("A hen", 100, 3, temperature)));
    EXPECT_EQ(alone.tokens, guessed.tokens);
    EXPECT_EQ(alone.tokens, read(c.submit(request("A hen", 100, 3, temperature))).tokens);
    if (temperature > 0) continue;
    EXPECT_GT(guessed.usage.accepted_tokens, 0);
    EXPECT_LT(b.stats().steps, a.stats().steps);
  }
}

TEST_F(EngineTest, a_draft_model_of_another_vocabulary_is_refused) {
  Metadata meta = gguf_metadata(test_text_config());
  for (const auto& [key, value] : byte_vocabulary()) meta.set(key, value);
  auto tokens = meta.strings("tokenizer.ggml.tokens");
  std::swap(tokens[1], tokens[2]);
  meta.set("tokenizer.ggml.tokens", tokens);
  const TestModel model(test_text_config());
  write_gguf(folder_ / "foreign.gguf", meta, gguf_tensors(model.config, model.weights));
  EngineOptions foreign = options();
  foreign.draft = Model::load(folder_ / "foreign.gguf");
  EXPECT_THAT([&] { Engine(model_, foreign); }, ThrowsMessage<UsageError>(HasSubstr("another vocabulary")));
}

TEST_F(EngineTest, what_cannot_be_run_is_refused_at_once_with_the_numbers) {
  Engine engine(model_, options());
  try {
    engine.submit(request(std::string(kContext + 1, 'a'), 1));
    FAIL() << "no error";
  } catch (const PromptTooLongError& error) {
    EXPECT_EQ(error.tokens, static_cast<size_t>(kContext + 1));
    EXPECT_EQ(error.context, kContext);
  }
  EXPECT_THROW(engine.submit(request("", 1)), UsageError);
  EXPECT_THROW(engine.submit(request("a", -1)), UsageError);
  Request foreign = request("a", 1);
  foreign.prompt = {-1};
  EXPECT_THROW(engine.submit(std::move(foreign)), UsageError);
  Request many = request("a", 1);
  many.logprobs = kMostLogprobs + 1;
  EXPECT_THROW(engine.submit(std::move(many)), UsageError);
  EngineOptions small = options();
  small.cache_tokens = kContext - 1;
  EXPECT_THAT([&] { Engine(model_, small); }, ThrowsMessage<UsageError>(HasSubstr("cache_tokens is 159")));
}

TEST_F(EngineTest, a_full_queue_refuses_with_both_numbers) {
  EngineOptions some = options();
  some.most_running = 1;
  some.most_waiting = 2;
  some.most_events = 1;
  Engine engine(model_, some);
  Stream running = engine.submit(request("a", 100));
  wait_until(engine, [](const EngineStats& s) { return s.running == 1; });
  // The reader of the first does not read, so the second takes its place, and the next two wait.
  std::vector<Stream> streams;
  try {
    for (int i = 0; i < 10; ++i) streams.push_back(engine.submit(request(std::string(100, 'b'), 100)));
    FAIL() << "no error";
  } catch (const QueueFullError& error) {
    EXPECT_GE(error.waiting, 2);
    EXPECT_EQ(error.most, 2);
  }
}

TEST_F(EngineTest, a_cancelled_request_says_so_and_gives_its_pages_back) {
  EngineOptions some = options();
  some.most_events = 1;
  some.prefix_cache = false;
  Engine engine(model_, some);
  Stream stream = engine.submit(request("abc", 100));
  wait_until(engine, [](const EngineStats& s) { return s.paused == 1; });
  EXPECT_GT(engine.stats().pages_used, 0);
  stream.cancel();
  EXPECT_EQ(read(stream).reason, FinishReason::cancelled);
  wait_until(engine, [](const EngineStats& s) { return s.pages_used == 0 && s.running == 0; });
}

TEST_F(EngineTest, a_reader_that_does_not_read_delays_nobody_else) {
  EngineOptions some = options();
  some.most_running = 1;
  some.most_events = 1;
  Engine engine(model_, some);
  const Answer expected = read(engine.submit(request("abc", 40)));
  Stream slow = engine.submit(request("abc", 40));
  wait_until(engine, [](const EngineStats& s) { return s.paused == 1; });
  EXPECT_EQ(read(engine.submit(request("other", 40))).tokens.size(), 40u);
  EXPECT_EQ(read(slow).tokens, expected.tokens);
}

TEST_F(EngineTest, a_deadline_that_has_passed_ends_a_request) {
  Engine engine(model_, options());
  Request late = request("abc", 10);
  late.deadline = Clock::now() - std::chrono::seconds(1);
  EXPECT_EQ(read(engine.submit(std::move(late))).reason, FinishReason::deadline);
}

TEST_F(EngineTest, a_deadline_wakes_an_engine_that_waits_for_a_reader) {
  EngineOptions some = options();
  some.most_events = 1;
  Engine engine(model_, some);
  Request wanted = request("abc", 100);
  wanted.deadline = Clock::now() + std::chrono::milliseconds(50);
  Stream stream = engine.submit(std::move(wanted));
  wait_until(engine, [](const EngineStats& s) { return s.requests == 1 && s.running == 0 && s.waiting == 0; });
  EXPECT_EQ(read(stream).reason, FinishReason::deadline);
}

TEST_F(EngineTest, log_probabilities_come_with_each_token_best_first) {
  Engine engine(model_, options());
  Request wanted = request("abc", 5, 0, 0);
  wanted.logprobs = 4;
  Stream stream = engine.submit(std::move(wanted));
  int tokens = 0;
  for (auto event = stream.next(); std::holds_alternative<TextEvent>(*event); event = stream.next()) {
    for (const SampledToken& sampled : std::get<TextEvent>(*event).tokens) {
      ++tokens;
      ASSERT_EQ(sampled.likeliest.size(), 4u);
      EXPECT_EQ(sampled.likeliest[0].token, sampled.token) << "at temperature 0";
      EXPECT_EQ(sampled.likeliest[0].logprob, sampled.logprob);
      double sum = 0;
      for (size_t i = 0; i < 4; ++i) {
        if (i > 0) {
          EXPECT_LE(sampled.likeliest[i].logprob, sampled.likeliest[i - 1].logprob);
        }
        sum += std::exp(static_cast<double>(sampled.likeliest[i].logprob));
      }
      EXPECT_LE(sum, 1.000001);
    }
  }
  EXPECT_EQ(tokens, 5);
}

TEST_F(EngineTest, an_embedding_has_length_one_and_does_not_depend_on_its_neighbours) {
  EngineOptions wide = options();
  wide.context = 512;
  for (const Pooling pooling : {Pooling::mean, Pooling::last_token}) {
    const auto wanted = [&](int count) {
      EmbedRequest request;
      request.tokens = some_tokens(count);
      request.pooling = pooling;
      return request;
    };
    Engine one(model_, wide);
    const std::vector<float> alone = read(one.embed(wanted(400))).embedding;
    double squares = 0;
    for (const float v : alone) squares += static_cast<double>(v) * v;
    EXPECT_NEAR(squares, 1, 1e-5);

    Engine busy(model_, wide);
    Stream writing = busy.submit(request("abc", 100));
    std::vector<Stream> streams;
    for (const int count : {400, 3, 257}) streams.push_back(busy.embed(wanted(count)));
    EXPECT_EQ(read(streams[0]).embedding, alone);
    EXPECT_NE(read(streams[1]).embedding, alone);
    EXPECT_EQ(read(streams[2]).usage.prompt_tokens, 257);
    EXPECT_EQ(read(writing).tokens.size(), 100u);
  }
}

TEST_F(EngineTest, a_request_that_fails_ends_alone) {
  struct Silence final : Constraint {
    void allow(std::span<uint8_t> allowed) override { std::ranges::fill(allowed, uint8_t{0}); }
    void accept(int32_t) override {}
    bool complete() const override { return false; }
  };
  Engine engine(model_, options());
  Stream good = engine.submit(request("abc", 30));
  Request bad = request("abc", 30);
  bad.constraint = std::make_unique<Silence>();
  EXPECT_THAT(read(engine.submit(std::move(bad))).error, HasSubstr("no token"));
  EXPECT_EQ(read(good).tokens.size(), 30u);
}

TEST_F(EngineTest, draining_lets_what_runs_end_and_refuses_the_rest) {
  Engine engine(model_, options());
  Stream stream = engine.submit(request("abc", 50));
  engine.drain();
  EXPECT_THROW(engine.submit(request("abc", 1)), ClosedError);
  EXPECT_EQ(read(stream).tokens.size(), 50u);
}

TEST_F(EngineTest, draining_cancels_what_takes_too_long) {
  EngineOptions some = options();
  some.most_events = 1;
  Engine engine(model_, some);
  Stream stream = engine.submit(request("abc", 100));
  engine.drain(Clock::now());
  EXPECT_EQ(read(stream).reason, FinishReason::cancelled);
}

TEST_F(EngineTest, an_engine_that_goes_ends_its_streams) {
  EngineOptions some = options();
  some.most_events = 1;
  std::optional<Engine> engine;
  engine.emplace(model_, some);
  Stream stream = engine->submit(request("abc", 100));
  engine.reset();
  EXPECT_EQ(read(stream).reason, FinishReason::cancelled);
}

}  // namespace
}  // namespace bantam
