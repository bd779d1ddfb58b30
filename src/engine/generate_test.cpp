#include "engine/generate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_folder.h"
#include "base/utf8.h"
#include "engine/session.h"
#include "engine/test_text_model.h"

namespace bantam {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class GenerateTest : public testing::Test {
 protected:
  GenerateTest() {
    write_test_text_model(folder_ / "m.gguf");
    model_ = Model::load(folder_ / "m.gguf");
    tokenizer_ = std::make_unique<Tokenizer>(Tokenizer::from_metadata(model_->metadata()));
  }

  Engine engine(int context = 0, int most_events = 128) const {
    return Engine(model_, {.threads = 1, .context = context, .most_events = most_events});
  }

  Request request(const std::string& prompt, int max_tokens, double temperature = 0) const {
    Request wanted;
    wanted.prompt = tokenizer_->encode(prompt);
    wanted.max_tokens = max_tokens;
    wanted.sampling.temperature = temperature;
    return wanted;
  }

  Generation fresh(Request wanted, int context = 0) const {
    Engine one = engine(context);
    return generate(one, std::move(wanted));
  }

  TestFolder folder_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_F(GenerateTest, a_prompt_in_chunks_gives_the_logits_of_one_token_at_a_time) {
  const auto prompt = tokenizer_->encode(std::string(300, 'x') + "yz");
  Session chunked(model_, 1), single(model_, 1);
  const auto logits = chunked.run_to(prompt);
  for (size_t n = 1; n < prompt.size(); ++n) single.append(std::span(prompt).subspan(n - 1, 1), Logits::none);
  const Tensor last = single.append(std::span(prompt).last(1), Logits::last_row);
  EXPECT_TRUE(std::ranges::equal(*logits, std::span(last.data, last.size())));
}

TEST_F(GenerateTest, pieces_are_whole_characters_and_together_the_text) {
  Engine one = engine();
  std::string pieces;
  const Generation result = generate(one, request("안녕", 200, 1),
                                     {.on_text =
                                          [&](std::string_view piece) {
                                            EXPECT_FALSE(find_invalid_utf8(piece));
                                            pieces += piece;
                                          },
                                      .cancelled = {}});
  EXPECT_EQ(pieces, result.text);
  EXPECT_FALSE(result.text.empty());
}

TEST_F(GenerateTest, it_ends_after_max_tokens) {
  const Generation result = fresh(request("abc", 7));
  EXPECT_EQ(result.finish, FinishReason::max_tokens);
  EXPECT_EQ(result.tokens.size(), 7u);
  EXPECT_EQ(fresh(request("abc", 0)).finish, FinishReason::max_tokens);
  EXPECT_TRUE(fresh(request("abc", 0)).tokens.empty());
}

TEST_F(GenerateTest, a_full_context_is_said_and_every_token_that_fits_is_used) {
  Request wanted = request("abcd", 1000);
  wanted.sampling.logit_bias = {{kTestEndToken, -100.f}};
  const Generation result = fresh(std::move(wanted), 10);
  EXPECT_EQ(result.finish, FinishReason::context_full);
  EXPECT_EQ(result.tokens.size(), 7u);  // rows 4 to 9 are run, and the last of them still names a token
}

TEST_F(GenerateTest, the_end_token_ends_the_text_without_being_part_of_it) {
  Request wanted = request("abc", 10);
  wanted.sampling.logit_bias = {{kTestEndToken, 100.f}};
  const Generation result = fresh(std::move(wanted));
  EXPECT_EQ(result.finish, FinishReason::end_of_text);
  EXPECT_TRUE(result.tokens.empty());
}

TEST_F(GenerateTest, a_stop_string_that_straddles_tokens_ends_the_text_before_it) {
  const auto wanted = [&] {
    Request biased = request("abc", 10);
    for (const char c : std::string("stop")) biased.sampling.logit_bias.emplace_back(c, 30.f);
    biased.sampling.logit_bias.emplace_back('o', 30.f);
    return biased;
  };
  const std::string text = fresh(wanted()).text;
  ASSERT_EQ(text.size(), 10u);
  Request stopping = wanted();
  const std::string stop = text.substr(4, 3);
  stopping.stops = {stop};
  const Generation stopped = fresh(std::move(stopping));
  EXPECT_EQ(stopped.finish, FinishReason::stop_string);
  EXPECT_EQ(stopped.text, text.substr(0, text.find(stop)));
}

TEST_F(GenerateTest, it_stops_when_asked) {
  Engine one = engine(0, 1);  // which waits with the next piece until the last one was read
  bool stop = false;
  const Generation result = generate(
      one, request("abc", 400), {.on_text = [&](std::string_view) { stop = true; }, .cancelled = [&] { return stop; }});
  EXPECT_EQ(result.finish, FinishReason::cancelled);
  EXPECT_LT(result.tokens.size(), 100u);
  EXPECT_EQ(generate(one, request("abc", 400), {.on_text = {}, .cancelled = [] { return true; }}).tokens.size(), 0u);
}

TEST_F(GenerateTest, rows_of_logits_without_a_token_are_never_sampled) {
  Request wanted = request("a", 300);
  wanted.sampling = {.temperature = 10, .top_k = 0, .top_p = 1, .min_p = 0};
  for (const int32_t token : fresh(std::move(wanted)).tokens) EXPECT_LT(token, tokenizer_->vocab_size());
}

TEST_F(GenerateTest, requests_that_cannot_be_run_are_refused_with_numbers) {
  EXPECT_THAT([&] { fresh(request("", 1)); }, ThrowsMessage<UsageError>(HasSubstr("at least one")));
  EXPECT_THAT([&] { fresh(request("abcdefghijk", 1), 10); },
              ThrowsMessage<UsageError>(HasSubstr("has 11 tokens but the context holds 10")));
  EXPECT_THAT([&] { fresh(request("a", -1)); }, ThrowsMessage<UsageError>(HasSubstr("max_tokens is -1")));
  Request foreign = request("a", 1);
  foreign.prompt = {264};
  EXPECT_THAT([&] { fresh(std::move(foreign)); },
              ThrowsMessage<UsageError>(HasSubstr("token 264 is not of this model")));
  EXPECT_THAT([&] { engine(-1); }, ThrowsMessage<UsageError>(HasSubstr("context is -1, expected 1 to")));
}

}  // namespace
}  // namespace bantam
