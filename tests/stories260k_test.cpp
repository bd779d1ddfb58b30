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
  const std::string expected = read_file(folder / "stories260K.expected.txt");
  for (const int threads : {1, 3}) {
    Engine engine(model, {.threads = threads});
    Request request;
    request.prompt = {*engine.tokenizer().bos()};
    request.max_tokens = 256;
    request.sampling.temperature = 0;
    EXPECT_EQ(generate(engine, std::move(request)).text, expected);
  }
}

}  // namespace
}  // namespace bantam
