// The command line from outside: what other programs rely on, and what bad input gets.
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/file.h"
#include "base/json.h"
#include "base/test_folder.h"
#include "cli_fixture.h"
#include "engine/reader.h"
#include "engine/session.h"
#include "engine/test_text_model.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kCommands[] = {"chat", "generate", "run", "show", "bench", "tokenize", "detokenize", "logits"};

TEST_F(CliTest, help_lists_the_commands_and_each_explains_itself_with_examples) {
  const Result all = bantam("--help");
  EXPECT_EQ(all.code, 0);
  EXPECT_THAT(all.out, HasSubstr("Exit codes"));
  for (const std::string command : kCommands) {
    EXPECT_THAT(all.out, HasSubstr(command));
    const Result one = bantam(command + " --help");
    EXPECT_EQ(one.code, 0);
    EXPECT_THAT(one.out, AllOf(HasSubstr("Examples:\n  bantam "), HasSubstr("--model")));
    EXPECT_EQ(one.err, "");
  }
  EXPECT_THAT(bantam("--version").out, StartsWith("bantam "));
}

TEST_F(CliTest, detokenize_gives_back_the_bytes_tokenize_was_given) {
  std::string text = "  lead, 한국어\r\n\n trail \xff\xc3 \n";
  text += '\0';
  const Result ids = bantam("tokenize -m m.gguf", text);
  EXPECT_EQ(ids.code, 0);
  EXPECT_EQ(parse_json(ids.out, "ids").size(), text.size());
  EXPECT_EQ(bantam("detokenize -m m.gguf", ids.out).out, text);
  EXPECT_EQ(bantam("tokenize -m m.gguf", "").out, "[]\n");
}

TEST_F(CliTest, tokenize_adds_and_recognises_control_tokens_only_when_asked) {
  EXPECT_EQ(bantam("tokenize -m m.gguf --bos", "A").out, "[256,65]\n");
  EXPECT_EQ(bantam("tokenize -m m.gguf --special", "A<|im_end|>").out, "[65,258]\n");
  EXPECT_EQ(parse_json(bantam("tokenize -m m.gguf", "A<|im_end|>").out, "ids").size(), 11u);
  EXPECT_EQ(bantam("detokenize -m m.gguf", "[65,258]").out, "A");
  EXPECT_EQ(bantam("detokenize -m m.gguf --special", "[65,258]").out, "A<|im_end|>");
}

TEST_F(CliTest, a_file_that_holds_only_a_vocabulary_tokenizes) {
  write_gguf(folder_ / "vocab.gguf", byte_vocabulary(), {});
  EXPECT_EQ(bantam("tokenize -m vocab.gguf", "A\n").out, "[65,10]\n");
}

TEST_F(CliTest, every_command_says_once_that_words_are_cut_by_guess) {
  const ModelFile file = read_gguf(folder_ / "m.gguf");
  Metadata metadata = file.metadata;
  metadata.set("tokenizer.ggml.pre", std::string("tomorrow"));
  std::vector<TensorSource> tensors;
  for (const NamedTensor& tensor : file.tensors()) tensors.push_back(source_of(tensor));
  write_gguf(folder_ / "odd.gguf", metadata, tensors);
  write("text.txt", std::string(100, 'b'));
  for (const char* command :
       {"tokenize -m odd.gguf", "generate -m odd.gguf -p a -n 1", "perplexity -m odd.gguf text.txt",
        "calibrate odd.gguf --data text.txt -o i.gguf", "show odd.gguf", "chat -m odd.gguf"}) {
    const Result result = bantam(command);
    EXPECT_EQ(result.code, 0) << command << ": " << result.err;
    const size_t said = result.err.find("'tomorrow'");
    EXPECT_NE(said, std::string::npos) << command << ": " << result.err;
    EXPECT_EQ(result.err.find("'tomorrow'", said + 1), std::string::npos) << command << ": " << result.err;
  }
}

TEST_F(CliTest, generate_prints_only_the_continuation_whatever_the_threads) {
  const std::string arguments = "generate -m m.gguf -p 'Hello' -n 20 --temp 0 --seed 1 -t ";
  const Result one = bantam(arguments + "1");
  EXPECT_EQ(one.code, 0);
  EXPECT_EQ(one.err, "");
  EXPECT_EQ(bantam(arguments + "3").out, one.out);
  const Json json = parse_json(bantam(arguments + "1 --json").out, "json");
  EXPECT_EQ(json["text"], one.out);
  EXPECT_EQ(json["finish_reason"], "max_tokens");
  EXPECT_EQ(json["prompt_tokens"], 5);
  EXPECT_EQ(json["completion_tokens"], 20);
  EXPECT_EQ(json["tokens"].size(), 20u);
  for (const char* key : {"load_s", "prefill_s", "decode_s", "decode_tokens_per_s"}) EXPECT_GT(json[key], 0.0) << key;
}

TEST_F(CliTest, a_prompt_comes_from_the_command_line_standard_input_or_a_file) {
  write("prompt", "-[a] 한국");
  const std::string rest = " -m m.gguf -n 8 --temp 0";
  const std::string expected = bantam("generate -p '-[a] 한국'" + rest).out;
  EXPECT_EQ(bantam("run -p -" + rest, "-[a] 한국").out, expected);
  EXPECT_EQ(bantam("generate -f prompt" + rest).out, expected);
}

TEST_F(CliTest, one_seed_one_text) {
  const std::string arguments = "generate -m m.gguf -p a -n 30 --temp 1 --seed ";
  EXPECT_EQ(bantam(arguments + "1").out, bantam(arguments + "1").out);
  EXPECT_NE(bantam(arguments + "1").out, bantam(arguments + "2").out);
}

TEST_F(CliTest, sampling_flags_reach_the_sampler) {
  const std::string arguments = "generate -m m.gguf -p a -n 4 --logit-bias 120=100 --logit-bias 121=99";
  EXPECT_EQ(bantam(arguments + " --top-k 1").out, "xxxx");
  EXPECT_EQ(bantam(arguments + " --temp 0 --presence-penalty 3").out, "xyxx");
  EXPECT_EQ(bantam(arguments + " --temp 0 --stop xx").out, "");
}

TEST_F(CliTest, a_full_context_is_said_on_standard_error) {
  const Result result = bantam("generate -m m.gguf -p abc -n -1 -c 10 --temp 0 --logit-bias 120=100");
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "xxxxxxxx");
  EXPECT_THAT(result.err, HasSubstr("the context of 10 tokens is full"));
}

TEST_F(CliTest, logits_are_what_the_model_says_after_each_token) {
  const Result result = bantam("logits -m m.gguf --tokens 1,2,3 -o out.f32");
  EXPECT_EQ(result.code, 0) << result.err;
  const std::string bytes = read_file(folder_ / "out.f32");
  Session session(Model::load(folder_ / "m.gguf"), 1);
  const std::vector<int32_t> tokens{1, 2, 3};
  const Tensor expected = session.append(tokens, Logits::all_rows);
  ASSERT_EQ(bytes.size(), expected.size() * sizeof(float));
  EXPECT_EQ(std::memcmp(bytes.data(), expected.data, bytes.size()), 0);
}

TEST_F(CliTest, logits_of_a_reader_are_the_scores_its_spans_are_made_of) {
  const fs::path path = fs::path(BANTAM_SOURCE_DIR) / "models/bantam-reader.gguf";
  const auto model = Model::load(path);
  const std::string_view question = "Who wrote the book?", passage = "The book came out in 1920. Ann Lee wrote it.";
  const ReadingTokens t = encode_reading(Tokenizer::from_metadata(model->metadata()), question, passage);
  const std::string flags =
      fmt::format("logits -t 1 -m {} --tokens {} -o out.f32", path.string(), fmt::join(t.ids, ","));
  const Result result = bantam(fmt::format("{} --types {}", flags, fmt::join(t.types, ",")));
  EXPECT_EQ(result.code, 0) << result.err;
  const std::string bytes = read_file(folder_ / "out.f32");
  std::vector<float> scores(2 * t.ids.size());  // [tokens, 2]: of begin and end
  ASSERT_EQ(bytes.size(), scores.size() * sizeof(float));
  std::memcpy(scores.data(), bytes.data(), bytes.size());
  const std::vector<AnswerSpan> spans = Reader(model, 1).read(question, {&passage, 1}, 1).at(0);
  ASSERT_EQ(spans.size(), 1u);
  float best = -std::numeric_limits<float>::infinity();
  for (size_t i = static_cast<size_t>(t.passage_begin); i < t.ids.size(); ++i) {
    for (size_t j = i; j < t.ids.size(); ++j) {
      best = std::max(best, scores[2 * i] + scores[2 * j + 1] - scores[0] - scores[1]);
    }
  }
  EXPECT_NEAR(best, spans[0].log_odds, 1e-4);
  expect_refusal(flags + " --types 1,2", "--types holds 2 types for");
  expect_refusal("logits -m " + path.string() + " --tokens 1 --types 20 -o out.f32", "--types holds 20");
  expect_refusal("logits -m m.gguf --tokens 1 --types 1 -o out.f32", "--types is for readers");
}

TEST_F(CliTest, bench_prints_the_numbers_others_read) {
  const Result result = bantam("bench -m m.gguf -t 1 -r 3 --json");
  const Json json = parse_json(result.out, "bench");
  for (const char* key : {"load_s", "peak_memory_bytes", "read_bytes_per_s", "byte_operations_per_s"}) {
    EXPECT_GT(json[key], 0.0) << key;
  }
  ASSERT_GE(json["speeds"].size(), 2u);
  for (const Json& speed : json["speeds"]) {
    EXPECT_GT(speed["median"], 0.0);
    EXPECT_LE(speed["min"], speed["median"]);
    EXPECT_GE(speed["max"], speed["median"]);
    EXPECT_GE(speed["others_cpus"], 0.0);
  }
  EXPECT_EQ(json["speeds"][0]["tokens"], 512);
}

TEST_F(CliTest, bench_measures_many_texts_at_once) {
  const Json json = parse_json(bantam("bench -m m.gguf -t 1 -r 1 --streams 40 --json").out, "bench");
  const Json& texts = json["speeds"].back();
  EXPECT_EQ(texts["name"], "decode, 40 texts");
  EXPECT_EQ(texts["tokens"], 40 * 128);
  EXPECT_GT(texts["median"], 0.0);
}

TEST_F(CliTest, show_counts_what_is_in_the_file) {
  const Json json = parse_json(bantam("show -m m.gguf --json --tensors").out, "show");
  EXPECT_EQ(json["architecture"]["family"], "llama");
  EXPECT_EQ(json["architecture"]["parameters"], json["formats"]["f32"]["values"]);
  EXPECT_EQ(json["tensors"].size(), json["formats"]["f32"]["tensors"]);
  EXPECT_EQ(json["tokenizer"]["tokens"], 260);
  EXPECT_EQ(json["metadata"]["llama.embedding_length"], 32);
  EXPECT_THAT(bantam("show -m m.gguf").out, AllOf(HasSubstr("llama"), HasSubstr("memory needed")));
}

TEST_F(CliTest, show_says_the_memory_of_the_context_and_format_that_are_asked_for) {
  const auto cache = [&](const std::string& options) {
    const Json json = parse_json(bantam("show -m m.gguf --json " + options).out, "show");
    return json["architecture"]["memory"]["cache_bytes"].get<int64_t>();
  };
  EXPECT_EQ(cache("-c 1024"), 2 * cache("-c 512"));
  EXPECT_EQ(cache("-c 512"), cache("-c 512 --kv f16")) << "the default";
  EXPECT_EQ(cache("-c 512 --kv f32"), 2 * cache("-c 512"));
  EXPECT_EQ(bantam("show -m m.gguf -c -1").code, 2);
  EXPECT_EQ(bantam("show -m m.gguf --kv q9").code, 2);
}

TEST_F(CliTest, chat_answers_every_line_of_a_pipe_and_keeps_remarks_out_of_it) {
  const Result result = bantam("chat -m m.gguf -n 3 --logit-bias 120=100", "hi\n안녕\n/params temperature 2\n//etc\n");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(StartsWith("xxx\nxxx\n"), HasSubstr("temperature         2 "), testing::EndsWith("\nxxx\n")));
  EXPECT_THAT(result.err, HasSubstr("cut after 3 tokens"));
  EXPECT_EQ(bantam("chat -m m.gguf -n 3 --logit-bias 120=100 --once hi").out, "xxx\n");
}

TEST_F(CliTest, a_saved_conversation_is_taken_up_again) {
  const std::string chat = "chat -m m.gguf -n 3 --logit-bias 120=100";
  EXPECT_EQ(bantam(chat, "/system Be brief.\nhi\n/save talk.json\n").code, 0);
  const std::string saved = read_file(folder_ / "talk.json");
  EXPECT_EQ(parse_json(saved, "talk")["messages"][1]["content"], "xxx");
  EXPECT_EQ(bantam(chat, "/load talk.json\n/save again.json\n").code, 0);
  EXPECT_EQ(read_file(folder_ / "again.json"), saved);
  expect_refusal(chat + " --once '/load m.gguf'", "m.gguf: not valid JSON");
}

TEST_F(CliTest, a_conversation_that_outgrows_the_context_is_refused_not_cut) {
  expect_refusal("chat -m m.gguf -c 20 --once 'a message that is longer than twenty tokens'", "the context holds 20");
}

TEST_F(CliTest, damaged_foreign_and_missing_model_files_are_refused_by_every_command) {
  const std::string whole = read_file(folder_ / "m.gguf");
  write("truncated.gguf", whole.substr(0, whole.size() / 2));
  write("text.gguf", "This is not a model.");
  write("empty.gguf", "");
  for (const std::string command :
       {"generate -p x", "bench", "show", "tokenize", "detokenize", "chat", "logits --tokens 1 -o l.f32"}) {
    expect_refusal(command + " -m truncated.gguf", "truncated.gguf");
    expect_refusal(command + " -m text.gguf", "text.gguf");
    expect_refusal(command + " -m empty.gguf", "empty.gguf");
    expect_refusal(command + " -m none.gguf", "No such file");
    expect_refusal(command + " -m /dev/null", "/dev/null");
  }
  EXPECT_FALSE(fs::exists(folder_ / "l.f32"));
}

TEST_F(CliTest, an_unknown_architecture_is_named_with_the_known_ones_and_still_shown) {
  Metadata meta = byte_vocabulary();
  meta.set("general.architecture", std::string("martian"));
  write_gguf(folder_ / "martian.gguf", meta, {});
  expect_refusal("generate -m martian.gguf -p x", "'martian' is not known; known: llama");
  const Result shown = bantam("show -m martian.gguf");
  EXPECT_EQ(shown.code, 0);
  EXPECT_THAT(shown.out, AllOf(HasSubstr("cannot be run"), HasSubstr("martian"), HasSubstr("260 tokens")));
}

TEST_F(CliTest, wrong_flags_are_refused_with_what_was_wanted) {
  expect_refusal("fly", "fly");
  expect_refusal("generate -m m.gguf", "needs a prompt");
  expect_refusal("generate -m m.gguf -p a -f b", "--file");
  expect_refusal("generate -m m.gguf -p a --flaps 3", "--flaps");
  expect_refusal("generate -m m.gguf -p a -n many", "many");
  expect_refusal("generate -m m.gguf -p a -n -2", "--max-tokens is -2, expected 0 or more");
  expect_refusal("generate -m m.gguf -p a --temp -1", "temperature is -1, expected 0 to 10");
  expect_refusal("generate -m m.gguf -p a --top-p 1.5", "top_p is 1.5");
  expect_refusal("generate -m m.gguf -p a --logit-bias 3", "'3', expected TOKEN=BIAS");
  expect_refusal("generate -m m.gguf -p a --logit-bias 300=1", "token 300, expected 0 to 259");
  expect_refusal("generate -m m.gguf -p a --stop ''", "stop string is empty");
  expect_refusal("generate -m m.gguf -p a -t 0", "thread count is 0");
  expect_refusal("generate -m m.gguf -p a -c -5", "context is -5, expected 1 to");
  expect_refusal("generate -m m.gguf -p a --kv f64", "expected f32, f16 or q8_0");
  expect_refusal("generate -m m.gguf -p ''", "at least one");
  expect_refusal("generate -m m.gguf -f none.txt", "none.txt");
  expect_refusal("bench -m m.gguf -r 0", "--runs is 0");
  expect_refusal("bench -m m.gguf --streams 257", "--streams is 257");
  expect_refusal("chat -m m.gguf -n 0", "max_tokens is 0");
  expect_refusal("detokenize -m m.gguf", "standard input");
}

TEST_F(CliTest, wrong_tokens_leave_no_output_behind) {
  expect_refusal("logits -m m.gguf --tokens 1,264 -o out.f32", "token 264 is not of this model");
  expect_refusal("logits -m m.gguf --tokens 1,,2 -o out.f32", "'', expected a whole number");
  expect_refusal("logits -m m.gguf --tokens 1 -o no/such/folder.f32", "no/such/folder.f32: cannot be created");
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    EXPECT_THAT(entry.path().filename().string(), testing::AnyOf("m.gguf", "in", "out", "err"));
  }
}

TEST_F(CliTest, a_full_disk_is_an_error_and_a_closed_pipe_is_not) {
  const Result full = shell(fmt::format("{} tokenize -m m.gguf < in > /dev/full", BANTAM_BINARY), "text");
  EXPECT_EQ(full.code, 2);
  EXPECT_THAT(full.err, HasSubstr("No space left"));
  const std::string text(200'000, 'x');
  const Result closed =
      shell(fmt::format("{{ {} tokenize -m m.gguf < in; echo $? > code; }} | head -c 1", BANTAM_BINARY), text);
  EXPECT_EQ(closed.err, "");
  EXPECT_EQ(read_file(folder_ / "code"), "0\n");
}

}  // namespace
}  // namespace bantam
