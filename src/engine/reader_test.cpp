#include "engine/reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "engine/session.h"
#include "engine/test_text_model.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

class ReaderTest : public testing::Test {
 protected:
  ReaderTest() {
    ModelConfig config = test_text_config();
    config.family = "bantam-reader";
    config.context = 160;
    config.causal = false;
    config.token_types = kReadingTypes;
    config.classes = 2;
    const TestModel model(config, 3);
    Metadata meta = gguf_metadata(model.config);
    for (const auto& [key, value] : byte_vocabulary()) meta.set(key, value);
    write_gguf(path_, meta, gguf_tensors(model.config, model.weights));
  }
  ~ReaderTest() override { fs::remove(path_); }

  const fs::path path_ = fs::path(testing::TempDir()) / fmt::format("bantam-reader-{}.gguf", ::getpid());
};

using Places = std::vector<std::pair<size_t, size_t>>;
Places places(const std::vector<AnswerSpan>& spans) {
  Places out;
  for (const AnswerSpan& s : spans) out.emplace_back(s.begin, s.end);
  return out;
}

TEST_F(ReaderTest, a_passage_is_read_the_same_alone_and_among_others_and_with_any_threads) {
  const auto model = Model::load(path_);
  const std::vector<std::string_view> passages = {"Ada wrote it in 1843.", "런던에서 태어났다.", "One two three four.",
                                                  "x"};
  Reader one(model, 1), three(model, 3);
  const auto together = one.read("Who wrote it?", passages);
  EXPECT_EQ(together.size(), passages.size());
  const auto threaded = three.read("Who wrote it?", passages);
  for (size_t p = 0; p < passages.size(); ++p) {
    const auto alone = one.read("Who wrote it?", {&passages[p], 1});
    ASSERT_EQ(places(alone[0]), places(together[p]));
    ASSERT_EQ(places(threaded[p]), places(together[p]));
    ASSERT_FALSE(alone[0].empty());
    for (size_t i = 0; i < alone[0].size(); ++i) EXPECT_EQ(alone[0][i].log_odds, together[p][i].log_odds);
  }
}

TEST_F(ReaderTest, spans_are_whole_words_of_bytes_inside_the_passage_best_first) {
  Reader reader(Model::load(path_), 2);
  const std::string_view passage = " The cat  sat.\n";
  const auto spans = reader.read("Where?", {&passage, 1}, 7)[0];
  ASSERT_EQ(spans.size(), 7u);
  for (size_t i = 0; i < spans.size(); ++i) {
    EXPECT_LT(spans[i].begin, spans[i].end);
    EXPECT_LE(spans[i].end, passage.size());
    EXPECT_NE(passage[spans[i].begin], ' ');
    EXPECT_NE(passage[spans[i].end - 1], '\n');
    if (i > 0) {
      EXPECT_LE(spans[i].log_odds, spans[i - 1].log_odds);
    }
  }
}

TEST_F(ReaderTest, a_passage_longer_than_the_model_is_read_to_its_end) {
  Reader reader(Model::load(path_), 2);
  std::string passage;
  while (passage.size() < 300) passage += "가나다 abc ";
  const std::string_view view = passage;
  const auto spans = reader.read("Where?", {&view, 1}, 20000)[0];
  size_t last = 0;
  for (const AnswerSpan& s : spans) last = std::max(last, s.end);
  EXPECT_EQ(last, passage.size() - 1);
  auto sorted = places(spans);
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(std::adjacent_find(sorted.begin(), sorted.end()), sorted.end()) << "each place once";
}

TEST_F(ReaderTest, nothing_to_read_and_a_very_long_question_are_fine) {
  Reader reader(Model::load(path_), 1);
  EXPECT_TRUE(reader.read("Who?", {}).empty());
  const std::string_view passages[] = {"", "a"};
  const auto found = reader.read(std::string(5000, 'q'), passages);
  EXPECT_TRUE(found[0].empty());
}

TEST_F(ReaderTest, a_reader_does_not_generate_and_a_generator_does_not_read) {
  EXPECT_THROW(Session(Model::load(path_), 1), UsageError);
  const fs::path other = path_.string() + ".text";
  write_test_text_model(other);
  EXPECT_THROW(Reader(Model::load(other), 1), UsageError);
  fs::remove(other);
}

}  // namespace
}  // namespace bantam
