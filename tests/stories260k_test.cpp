// A real trained model continues exactly as its reference does.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "engine/generate.h"

namespace bantam {
namespace {

TEST(Stories260K, greedy_text_is_the_reference_token_for_token) {
  const std::filesystem::path folder = std::filesystem::path(BANTAM_SHARED_DIR) / "models";
  if (!std::filesystem::exists(folder / "stories260K.gguf")) GTEST_SKIP() << "skipped: no stories260K.gguf";
  const auto model = Model::load(folder / "stories260K.gguf");
  const Tokenizer tokenizer = Tokenizer::from_metadata(model->metadata());
  const std::string expected = read_file(folder / "stories260K.expected.txt");
  for (const int threads : {1, 3}) {
    Session session(model, threads);
    const GenerateRequest request{
        .prompt = {*tokenizer.bos()}, .max_tokens = 256, .sampling = {.temperature = 0}, .stops = {}};
    EXPECT_EQ(generate(session, tokenizer, request).text, expected);
  }
}

}  // namespace
}  // namespace bantam
