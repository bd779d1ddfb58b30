// Examples of reading, from a file of rows to a reader that finds answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "model/model.h"
#include "train/prepare.h"
#include "train/reading_tags.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ReadingTrainTest : public testing::Test {
 protected:
  ReadingTrainTest() {
    fs::create_directories(folder_);
    recipe_.task = "reading";
    recipe_.data = {(folder_ / "rows.jsonl").string()};
    recipe_.eval = recipe_.data;
    recipe_.vocab_size = 300;
    recipe_.dim = 32;
    recipe_.layers = 2;
    recipe_.heads = 2;
    recipe_.context = 96;
    recipe_.micro_tokens = recipe_.batch_tokens = 768;
    recipe_.steps = 150;
    recipe_.warmup = 5;
    recipe_.lr = 0.02;
    recipe_.embed_lr = 0.02;
  }
  ~ReadingTrainTest() override { fs::remove_all(folder_); }

  // "Where is the cat?" in a passage that says where three animals are, or not.
  void write_rows(int rows = 300) {
    const std::vector<std::string> animals = {"cat", "dog", "hen", "pig", "owl", "fox"};
    const std::vector<std::string> places = {"barn", "yard", "lake", "wood", "shed", "park"};
    Rng rng(1);
    std::string text;
    for (int i = 0; i < rows; ++i) {
      const size_t first = rng.below(6), asked = (first + rng.below(5)) % 6;
      std::string passage, answers = "[]";
      for (size_t a = 0; a < 3; ++a) {
        passage += "The " + animals[(first + a) % 6] + " is in the ";
        const std::string place = places[rng.below(6)];
        if ((first + a) % 6 == asked)
          answers = fmt::format("[[{}, {}]]", passage.size(), passage.size() + place.size());
        passage += place + ". ";
      }
      text += fmt::format("{{\"question\": \"Where is the {}?\", \"passage\": \"{}\", \"answers\": {}}}\n",
                          animals[asked], passage, answers);
    }
    write_file(text);
  }
  void write_file(const std::string& text) {
    AtomicFile file(recipe_.data[0]);
    file.write(text);
    file.commit();
  }

  PreparedRun prepare() { return prepare_run(recipe_, folder_ / "run", folder_ / "tokens", pool_); }
  std::string refusal() {
    try {
      prepare();
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }

  fs::path folder_ = fs::path(testing::TempDir()) / fmt::format("bantam-reading-train-{}", ::getpid());
  Recipe recipe_;
  ThreadPool pool_{2};
};

TEST_F(ReadingTrainTest, a_reader_learns_to_find_the_answer_or_that_there_is_none) {
  write_rows();
  PreparedRun run = prepare();
  double first = 0, last = 0, accuracy = 0;
  TrainListener listener;
  listener.on_step = [&](const StepReport& r) { (first == 0 ? first : last) = r.loss; };
  listener.on_reading_evaluation = [&](int64_t, const std::string&, const ReadingEvaluation& e) {
    EXPECT_EQ(e.examples, 300u);
    accuracy = e.accuracy();
  };
  EXPECT_TRUE(run.trainer->train(listener, {.checkpoint = {}, .checkpoint_minutes = 10, .eval_steps = 0}));
  EXPECT_GT(first, 5) << "a fresh model guesses among some forty tokens, twice";
  EXPECT_LT(last, 0.3 * first);
  EXPECT_GT(accuracy, 0.9);
}

TEST_F(ReadingTrainTest, a_trained_reader_is_the_same_after_saving_and_loading) {
  write_rows(60);
  PreparedRun run = prepare();
  run.trainer->step();
  const fs::path file = folder_ / "reader.gguf";
  write_model(file, *run.trainer, run.tokenizer, "reader");
  const auto model = Model::load(file);
  EXPECT_EQ(model->config().family, "bantam-reader");
  EXPECT_FALSE(model->config().causal);
  EXPECT_EQ(model->config().token_types, kReadingTypes);
  const auto documents = evaluation_documents(recipe_.data[0], run.tokenizer, 0);
  const Compute compute{pool_, active_kernels()};
  const auto before =
      evaluate_reading(run.trainer->config(), run.trainer->parameters().weights(), compute, documents, 96);
  const auto after = evaluate_reading(model->config(), model->weights(), compute, documents, 96);
  EXPECT_EQ(before.nats, after.nats);
  EXPECT_EQ(before.right, after.right);
}

TEST_F(ReadingTrainTest, a_reader_begins_as_a_language_model_where_one_is_named) {
  write_rows(60);
  Recipe text = recipe_;
  text.task = "text";
  text.data = {(folder_ / "text.jsonl").string()};
  text.eval.clear();
  AtomicFile file(text.data[0]);
  for (int i = 0; i < 60; ++i) file.write("{\"text\": \"the cat is in the barn and the dog is in the yard\"}\n");
  file.commit();
  PreparedRun language = prepare_run(text, folder_ / "text-run", folder_ / "tokens", pool_);
  recipe_.init_from = (folder_ / "text.gguf").string();
  write_model(recipe_.init_from, *language.trainer, language.tokenizer, "text");
  PreparedRun run = prepare();
  const Parameter& theirs = language.trainer->parameters().list()[0];
  const Parameter& ours = run.trainer->parameters().list()[0];
  ASSERT_EQ(ours.name, theirs.name);
  EXPECT_TRUE(std::equal(ours.data, ours.data + ours.bytes(), theirs.data));
  EXPECT_GT(run.trainer->step().loss, 0);
}

TEST_F(ReadingTrainTest, labels_are_at_the_tokens_of_the_answer) {
  write_rows(60);
  const Tokenizer tokenizer = prepare().tokenizer;
  const std::string passage = "The cat is in the barn. The dog is in the shed.";
  const size_t at = passage.find("barn");
  const ReadingDocument found = reading_document({"Where?", passage, {{at, at + 4}}}, tokenizer);
  std::string begin_to_end;
  bool inside = false;
  for (size_t i = 0; i < found.tags.size(); ++i) {
    if (labels_of_tag(found.tags[i]) & kSpanBegin) inside = true;
    if (inside) begin_to_end += tokenizer.piece(found.tokens[i]);
    if (labels_of_tag(found.tags[i]) & kSpanEnd) inside = false;
  }
  EXPECT_THAT(begin_to_end, testing::AnyOf("barn", " barn"));
  const ReadingDocument none = reading_document({"Where?", passage, {}}, tokenizer);
  EXPECT_EQ(labels_of_tag(none.tags[0]), kSpanCandidate | kSpanBegin | kSpanEnd);
}

TEST_F(ReadingTrainTest, a_broken_row_is_named) {
  const std::string good = "{\"question\": \"q\", \"passage\": \"abc\", \"answers\": []}\n";
  write_file(good + "{\"question\": \"q\", \"passage\": \"abc\", \"answers\": [[1, 9]]}\n");
  EXPECT_THAT(refusal(), HasSubstr("line 2: the answer [1, 9] is not inside the passage of 3 bytes"));
  write_file(good + "{\"question\": \"q\", \"passage\": \"abc\", \"answers\": [[1]]}\n");
  EXPECT_THAT(refusal(), HasSubstr("line 2: an answer is [1]"));
  write_file(good + "{\"question\": \"q\", \"passage\": \"abc\"}\n");
  EXPECT_THAT(refusal(), HasSubstr("line 2: expected an object"));
}

TEST_F(ReadingTrainTest, rows_and_task_must_belong_together) {
  write_rows(60);
  recipe_.task = "text";
  recipe_.eval.clear();
  EXPECT_THAT(refusal(), HasSubstr("holds examples of reading, but --task is text"));
  recipe_.task = "riddles";
  EXPECT_THAT(refusal(), HasSubstr("--task is 'riddles', wanted text or reading"));
}

}  // namespace
}  // namespace bantam
