#include "train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "formats/gguf.h"
#include "model/model.h"
#include "train/prepare.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

class TrainerTest : public testing::Test {
 protected:
  TrainerTest() {
    fs::create_directories(folder_);
    recipe_.data = {(folder_ / "text.jsonl").string()};
    recipe_.vocab_size = 300;
    recipe_.dim = 32;
    recipe_.layers = 2;
    recipe_.heads = 2;
    recipe_.kv_heads = 1;
    recipe_.context = 32;
    recipe_.micro_tokens = 64;
    recipe_.batch_tokens = 128;
    recipe_.steps = 20;
    recipe_.warmup = 3;
    write_text();
  }
  ~TrainerTest() override { fs::remove_all(folder_); }

  // Sentences of a few words in a fixed order each: easily learned.
  void write_text() {
    const std::vector<std::string> sentences = {"the cat sat on the mat. ", "a dog ran to the red barn. ",
                                                "birds sing when the sun is up. ", "ships sail on the wide blue sea. "};
    Rng rng(1);
    AtomicFile file(recipe_.data[0]);
    for (int d = 0; d < 200; ++d) {
      std::string text;
      for (uint64_t s = 0; s < 2 + rng.below(6); ++s) text += sentences[rng.below(4)];
      file.write("{\"text\": \"" + text + "\"}\n");
    }
    file.commit();
  }

  PreparedRun prepare(int threads = 2) {
    if (!pool_ || pool_->threads() != threads) pool_ = std::make_unique<ThreadPool>(threads);
    return prepare_run(recipe_, folder_ / "run", folder_ / "tokens", *pool_);
  }

  static std::vector<std::byte> weights(Trainer& trainer) {
    std::vector<std::byte> all;
    for (const Parameter& p : trainer.parameters().list()) all.insert(all.end(), p.data, p.data + p.bytes());
    return all;
  }

  fs::path folder_ = fs::path(testing::TempDir()) / fmt::format("bantam-trainer-{}", ::getpid());
  fs::path checkpoint_ = folder_ / "checkpoint.bin";
  Recipe recipe_;
  std::unique_ptr<ThreadPool> pool_;
};

TEST_F(TrainerTest, loss_goes_down_on_an_easy_text) {
  recipe_.steps = 60;
  PreparedRun run = prepare();
  const double first = run.trainer->step().loss;
  EXPECT_NEAR(first, std::log(300), 0.4) << "a fresh model guesses";
  double last = 0;
  while (run.trainer->state().step < 60) last = run.trainer->step().loss;
  EXPECT_LT(last, 0.45 * first);
}

TEST_F(TrainerTest, twenty_steps_are_ten_a_checkpoint_and_ten_bit_for_bit) {
  for (const char* format : {"f32", "bf16"}) {
    recipe_.weights = format;
    std::vector<double> straight, resumed;
    PreparedRun whole = prepare();
    for (int s = 0; s < 20; ++s) straight.push_back(whole.trainer->step().loss);

    PreparedRun first = prepare();
    for (int s = 0; s < 10; ++s) resumed.push_back(first.trainer->step().loss);
    first.trainer->save(checkpoint_);
    first.trainer->step();  // lost, as after kill -9
    PreparedRun second = prepare();
    ASSERT_TRUE(second.trainer->resume(checkpoint_));
    EXPECT_EQ(second.trainer->state().step, 10);
    for (int s = 0; s < 10; ++s) resumed.push_back(second.trainer->step().loss);

    EXPECT_EQ(straight, resumed) << format;
    EXPECT_EQ(weights(*whole.trainer), weights(*second.trainer)) << format;
    EXPECT_EQ(whole.trainer->state().tokens, second.trainer->state().tokens);
  }
}

TEST_F(TrainerTest, a_stopped_run_continues_to_the_same_model) {
  PreparedRun whole = prepare();
  EXPECT_TRUE(whole.trainer->train({}, {}));
  int64_t steps = 0;
  TrainListener listener;
  listener.on_step = [&](const StepReport& r) { steps = r.step; };
  listener.should_stop = [&] { return steps == 7; };
  TrainFiles files;
  files.checkpoint = checkpoint_;
  PreparedRun first = prepare();
  EXPECT_FALSE(first.trainer->train(listener, files));
  PreparedRun second = prepare();
  ASSERT_TRUE(second.trainer->resume(checkpoint_));
  EXPECT_TRUE(second.trainer->train({}, files));
  EXPECT_EQ(weights(*whole.trainer), weights(*second.trainer));
}

TEST_F(TrainerTest, another_recipe_or_other_data_is_refused_by_name) {
  prepare().trainer->save(checkpoint_);
  recipe_.lr = 0.001;
  try {
    prepare().trainer->resume(checkpoint_);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("lr: 0.006 there, 0.001 here"));
  }
  recipe_.lr = Recipe{}.lr;
  AtomicFile file(recipe_.data[0]);
  file.write("{\"text\": \"something else altogether, and rather longer than it was\"}\n");
  file.commit();
  EXPECT_THROW(prepare().trainer->resume(checkpoint_), UsageError);
}

// Accumulating four micro-batches is one batch, up to rounding.
TEST_F(TrainerTest, gradient_accumulation_is_the_whole_batch) {
  PreparedRun whole = prepare();
  recipe_.micro_tokens = 32;
  PreparedRun parts = prepare();
  recipe_.micro_tokens = 128;
  PreparedRun one = prepare();
  const StepReport a = whole.trainer->step(), b = parts.trainer->step(), c = one.trainer->step();
  EXPECT_NEAR(a.loss, b.loss, 1e-5);
  EXPECT_NEAR(a.loss, c.loss, 1e-5);
  EXPECT_NEAR(a.gradient_norm, b.gradient_norm, 1e-4 * a.gradient_norm);
  EXPECT_NEAR(a.gradient_norm, c.gradient_norm, 1e-4 * a.gradient_norm);
}

TEST_F(TrainerTest, a_failed_checkpoint_is_a_note_and_the_last_one_an_error) {
  TrainFiles files;
  files.checkpoint = folder_ / "no such folder" / "checkpoint.bin";
  files.checkpoint_minutes = 0;
  int notes = 0;
  TrainListener listener;
  listener.on_note = [&](const std::string& note) {
    ++notes;
    EXPECT_THAT(note, testing::HasSubstr("training goes on"));
  };
  recipe_.steps = 3;
  EXPECT_THROW(prepare().trainer->train(listener, files), IoError);
  EXPECT_EQ(notes, 3);
}

TEST_F(TrainerTest, the_written_model_scores_the_same_when_it_is_loaded) {
  recipe_.eval = recipe_.data;
  PreparedRun run = prepare();
  for (int s = 0; s < 20; ++s) run.trainer->step();
  write_model(folder_ / "model.gguf", *run.trainer, run.tokenizer, "test");
  const auto model = Model::load(folder_ / "model.gguf");
  const Tokenizer tokenizer = Tokenizer::from_metadata(model->metadata());
  EXPECT_EQ(vocabulary_fingerprint(tokenizer), vocabulary_fingerprint(run.tokenizer));
  const auto documents = evaluation_documents(recipe_.data[0], tokenizer, 0);
  const EvaluationOptions options{32, 32, false};
  const Evaluation loaded = evaluate(model->config(), model->weights(), {*pool_, active_kernels()}, documents, options);
  const Evaluation trained = run.trainer->evaluate_on({"text", documents});
  EXPECT_EQ(loaded.tokens, trained.tokens);
  EXPECT_NEAR(loaded.bits_per_byte(), trained.bits_per_byte(), 1e-4);
}

TEST_F(TrainerTest, training_goes_on_from_a_model_file) {
  PreparedRun run = prepare();
  double last = 0;
  for (int s = 0; s < 20; ++s) last = run.trainer->step().loss;
  write_model(folder_ / "model.gguf", *run.trainer, run.tokenizer, "test");
  recipe_.init_from = (folder_ / "model.gguf").string();
  PreparedRun tuned = prepare();
  EXPECT_EQ(weights(*tuned.trainer), weights(*run.trainer));
  EXPECT_LT(tuned.trainer->step().loss, 1.2 * last);
}

TEST_F(TrainerTest, conversations_count_only_their_answers) {
  recipe_.data = {(folder_ / "chat.jsonl").string()};
  AtomicFile file(recipe_.data[0]);
  for (int i = 0; i < 40; ++i) {
    file.write(R"({"question": "What is it?", "answer": "A cat."})"
               "\n"
               R"({"instruction": "Say it", "input": "", "output": "it"})"
               "\n");
  }
  file.commit();
  recipe_.context = recipe_.micro_tokens = recipe_.batch_tokens = 128;
  PreparedRun run = prepare();
  const fs::path tokens = *fs::directory_iterator(folder_ / "tokens");
  const TokenFile cached(tokens);
  ASSERT_EQ(cached.documents(), 80u);
  std::vector<int32_t> answer;
  for (size_t i = 0; i < cached.length(0); ++i) {
    if (cached.counted(0, i)) answer.push_back(cached.token(0, i));
  }
  EXPECT_EQ(run.tokenizer.decode(answer, {.keep_control = true}), "A cat.<|im_end|>");
  EXPECT_GT(run.trainer->step().loss, 0);
}

TEST(Evaluate, a_model_that_knows_nothing_has_the_vocabulary_as_its_perplexity) {
  ModelConfig c;
  c.vocab = 50;
  c.dim = 16;
  c.head_dim = c.rope_dim = 8;
  c.context = 16;
  c.layer.assign(1, {.heads = 2, .kv_heads = 2, .ffn_dim = 32});
  const Parameters zero(c);
  ThreadPool pool(2);
  const EvaluationDocument document{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 20};
  for (const EvaluationOptions options : {EvaluationOptions{4, 4, false}, {4, 4, true}, {4, 1, false}, {16, 3, true}}) {
    const Evaluation e = evaluate(c, zero.weights(), {pool, active_kernels()}, {&document, 1}, options);
    EXPECT_EQ(e.tokens, 10u);
    EXPECT_NEAR(e.perplexity(), 50, 1e-3);
    EXPECT_NEAR(e.bits_per_byte(), 10 * std::log2(50.0) / 20, 1e-4);
  }
}

// One window over everything is the definition; a stride of one must agree with windows computed by hand.
TEST(Evaluate, a_window_sees_at_least_context_minus_stride_tokens) {
  ModelConfig c;
  c.vocab = 50;
  c.dim = 16;
  c.head_dim = c.rope_dim = 8;
  c.context = 16;
  c.layer.assign(2, {.heads = 2, .kv_heads = 1, .ffn_dim = 32});
  Parameters parameters(c);
  Rng rng(4);
  for (const Parameter& p : parameters.list()) {
    auto* w = reinterpret_cast<real*>(p.data);
    for (size_t i = 0; i < p.size(); ++i) w[i] = static_cast<real>(0.5 * rng.normal());
  }
  ThreadPool pool(1);
  const Compute compute{pool, active_kernels()};
  const EvaluationDocument document{{1, 2, 3, 4, 5, 6, 7}, 7};
  const auto nats = [&](std::vector<int32_t> tokens, int context, int stride) {
    const EvaluationDocument d{std::move(tokens), 1};
    return evaluate(c, parameters.weights(), compute, {&d, 1}, {context, stride, false}).nats;
  };
  const double strided = evaluate(c, parameters.weights(), compute, {&document, 1}, {3, 1, false}).nats;
  double by_hand = nats({1, 2, 3, 4}, 3, 3);
  for (int32_t t = 2; t + 3 <= 7; ++t) by_hand += nats({t, t + 1, t + 2, t + 3}, 3, 3) - nats({t, t + 1, t + 2}, 2, 2);
  EXPECT_NEAR(strided, by_hand, 1e-4);
}

TEST(Recipe, unknown_keys_wrong_types_and_ranges_are_named) {
  Recipe recipe;
  EXPECT_THROW(merge_json(recipe, R"({"width": 3})", "r.json"), FormatError);
  EXPECT_THROW(merge_json(recipe, R"({"dim": "wide"})", "r.json"), FormatError);
  EXPECT_THROW(merge_json(recipe, R"({"dim": 1.5})", "r.json"), FormatError);
  merge_json(recipe, R"({"dim": 128, "data": ["a:0.5", "b"], "steps": 5})", "r.json");
  EXPECT_EQ(recipe.dim, 128);
  EXPECT_EQ(parse_data_spec(recipe.data[0]).share, 0.5);
  EXPECT_NO_THROW(validate(recipe));
  const auto error_of = [](Recipe changed) -> std::string {
    try {
      validate(changed);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  Recipe changed = recipe;
  changed.layers = 0;
  EXPECT_EQ(error_of(changed), "--layers is 0, wanted 1 to 256");
  changed = recipe;
  changed.hours = 1;
  EXPECT_THAT(error_of(changed), testing::HasSubstr("exactly one"));
  changed = recipe;
  changed.heads = 3;
  EXPECT_THAT(error_of(changed), testing::HasSubstr("--heads is 3"));
  changed = recipe;
  changed.micro_tokens = 700;
  EXPECT_THAT(error_of(changed), testing::HasSubstr("multiple of --context 512"));
  EXPECT_EQ(first_difference(to_json_text(recipe), to_json_text(recipe)), "");
}

}  // namespace
}  // namespace bantam
