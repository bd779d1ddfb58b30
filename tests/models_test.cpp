// Getting, naming, carrying and removing models, from outside: against a server of the test's own.
#include "base/hash.h"
#include "base/json.h"
#include "cli_fixture.h"
#include "store/test_hub.h"
#include "store/test_server.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

// A hub with one repository, org/tiny, that holds the fixture's model; its own data folder for the program.
class StoreCliTest : public CliTest {
 protected:
  ServerReply answer(const ServerRequest& request) {
    if (request.header("authorization") != authorization_) return {.status = 401};
    if (request.path.starts_with("/api/models/org/tiny/")) return {.body = hub_listing({{"tiny-Q8_0.gguf", model_}})};
    if (request.path.ends_with("/tiny-Q8_0.gguf")) return {.headers = {{"ETag", "\"1\""}}, .body = model_};
    if (request.path.starts_with("/page")) return {.body = "<html>"};
    return {.status = 404};
  }

  // Runs `bantam ARGUMENTS` with a store, and with no proxy between it and the server.
  Result run(const std::string& arguments, const std::string& environment = "") const {
    return shell(fmt::format("env -u HF_TOKEN {} XDG_DATA_HOME=$PWD/{} HF_ENDPOINT={} no_proxy='*' {} {} < in",
                             environment, data_, hub_.url(), BANTAM_BINARY, arguments));
  }

  void expect_refused(const std::string& arguments, const std::string& reason) const {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, 2) << arguments;
    EXPECT_THAT(result.err, HasSubstr(reason)) << arguments;
  }

  std::string model_ = read_file(folder_ / "m.gguf");
  std::string authorization_, data_ = "data";
  TestServer hub_{[this](const ServerRequest& request) { return answer(request); }};
};

TEST_F(StoreCliTest, a_pulled_model_runs_by_its_name_moves_as_a_file_and_goes) {
  const Result pulled = run("pull hf:org/tiny --name t");
  EXPECT_EQ(pulled.code, 0) << pulled.err;
  EXPECT_THAT(pulled.err, AllOf(HasSubstr("licence mit"), HasSubstr("bantam chat -m t")));
  const Json list = parse_json(run("list --json").out, "list");
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0]["name"], "t");
  EXPECT_EQ(list[0]["bytes"], model_.size());
  EXPECT_EQ(list[0]["source"], "hf:org/tiny:tiny-Q8_0.gguf");
  EXPECT_EQ(list[0]["revision"], kTestCommit);
  EXPECT_THAT(run("list").out, AllOf(HasSubstr("NAME"), HasSubstr("t "), HasSubstr("mit")));

  const std::string generate = "generate -p Hello -n 8 --temp 0 -t 1 -m ";
  const Result expected = run(generate + "m.gguf");
  EXPECT_EQ(run(generate + "t").out, expected.out);
  EXPECT_EQ(parse_json(run("show t --json").out, "show")["architecture"]["family"], "llama");

  EXPECT_EQ(run("export t t.bantam").code, 0);
  EXPECT_THAT(run("rm t").out, HasSubstr("t: removed"));
  EXPECT_EQ(run("list --json").out, "[]\n");
  expect_refused(generate + "t", "bantam list");

  data_ = "data2";
  const Result imported = run("import t.bantam");
  EXPECT_EQ(imported.code, 0) << imported.err;
  EXPECT_EQ(run(generate + "t").out, expected.out);
}

TEST_F(StoreCliTest, files_and_folders_are_imported_and_rubbish_is_not) {
  EXPECT_EQ(run("import m.gguf").code, 0);
  EXPECT_EQ(run("generate -p Hello -n 4 --temp 0 -m m").code, 0);
  write("text.gguf", "no model");
  expect_refused("import text.gguf", "text.gguf");
  expect_refused("import none.gguf", "none.gguf: No such file");
  write("t.bantam", "bantam-model.json");
  expect_refused("import t.bantam", "ends at byte");
  EXPECT_EQ(parse_json(run("list --json").out, "list").size(), 1u);
}

TEST_F(StoreCliTest, a_url_is_pulled_when_it_is_a_model_with_the_right_hash) {
  const std::string url = hub_.url("/files/tiny-Q8_0.gguf");
  EXPECT_EQ(run("pull " + url + " --limit-rate 100M --connections 2 --sha256 " + to_hex(sha256(model_))).code, 0);
  EXPECT_EQ(parse_json(run("list --json").out, "list")[0]["name"], "tiny-q8_0");
  expect_refused("pull " + hub_.url("/page"), "is no GGUF file");
  expect_refused("pull " + url + " --name x --sha256 " + std::string(64, 'a'), to_hex(sha256(model_)));
  expect_refused("pull " + url + "?x --name tiny-q8_0 --sha256 12", "64 hexadecimal digits");
  EXPECT_EQ(run("rm --unfinished").out, "unfinished downloads: 0 bytes free\n");
}

TEST_F(StoreCliTest, a_token_comes_from_the_environment_or_a_file) {
  authorization_ = "Bearer hf_secret";
  expect_refused("pull hf:org/tiny", "HF_TOKEN");
  EXPECT_EQ(run("pull hf:org/tiny --name a", "HF_TOKEN=hf_secret").code, 0);
  write("token", "hf_secret\n");
  EXPECT_EQ(run("pull hf:org/tiny --name b --token-file token").code, 0);
}

TEST_F(StoreCliTest, a_model_is_quantized_on_the_way_in) {
  const Result pulled = run("pull hf:org/tiny --name t --quantize q8_0");
  EXPECT_EQ(pulled.code, 0) << pulled.err;
  const Json list = parse_json(run("list --json").out, "list");
  ASSERT_EQ(list.size(), 1u);  // what was fetched has gone
  EXPECT_EQ(list[0]["source"], "hf:org/tiny:tiny-Q8_0.gguf --quantize q8_0");
  EXPECT_LT(list[0]["bytes"], model_.size() / 2);
  EXPECT_GT(parse_json(run("show t --json").out, "show")["formats"]["q8_0"]["tensors"], 0);
  expect_refused("pull hf:org/tiny --quantize q9", "--quantize is 'q9'");
}

TEST_F(StoreCliTest, a_stored_model_is_quantized_by_its_name) {
  EXPECT_EQ(run("import m.gguf --name t").code, 0);
  const Result quantized = run("quantize t small.gguf --to q8_0");
  EXPECT_EQ(quantized.code, 0) << quantized.err;
  EXPECT_EQ(run("show small.gguf").code, 0);
  expect_refused("quantize none small.gguf --to q8_0", "no model has this name");
}

TEST_F(StoreCliTest, what_cannot_be_pulled_is_said_in_words) {
  expect_refused("pull hf:org/none", "check the name");
  expect_refused("pull hf:org/tiny:q2", "tiny-Q8_0.gguf");
  expect_refused("pull tiny", "neither hf:ORG/NAME nor a URL nor an alias");
  expect_refused("pull hf:org/tiny --name ../x", "cannot be a model's name");
  expect_refused("pull hf:org/tiny --limit-rate 5", "--limit-rate is '5'");
  expect_refused("pull hf:org/tiny --limit-rate 2X", "--limit-rate is '2X'");
  expect_refused("pull hf:org/tiny --connections 0", "--connections is 0");
  expect_refused("rm none", "no model 'none'");
  expect_refused("export none x", "no model 'none'");
  EXPECT_EQ(run("import m.gguf --name t").code, 0);
  expect_refused("pull hf:org/tiny --name t", "already the name of");
}

}  // namespace
}  // namespace bantam
