#include "engine/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_folder.h"
#include "engine/test_text_model.h"

namespace bantam {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// A model of random weights would write anything; what it can write is decided by the form alone.
class WriterTest : public testing::Test {
 protected:
  std::shared_ptr<const Model> model(uint64_t seed, int context = 2048) const {
    write_test_text_model(folder_ / "m.gguf", seed, context);
    return Model::load(folder_ / "m.gguf");
  }

  TestFolder folder_;
  const std::vector<Source> sources_ = {
      {"Mills", "The mill has 12 looms."}, {"Staff", "Ann weaves."}, {"Food", "Tea."}};
};

TEST_F(WriterTest, whatever_the_model_wants_every_sentence_names_a_source_that_exists) {
  size_t sentences = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    Writer writer(model(seed), 1);
    const Writing writing = writer.write("How many looms?", sources_);
    EXPECT_EQ(writing.sources_read, 3u);
    for (const CitedSentence& s : writing.sentences) {
      EXPECT_FALSE(s.text.empty());
      EXPECT_FALSE(s.sources.empty());
      for (const int number : s.sources) EXPECT_TRUE(number >= 1 && number <= 3) << number;
    }
    sentences += writing.sentences.size();
  }
  EXPECT_GT(sentences, 0u);
}

TEST_F(WriterTest, sentences_are_told_once_and_in_order) {
  Writer writer(model(3), 1);
  std::vector<std::string> told;
  const Writing writing =
      writer.write("How many looms?", sources_,
                   {.on_sentence = [&](const CitedSentence& s) { told.push_back(s.text); }, .cancelled = {}});
  std::vector<std::string> written;
  for (const CitedSentence& s : writing.sentences) written.push_back(s.text);
  EXPECT_EQ(told, written);
}

TEST_F(WriterTest, sources_beyond_the_context_are_left_out_and_counted) {
  const std::string page(300, 'x');
  const std::vector<Source> pages(5, Source{"Page", page});
  Writer writer(model(1), 1, 1800);
  const size_t read = writer.write("What?", pages).sources_read;
  EXPECT_TRUE(read > 0 && read < pages.size()) << read;
  const std::string book(3000, 'x');
  const Source too_long[] = {{"Book", book}};
  EXPECT_THAT([&] { writer.write("What?", too_long); },
              ThrowsMessage<UsageError>(HasSubstr("more than the context of 1800")));
}

TEST_F(WriterTest, it_stops_when_asked) {
  Writer writer(model(1), 1);
  const Writing writing = writer.write("What?", sources_, {.on_sentence = {}, .cancelled = [] { return true; }});
  EXPECT_EQ(writing.finish, FinishReason::cancelled);
  EXPECT_TRUE(writing.sentences.empty());
}

}  // namespace
}  // namespace bantam
