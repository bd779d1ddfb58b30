#include "engine/constraint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "base/test_folder.h"
#include "engine/generate.h"
#include "engine/test_text_model.h"

namespace bantam {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// "a" any number of times, then "!".
struct Cry {
  bool ended = false;
  bool push(unsigned char c) {
    if (ended || (c != 'a' && c != '!')) return false;
    ended = c == '!';
    return true;
  }
  bool complete() const { return ended; }
};

// Allows nothing at all.
struct Silence {
  bool push(unsigned char) { return false; }
  bool complete() const { return false; }
};

class ConstraintTest : public testing::Test {
 protected:
  ConstraintTest() {
    write_test_text_model(folder_ / "m.gguf");
    model_ = Model::load(folder_ / "m.gguf");
    tokenizer_ = std::make_unique<Tokenizer>(Tokenizer::from_metadata(model_->metadata()));
    pieces_ = std::make_shared<SortedPieces>(*tokenizer_);
  }

  std::vector<int32_t> allowed(Constraint& constraint) const {
    std::vector<uint8_t> mask(static_cast<size_t>(tokenizer_->vocab_size()), 7);
    constraint.allow(mask);
    std::vector<int32_t> ids;
    for (size_t id = 0; id < mask.size(); ++id) {
      if (mask[id] != 0) ids.push_back(static_cast<int32_t>(id));
    }
    return ids;
  }

  Request request(uint64_t seed, std::unique_ptr<Constraint> constraint) const {
    Request wanted;
    wanted.prompt = tokenizer_->encode("say");
    wanted.max_tokens = 40;
    wanted.sampling.temperature = 2;
    wanted.sampling.seed = seed;
    wanted.constraint = std::move(constraint);
    return wanted;
  }

  TestFolder folder_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::shared_ptr<const SortedPieces> pieces_;
};

TEST_F(ConstraintTest, tokens_are_allowed_when_all_their_bytes_are) {
  ByteConstraint<Cry> cry(pieces_, Cry{});
  EXPECT_EQ(allowed(cry), (std::vector<int32_t>{'!', 'a', kTestLongToken}));
  cry.accept(kTestLongToken);
  EXPECT_EQ(allowed(cry), (std::vector<int32_t>{'!', 'a', kTestLongToken}));
}

TEST_F(ConstraintTest, a_text_may_end_only_when_it_is_complete) {
  ByteConstraint<Cry> cry(pieces_, Cry{});
  cry.accept('!');
  const std::vector<int32_t> ids = allowed(cry);
  ASSERT_FALSE(ids.empty());
  for (const int32_t id : ids) EXPECT_TRUE(tokenizer_->is_end_of_generation(id)) << id;
}

TEST_F(ConstraintTest, walking_shared_beginnings_allows_what_each_token_alone_would) {
  // Words that share beginnings with refused ones, in a made-up vocabulary of sorted neighbours.
  Metadata meta = byte_vocabulary();
  std::vector<std::string> tokens = meta.strings("tokenizer.ggml.tokens");
  std::vector<int64_t> types(tokens.size(), 1);
  for (const char* word : {"aab", "aabc", "aac", "aa", "aaaa!", "aa!a", "a!", "baa", "!a", "aab!"}) {
    tokens.emplace_back(word);
    types.push_back(1);
  }
  meta.set("tokenizer.ggml.tokens", tokens);
  meta.set("tokenizer.ggml.token_type", types);
  const Tokenizer tokenizer = Tokenizer::from_metadata(meta);
  ByteConstraint<Cry> cry(std::make_shared<SortedPieces>(tokenizer), Cry{});
  std::vector<uint8_t> mask(tokens.size());
  cry.allow(mask);
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (tokenizer.is_end_of_generation(id)) continue;
    Cry alone;
    bool fits = true;
    for (const char c : tokenizer.piece(id)) fits = fits && alone.push(static_cast<unsigned char>(c));
    EXPECT_EQ(mask[static_cast<size_t>(id)] != 0, fits) << tokenizer.piece(id);
  }
}

TEST_F(ConstraintTest, a_generation_keeps_to_its_constraint) {
  Engine engine(model_, {.threads = 1});
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Generation result = generate(engine, request(seed, std::make_unique<ByteConstraint<Cry>>(pieces_, Cry{})));
    EXPECT_EQ(result.text.find_first_not_of('a'), result.text.find('!'));
    if (result.finish == FinishReason::end_of_text) {
      EXPECT_TRUE(result.text.ends_with('!'));
    }
  }
}

TEST_F(ConstraintTest, a_constraint_that_allows_nothing_is_an_error) {
  Engine engine(model_, {.threads = 1});
  EXPECT_THAT([&] { generate(engine, request(0, std::make_unique<ByteConstraint<Silence>>(pieces_, Silence{}))); },
              ThrowsMessage<Error>(HasSubstr("no token")));
}

}  // namespace
}  // namespace bantam
