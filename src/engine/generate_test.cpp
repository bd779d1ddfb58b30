#include "engine/generate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_folder.h"
#include "base/utf8.h"
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

  Session session(int context = 0) const { return Session(model_, 1, context); }

  GenerateRequest request(const std::string& prompt, int max_tokens, double temperature = 0) const {
    return {.prompt = tokenizer_->encode(prompt),
            .max_tokens = max_tokens,
            .sampling = {.temperature = temperature},
            .stops = {}};
  }

  Generation fresh(const GenerateRequest& wanted, int context = 0) const {
    Session s = session(context);
    return generate(s, *tokenizer_, wanted);
  }

  static std::vector<real> copy(std::span<const real> logits) { return {logits.begin(), logits.end()}; }

  TestFolder folder_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_F(GenerateTest, a_prompt_in_chunks_gives_the_logits_of_one_token_at_a_time) {
  const auto prompt = tokenizer_->encode(std::string(300, 'x') + "yz");
  Session chunked = session(), single = session();
  const auto logits = copy(*chunked.run_to(prompt));
  for (size_t n = 1; n < prompt.size(); ++n) single.append(std::span(prompt).subspan(n - 1, 1), Logits::none);
  EXPECT_EQ(logits, copy(*single.run_to(prompt)));
}

TEST_F(GenerateTest, a_session_that_has_seen_the_beginning_answers_like_a_fresh_one) {
  Session used = session();
  generate(used, *tokenizer_, request("one two three", 20, 1));
  const GenerateRequest next = request("one two four", 20, 1);
  const Generation result = generate(used, *tokenizer_, next);
  EXPECT_EQ(result.cached_tokens, 8);  // "one two "
  EXPECT_EQ(result.tokens, fresh(next).tokens);
}

TEST_F(GenerateTest, the_same_prompt_again_runs_only_its_last_token) {
  Session s = session();
  const GenerateRequest wanted = request("again", 5);
  const Generation first = generate(s, *tokenizer_, wanted), second = generate(s, *tokenizer_, wanted);
  EXPECT_EQ(second.cached_tokens, 4);
  EXPECT_EQ(first.tokens, second.tokens);
}

TEST_F(GenerateTest, pieces_are_whole_characters_and_together_the_text) {
  GenerateRequest wanted = request("안녕", 200, 1);
  Session s = session();
  std::string pieces;
  const Generation result = generate(s, *tokenizer_, wanted,
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
  GenerateRequest wanted = request("abcd", 1000);
  wanted.sampling.logit_bias = {{kTestEndToken, -100.f}};
  const Generation result = fresh(wanted, 10);
  EXPECT_EQ(result.finish, FinishReason::context_full);
  EXPECT_EQ(result.tokens.size(), 7u);  // rows 4 to 9 are run, and the last of them still names a token
}

TEST_F(GenerateTest, the_end_token_ends_the_text_without_being_part_of_it) {
  GenerateRequest wanted = request("abc", 10);
  wanted.sampling.logit_bias = {{kTestEndToken, 100.f}};
  const Generation result = fresh(wanted);
  EXPECT_EQ(result.finish, FinishReason::end_of_text);
  EXPECT_TRUE(result.tokens.empty());
}

TEST_F(GenerateTest, a_stop_string_that_straddles_tokens_ends_the_text_before_it) {
  GenerateRequest wanted = request("abc", 10);
  for (const char c : std::string("stop")) wanted.sampling.logit_bias.emplace_back(c, 30.f);
  wanted.sampling.logit_bias.emplace_back('o', 30.f);
  const std::string text = fresh(wanted).text;
  ASSERT_EQ(text.size(), 10u);
  wanted.stops = {text.substr(4, 3)};
  const Generation stopped = fresh(wanted);
  EXPECT_EQ(stopped.finish, FinishReason::stop_string);
  EXPECT_EQ(stopped.text, text.substr(0, text.find(wanted.stops[0])));
}

TEST_F(GenerateTest, cancelling_stops_between_chunks_of_the_prompt_and_between_tokens) {
  for (const int allowed : {0, 1, 5}) {
    Session s = session();
    int asked = 0;
    const Generation result = generate(s, *tokenizer_, request(std::string(kPrefillRows + 10, 'a'), 50),
                                       {.on_text = {}, .cancelled = [&] { return asked++ == allowed; }});
    EXPECT_EQ(result.finish, FinishReason::cancelled);
    EXPECT_EQ(s.tokens().size(), allowed == 0 ? 0u : allowed == 1 ? size_t{kPrefillRows} : size_t{kPrefillRows + 13});
    EXPECT_EQ(result.tokens.size(), allowed == 5 ? 4u : 0u);
  }
}

TEST_F(GenerateTest, rows_of_logits_without_a_token_are_never_sampled) {
  GenerateRequest wanted = request("a", 300);
  wanted.sampling = {.temperature = 10, .top_k = 0, .top_p = 1, .min_p = 0};
  for (const int32_t token : fresh(wanted).tokens) EXPECT_LT(token, tokenizer_->vocab_size());
}

TEST_F(GenerateTest, requests_that_cannot_be_run_are_refused_with_numbers) {
  EXPECT_THAT([&] { fresh(request("", 1)); }, ThrowsMessage<UsageError>(HasSubstr("at least one")));
  EXPECT_THAT([&] { fresh(request("abcdefghijk", 1), 10); },
              ThrowsMessage<UsageError>(HasSubstr("has 11 tokens but the context holds 10")));
  EXPECT_THAT([&] { fresh(request("a", -1)); }, ThrowsMessage<UsageError>(HasSubstr("max_tokens is -1")));
  EXPECT_THAT([&] { fresh({.prompt = {264}, .sampling = {}, .stops = {}}); },
              ThrowsMessage<UsageError>(HasSubstr("token 264 is not of this model")));
  EXPECT_THAT([&] { session(-1); }, ThrowsMessage<UsageError>(HasSubstr("context is -1, expected 1 to")));
  EXPECT_THAT([&] { session(-1); }, ThrowsMessage<UsageError>(HasSubstr("context is -1")));
}

}  // namespace
}  // namespace bantam
