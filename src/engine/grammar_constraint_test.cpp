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

const AnswerForm kTools{Kind::text_with_calls, R"([
    {"type": "function", "function": {"name": "now"}},
    {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {
        "city": {"enum": ["Seoul", "부산"]}, "days": {"type": "integer", "minimum": 1, "maximum": 9}},
        "required": ["city"], "additionalProperties": false}}}])"};

// Bytes, the marks as one token each, and tokens that hold parts of the mark.
Metadata vocabulary_with_marks(int64_t type_of_marks, const std::vector<std::string>& more = {}) {
  Metadata metadata = byte_vocabulary();
  std::vector<std::string> tokens = metadata.strings("tokenizer.ggml.tokens");
  std::vector<int64_t> types = metadata.integers_or_empty("tokenizer.ggml.token_type");
  for (const char* mark : {"<tool_call>", "</tool_call>"}) {
    tokens.emplace_back(mark);
    types.push_back(type_of_marks);
  }
  std::vector<std::string> parts = {"<tool", "_call", ">{\"", ">\n", ">no", "a<tool_ca", "<tool_call>\n{"};
  parts.insert(parts.end(), more.begin(), more.end());
  for (const std::string& part : parts) {
    tokens.push_back(to_byte_alphabet(part));
    types.push_back(1);
  }
  metadata.set("tokenizer.ggml.tokens", tokens);
  metadata.set("tokenizer.ggml.token_type", types);
  return metadata;
}

int32_t token_of(const Tokenizer& tokenizer, std::string_view text) {
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (tokenizer.piece(id) == text) return id;
  }
  ADD_FAILURE() << "no token: " << text;
  return 0;
}

void write(const Tokenizer& tokenizer, Constraint& constraint, const std::vector<std::string>& tokens) {
  for (const std::string& text : tokens) constraint.accept(token_of(tokenizer, text));
}

std::vector<std::string> bytes_of(std::string_view text) {
  std::vector<std::string> out;
  for (const char c : text) out.emplace_back(1, c);
  return out;
}

// What lies between the marks.
void expect_call(const std::string& text) {
  const Json call = parse_json(text, "a call");
  ASSERT_EQ(call.size(), 2u) << text;
  if (call["name"] == "now") {
    EXPECT_EQ(call["arguments"], Json::object()) << text;
    return;
  }
  EXPECT_EQ(call["name"], "weather");
  const Json& arguments = call["arguments"];
  EXPECT_TRUE(arguments["city"] == "Seoul" || arguments["city"] == "부산") << text;
  if (arguments.size() == 1) return;
  ASSERT_EQ(arguments.size(), 2u) << text;
  EXPECT_GE(arguments["days"], 1) << text;
  EXPECT_LE(arguments["days"], 9) << text;
}

// Draws from what is allowed until free text goes on. Returns what was written before the mark that ends the call.
std::string random_call(const Tokenizer& tokenizer, Constraint& constraint, Rng& rng) {
  std::string text;
  while (!constraint.complete() && text.size() < 2000) {
    EXPECT_TRUE(constraint.restricts());
    const std::vector<uint8_t> mask = mask_of(tokenizer, constraint);
    std::vector<int32_t> allowed;
    for (size_t id = 0; id < mask.size(); ++id) {
      if (mask[id] != 0) allowed.push_back(static_cast<int32_t>(id));
    }
    for (const int32_t id : allowed) EXPECT_FALSE(tokenizer.is_end_of_generation(id)) << text;
    const int32_t token = allowed.at(rng.below(allowed.size()));
    constraint.accept(token);
    text += tokenizer.piece(token);
  }
  EXPECT_TRUE(text.ends_with("</tool_call>")) << text;
  return text.substr(0, text.find("</tool_call>"));
}

TEST_F(GrammarConstraintTest, a_call_in_free_text_follows_its_schema_however_its_mark_is_written) {
  Rng rng(4);
  for (const int64_t type : {3, 4}) {  // the marks are called control, or user-defined
    const Tokenizer tokenizer = Tokenizer::from_metadata(vocabulary_with_marks(type));
    FormCache cache(tokenizer);
    const std::vector<std::vector<std::string>> spellings = {
        {"<tool_call>"},
        bytes_of("<tool_call>"),
        {"<tool", "_call", ">"},
        {"a<tool_ca", "l", "l", ">"},
        {"<", "<tool", "<tool", "_call", ">"},
        {"<tool", "_call", ">{\""},
        {"<tool", "_call", ">\n"},
        {"<tool_call>\n{"},
    };
    for (const std::vector<std::string>& spelling : spellings) {
      const auto constraint = cache.constraint(kTools, 'y');
      for (int call = 0; call < 2; ++call) {  // free text, a call, free text, another call
        write(tokenizer, *constraint, bytes_of("I <tool> <tool_calls> </tool_call> \xEC"));
        EXPECT_FALSE(constraint->restricts());
        EXPECT_TRUE(constraint->complete());
        write(tokenizer, *constraint, spelling);
        EXPECT_FALSE(constraint->complete());
        std::string begun = spelling.back().substr(spelling.back().find('>') + 1);
        expect_call(begun + random_call(tokenizer, *constraint, rng));
        EXPECT_FALSE(constraint->restricts());
      }
    }
  }
}

TEST_F(GrammarConstraintTest, a_token_that_ends_the_mark_and_goes_on_as_no_call_does_not_come) {
  const Tokenizer tokenizer = Tokenizer::from_metadata(vocabulary_with_marks(4, {"<tool_call>x"}));
  FormCache cache(tokenizer);
  const auto constraint = cache.constraint(kTools, 'y');
  const auto forbidden = [&] {
    std::vector<std::string> out;
    const std::vector<uint8_t> mask = mask_of(tokenizer, *constraint);
    for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
      if (mask[static_cast<size_t>(id)] == 0) out.emplace_back(tokenizer.piece(id));
    }
    return out;
  };
  EXPECT_THAT(forbidden(), testing::ElementsAre("<tool_call>x"));
  write(tokenizer, *constraint, {"<tool", "_call"});
  EXPECT_TRUE(constraint->restricts());
  EXPECT_THAT(forbidden(), testing::ElementsAre(">no", "<tool_call>x"));
}

TEST_F(GrammarConstraintTest, a_model_calls_tools_in_free_text_and_writes_the_same_text_when_it_calls_none) {
  ModelConfig config = test_text_config();
  config.vocab = 272;
  const TestModel random(config, 1);
  Metadata metadata = gguf_metadata(random.config);
  for (const auto& [key, value] : vocabulary_with_marks(4)) metadata.set(key, value);
  write_gguf(folder_ / "calls.gguf", metadata, gguf_tensors(random.config, random.weights));
  const auto model = Model::load(folder_ / "calls.gguf");
  std::vector<std::string> texts;
  int calls = 0;
  for (const bool speculation : {false, true}) {
    Engine engine(model, {.threads = 1, .speculation = speculation});
    const int32_t mark = token_of(engine.tokenizer(), "<tool_call>");
    for (uint64_t seed = 0; seed < 6; ++seed) {
      Request calling = request(engine, kTools, seed);
      calling.sampling.logit_bias = {{mark, 6.0F}};  // often, but not always
      const std::string text = generate(engine, std::move(calling)).text;
      texts.push_back(text);
      for (size_t at = text.find(kCallBegin); at != std::string::npos; at = text.find(kCallBegin, at + 1)) {
        const size_t begin = at + kCallBegin.size(), end = text.find(kCallEnd, begin);
        if (end == std::string::npos) break;  // cut at the limit
        expect_call(text.substr(begin, end - begin));
        ++calls;
      }
      Request talking = request(engine, kTools, seed), free = request(engine, kTools, seed);
      free.constraint = nullptr;
      free.sampling.logit_bias = {{mark, -100.0F}, {mark + 8, -100.0F}};  // both that hold the mark
      talking.sampling.logit_bias = free.sampling.logit_bias;
      EXPECT_EQ(generate(engine, std::move(talking)).text, generate(engine, std::move(free)).text);
    }
  }
  EXPECT_GT(calls, 10);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(texts[i], texts[i + 6]) << "speculation changes nothing";
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

TEST_P(RealVocabularies, free_text_is_not_asked_about_and_calls_follow_their_schema) {
  const std::filesystem::path path =
      std::filesystem::path(BANTAM_SHARED_DIR) / "tokenizers" / fmt::format("ggml-vocab-{}.gguf", GetParam());
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "skipped: " << path << " is not there";
  const Tokenizer tokenizer = Tokenizer::from_metadata(read_gguf(path).metadata);
  FormCache cache(tokenizer);
  Rng rng(5);
  const auto constraint = cache.constraint(kTools, tokenizer.encode("\n").back());
  for (int call = 0; call < 3; ++call) {
    for (const int32_t token : tokenizer.encode("서울 <b> \n</tool_call>")) {
      EXPECT_FALSE(constraint->restricts());
      constraint->accept(token);
    }
    for (const int32_t token : tokenizer.encode("x<tool_call>")) constraint->accept(token);
    expect_call(random_call(tokenizer, *constraint, rng));
  }
}

INSTANTIATE_TEST_SUITE_P(GrammarConstraint, RealVocabularies,
                         testing::Values("llama-spm", "gpt-2", "phi-3", "llama-bpe", "qwen2"));

}  // namespace
}  // namespace bantam
