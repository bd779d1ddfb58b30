#include "engine/grammar_constraint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "base/error.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/test_folder.h"
#include "base/utf8.h"
#include "engine/generate.h"
#include "engine/test_text_model.h"
#include "formats/gguf.h"
#include "text/stream_decoder.h"
#include "text/test_vocabularies.h"

namespace bantam {
namespace {

using Kind = AnswerForm::Kind;

const AnswerForm kPerson{Kind::json_schema, R"({"type": "object", "properties": {
    "이름": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "minimum": 0, "maximum": 120},
    "city": {"enum": ["서울", "부산", "Zürich"]}, "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3}},
    "required": ["이름", "age"], "additionalProperties": false})"};

bool is_person(const std::string& text) {
  const Json value = parse_json(text, "an answer");
  return value.is_object() && value.contains("이름") && value["age"].is_number_integer() && value["age"] <= 120;
}

std::vector<uint8_t> mask_of(const Tokenizer& tokenizer, Constraint& constraint) {
  std::vector<uint8_t> mask(static_cast<size_t>(tokenizer.vocab_size()), 7);
  constraint.allow(mask);
  return mask;
}

// Allowed tokens drawn at random, sooner or later the shortest of them, until the text ends.
std::string random_answer(const Tokenizer& tokenizer, Constraint& constraint, Rng& rng, int32_t previous = -1) {
  StreamDecoder decoder(tokenizer, previous);
  std::string text;
  for (int step = 0; step < 3000; ++step) {
    const std::vector<uint8_t> mask = mask_of(tokenizer, constraint);
    std::vector<int32_t> allowed;
    for (size_t id = 0; id < mask.size(); ++id) {
      if (mask[id] != 0) allowed.push_back(static_cast<int32_t>(id));
    }
    if (allowed.empty() && constraint.complete()) return text + decoder.finish();
    EXPECT_FALSE(allowed.empty()) << "nothing may come after: " << text;
    if (allowed.empty()) return text;
    int32_t token = allowed[rng.below(allowed.size())];
    if (constraint.complete()) token = allowed.back();
    for (const int32_t id : allowed) {
      if (tokenizer.is_end_of_generation(id) && (step > 50 || rng.below(3) == 0)) return text + decoder.finish();
      if (step > 60 && tokenizer.piece(id) == "\"") token = id;
    }
    constraint.accept(token);
    text += decoder.push(token);
  }
  ADD_FAILURE() << "no end: " << text.substr(0, 200);
  return text;
}

class GrammarConstraintTest : public testing::Test {
 protected:
  GrammarConstraintTest() {
    write_test_text_model(folder_ / "m.gguf");
    model_ = Model::load(folder_ / "m.gguf");
  }
  Request request(Engine& engine, const AnswerForm& form, uint64_t seed, int max_tokens = 400) const {
    Request out;
    out.prompt = engine.tokenizer().encode("say");
    out.max_tokens = max_tokens;
    out.sampling.temperature = 1;
    out.sampling.seed = seed;
    out.constraint = engine.constraint(form, out.prompt.back());
    return out;
  }

  TestFolder folder_;
  std::shared_ptr<const Model> model_;
};

TEST_F(GrammarConstraintTest, a_mask_allows_what_each_token_alone_would) {
  const Tokenizer tokenizer = testing_text::trained({.vocab_size = 400});
  FormCache cache(tokenizer);
  Rng rng(1);
  const Automaton automaton = compile_form(kPerson);
  for (int round = 0; round < 20; ++round) {
    const auto constraint = cache.constraint(kPerson, -1);
    Matcher matcher(std::make_shared<const Automaton>(automaton));
    Matcher::State state = matcher.start();
    for (int step = 0; step < 12; ++step) {
      const std::vector<uint8_t> mask = mask_of(tokenizer, *constraint);
      std::vector<int32_t> allowed;
      for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
        if (tokenizer.is_end_of_generation(id)) {
          ASSERT_EQ(mask[static_cast<size_t>(id)] != 0, matcher.complete(state));
          continue;
        }
        Matcher::State after = tokenizer.is_control(id) ? Matcher::kDead : state;
        for (const char c : tokenizer.piece(id))
          if (after != Matcher::kDead) after = matcher.next(after, static_cast<uint8_t>(c));
        ASSERT_EQ(mask[static_cast<size_t>(id)] != 0, after != Matcher::kDead) << tokenizer.piece(id);
        if (after != Matcher::kDead) allowed.push_back(id);
      }
      if (allowed.empty()) break;
      const int32_t token = allowed[rng.below(allowed.size())];
      for (const char c : tokenizer.piece(token)) state = matcher.next(state, static_cast<uint8_t>(c));
      constraint->accept(token);
    }
  }
}

TEST_F(GrammarConstraintTest, answers_have_their_form_and_end_by_themselves_or_at_the_limit) {
  Engine engine(model_, {.threads = 1});
  int ended = 0;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    const Generation person = generate(engine, request(engine, kPerson, seed));
    if (person.finish != FinishReason::end_of_text) continue;
    ++ended;
    EXPECT_TRUE(is_person(person.text)) << person.text;
  }
  EXPECT_GT(ended, 6);
  for (uint64_t seed = 0; seed < 6; ++seed) {
    const Generation choice = generate(engine, request(engine, {Kind::choice, R"(["yes","no","아니오"])"}, seed));
    EXPECT_EQ(choice.finish, FinishReason::end_of_text);
    EXPECT_TRUE(choice.text == "yes" || choice.text == "no" || choice.text == "아니오") << choice.text;
  }
  const Generation cut = generate(engine, request(engine, {Kind::regex, "[ab]{100}"}, 1, 5));
  EXPECT_EQ(cut.finish, FinishReason::max_tokens);
}

TEST_F(GrammarConstraintTest, speculation_and_neighbours_change_nothing) {
  const AnswerForm repetitive{Kind::regex, "(the cat sat on the mat, ){4,8}"};
  std::vector<std::string> alone;
  for (const bool speculation : {false, true}) {
    Engine engine(model_, {.threads = 1, .speculation = speculation});
    for (uint64_t seed = 0; seed < 6; ++seed) {
      const std::string text = generate(engine, request(engine, seed % 2 == 0 ? repetitive : kPerson, seed)).text;
      if (speculation) {
        EXPECT_EQ(text, alone[seed]);
      } else {
        alone.push_back(text);
      }
    }
  }
  Engine engine(model_, {.threads = 1, .cache_tokens = 4096});
  std::vector<Stream> streams;
  for (uint64_t seed = 0; seed < 6; ++seed)
    streams.push_back(engine.submit(request(engine, seed % 2 == 0 ? repetitive : kPerson, seed)));
  for (uint64_t seed = 0; seed < 6; ++seed) {
    std::string text;
    for (bool ended = false; !ended;) {
      const Event event = *streams[seed].next();
      if (const auto* piece = std::get_if<TextEvent>(&event)) text += piece->text;
      ended = !std::holds_alternative<TextEvent>(event);
    }
    EXPECT_EQ(text, alone[seed]);
  }
}

TEST_F(GrammarConstraintTest, the_states_of_a_long_answer_are_renewed) {
  const Tokenizer tokenizer = testing_text::trained({.vocab_size = 300});
  FormCache cache(tokenizer);
  // More states than a table keeps: every count is one.
  const auto constraint = cache.constraint({Kind::regex, "(a[bc]d?){3000}!"}, -1);
  std::vector<uint8_t> mask(static_cast<size_t>(tokenizer.vocab_size()));
  const auto token_of = [&](char c) { return tokenizer.encode(std::string(1, c)).at(0); };
  for (int i = 0; i < 3000; ++i) {
    for (const char c : {'a', 'b', 'd'}) {
      constraint->allow(mask);
      ASSERT_EQ(mask[static_cast<size_t>(token_of(c))], 1) << i;
      ASSERT_EQ(mask[static_cast<size_t>(token_of('!'))], i == 2999 && c == 'd' ? 1 : 0) << i;
      constraint->accept(token_of(c));
    }
  }
  constraint->allow(mask);
  EXPECT_EQ(mask[static_cast<size_t>(token_of('!'))], 1);
  EXPECT_EQ(mask[static_cast<size_t>(token_of('a'))], 0);
}

TEST_F(GrammarConstraintTest, a_vocabulary_without_some_characters_still_comes_to_an_end) {
  // No token for "부", "서", "ü", digits other than 1, and no bytes to write them with.
  std::vector<std::string> pieces;
  for (const char c : std::string("{}[]\",:abcdefgimnorstuyzZ1 \\-ntch")) pieces.emplace_back(1, c);
  for (const char* piece : {"이", "름", "이름", "울", "산", "\xE2\x96\x81", "\"\xEC\x84", "1\xEB"})
    pieces.emplace_back(piece);
  Metadata metadata = testing_text::sentencepiece(pieces);
  std::vector<std::string> tokens = metadata.strings("tokenizer.ggml.tokens");
  std::vector<int64_t> types = metadata.integers_or_empty("tokenizer.ggml.token_type");
  for (int byte = 0; byte < 256; ++byte) types[static_cast<size_t>(3 + byte)] = 5;  // unused
  metadata.set("tokenizer.ggml.token_type", types);
  const Tokenizer tokenizer = Tokenizer::from_metadata(metadata);
  FormCache cache(tokenizer);
  Rng rng(2);
  for (int round = 0; round < 60; ++round) {
    const auto constraint = cache.constraint(kPerson, -1);
    const std::string text = random_answer(tokenizer, *constraint, rng);
    ASSERT_TRUE(is_person(text)) << text;
    EXPECT_EQ(text.find("부산"), std::string::npos);
  }
  EXPECT_THROW(cache.constraint({Kind::choice, R"(["부산", "서울"])"}, -1), FormatError);
}

TEST_F(GrammarConstraintTest, the_space_that_a_vocabulary_adds_is_not_part_of_the_text) {
  Metadata metadata = testing_text::sentencepiece({"\xE2\x96\x81yes", "\xE2\x96\x81no", "yes", "\xE2\x96\x81"});
  metadata.set("tokenizer.ggml.add_space_prefix", true);
  const Tokenizer tokenizer = Tokenizer::from_metadata(metadata);
  FormCache cache(tokenizer);
  const AnswerForm form{Kind::choice, R"(["yes"])"};
  const auto first = mask_of(tokenizer, *cache.constraint(form, *tokenizer.bos()));
  EXPECT_EQ(first[static_cast<size_t>(*tokenizer.find("\xE2\x96\x81yes"))], 1);
  EXPECT_EQ(first[static_cast<size_t>(*tokenizer.find("yes"))], 1);
  EXPECT_EQ(first[static_cast<size_t>(*tokenizer.find("\xE2\x96\x81"))], 0);
  const auto later = mask_of(tokenizer, *cache.constraint(form, *tokenizer.find("yes")));
  EXPECT_EQ(later[static_cast<size_t>(*tokenizer.find("\xE2\x96\x81yes"))], 0);
  EXPECT_EQ(later[static_cast<size_t>(*tokenizer.find("yes"))], 1);
}

class RealVocabularies : public testing::TestWithParam<const char*> {};

TEST_P(RealVocabularies, random_answers_are_valid_and_masks_come_fast) {
  const std::filesystem::path path =
      std::filesystem::path(BANTAM_SHARED_DIR) / "tokenizers" / fmt::format("ggml-vocab-{}.gguf", GetParam());
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "skipped: " << path << " is not there";
  const Tokenizer tokenizer = Tokenizer::from_metadata(read_gguf(path).metadata);
  FormCache cache(tokenizer);
  Rng rng(3);
  std::vector<double> ms;
  std::vector<uint8_t> mask(static_cast<size_t>(tokenizer.vocab_size()));
  for (int round = 0; round < 25; ++round) {
    const AnswerForm form = round % 2 == 0 ? kPerson : AnswerForm{Kind::json, ""};
    const auto constraint = cache.constraint(form, tokenizer.encode("\n").back());
    const std::string text = random_answer(tokenizer, *constraint, rng, tokenizer.encode("\n").back());
    ASSERT_EQ(find_invalid_utf8(text), std::nullopt);
    if (round % 2 == 0) {
      ASSERT_TRUE(is_person(text)) << text;
    } else {
      ASSERT_TRUE(parse_json(text, "an answer").is_object());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(GrammarConstraint, RealVocabularies,
                         testing::Values("llama-spm", "gpt-2", "phi-3", "llama-bpe", "qwen2"));

}  // namespace
}  // namespace bantam
