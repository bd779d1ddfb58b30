// bantam serve, keys and usage from outside.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "cli_fixture.h"
#include "server/test_client.h"

namespace bantam {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ServeTest : public CliTest {
 protected:
  ServeTest() { ::setenv("XDG_DATA_HOME", folder_.path().c_str(), 1); }
  ~ServeTest() override {
    if (process_ > 0) stop(SIGKILL);
  }

  // Starts the server with the test's model on a free port and returns what it said.
  std::string serve(const std::string& arguments = "") {
    int out[2];
    EXPECT_EQ(::pipe(out), 0);
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(out[1], 1);
      ::dup2(::open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
      const std::string line = fmt::format("cd '{}' && exec {} serve -m m.gguf --port 0 -t 1 {}",
                                           folder_.path().string(), BANTAM_BINARY, arguments);
      ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(out[1]);
    std::string said;
    char buffer[4096];
    while (said.find("-d '") == std::string::npos) {
      const ssize_t n = ::read(out[0], buffer, sizeof buffer);
      if (n <= 0) break;
      said.append(buffer, static_cast<size_t>(n));
    }
    ::close(out[0]);
    const size_t port = said.find("127.0.0.1:");
    if (port != std::string::npos) port_ = static_cast<uint16_t>(std::atoi(said.c_str() + port + 10));
    return said;
  }

  // The exit code.
  int stop(int signal) {
    ::kill(process_, signal);
    int status = 0;
    ::waitpid(process_, &status, 0);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  TestReply ask(const std::string& path, const std::string& body, const std::string& headers = "") {
    return TestClient(port_).request("POST", path, body, headers);
  }

  Json get(const std::string& path) {
    const TestReply reply = TestClient(port_).request("GET", path);
    EXPECT_EQ(reply.status, 200) << path << " " << reply.body;
    return parse_json(reply.body, "a response");
  }
  Json grounded(const std::string& question) {
    const Json body = {{"messages", Json::array({{{"role", "user"}, {"content", question}}})},
                       {"documents", Json::object()}};
    const TestReply reply = ask("/v1/chat/completions", to_line(body));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return parse_json(reply.body, "a response");
  }

  pid_t process_ = -1;
  uint16_t port_ = 0;
};

const std::string kBody = R"({"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":5,"seed":3})";

TEST_F(ServeTest, answers_with_a_real_model_until_it_is_told_to_stop) {
  EXPECT_THAT(serve(), AllOf(HasSubstr("listening at http://127.0.0.1:"), HasSubstr("curl ")));
  const TestReply first = ask("/v1/chat/completions", kBody), second = ask("/v1/chat/completions", kBody);
  ASSERT_EQ(first.status, 200) << first.body;
  const Json one = parse_json(first.body, "a response"), two = parse_json(second.body, "a response");
  EXPECT_EQ(one["choices"][0]["message"], two["choices"][0]["message"]) << "the same seed";
  EXPECT_LE(one["usage"]["completion_tokens"], 5);
  EXPECT_EQ(parse_json(ask("/v1/embeddings", R"({"model":"m","input":"a"})").body, "a response")["data"][0]["embedding"]
                .size(),
            32u);
  EXPECT_EQ(stop(SIGTERM), 0);
  const Result usage = bantam("usage --json");
  const Json rows = parse_json(usage.out, "usage")["rows"];
  ASSERT_EQ(rows.size(), 1u) << usage.out << usage.err;
  EXPECT_EQ(rows[0]["requests"], 3);
  EXPECT_EQ(rows[0]["completion_tokens"],
            one["usage"]["completion_tokens"].get<int>() + two["usage"]["completion_tokens"].get<int>());
  EXPECT_THAT(read_file(folder_ / "log"), AllOf(HasSubstr("\"status\":200"), Not(HasSubstr("Hi"))));
}

// The test's model with the marks of a call as its tokens 260 and 261.
void write_calling_model(const std::filesystem::path& path) {
  Metadata metadata = byte_vocabulary();
  std::vector<std::string> tokens = metadata.strings("tokenizer.ggml.tokens");
  std::vector<int64_t> types = metadata.integers_or_empty("tokenizer.ggml.token_type");
  tokens.insert(tokens.end(), {"<tool_call>", "</tool_call>"});
  types.insert(types.end(), {4, 4});
  metadata.set("tokenizer.ggml.tokens", tokens);
  metadata.set("tokenizer.ggml.token_type", types);
  const TestModel model(test_text_config(), 1);
  for (const auto& [key, value] : gguf_metadata(model.config)) metadata.set(key, value);
  write_gguf(path, metadata, gguf_tensors(model.config, model.weights));
}

TEST_F(ServeTest, a_tool_that_a_model_chooses_to_call_gets_arguments_of_its_schema) {
  write_calling_model(folder_ / "m.gguf");
  serve();
  const Json schema = {{"type", "object"},
                       {"properties", {{"city", {{"enum", {"Seoul", "Busan"}}}}, {"days", {{"type", "integer"}}}}},
                       {"required", {"city"}},
                       {"additionalProperties", false}};
  const Json function = {{"name", "weather"}, {"parameters", schema}};
  Json request = parse_json(kBody, "a request");
  request["max_tokens"] = 150;
  request["tools"] = Json::array({{{"type", "function"}, {"function", function}}});
  request["logit_bias"] = {{"260", 7}};  // it likes to call
  size_t calls = 0;
  for (int seed = 0; seed < 6; ++seed) {
    request["seed"] = seed;
    const TestReply reply = ask("/v1/chat/completions", to_line(request));
    ASSERT_EQ(reply.status, 200) << reply.body;
    const Json choice = parse_json(reply.body, "a response")["choices"][0];
    if (!choice["message"].contains("tool_calls")) continue;
    EXPECT_EQ(choice["finish_reason"], "tool_calls");
    for (const Json& call : choice["message"]["tool_calls"]) {
      EXPECT_EQ(call["function"]["name"], "weather");
      const Json arguments = parse_json(call["function"]["arguments"].get<std::string>(), "the arguments");
      EXPECT_TRUE(arguments["city"] == "Seoul" || arguments["city"] == "Busan") << arguments.dump();
      EXPECT_EQ(arguments.size(), arguments.contains("days") ? 2u : 1u) << arguments.dump();
      ++calls;
    }
  }
  EXPECT_GT(calls, 3u);
}

TEST_F(ServeTest, keys_are_made_shown_once_limited_and_revoked) {
  const Result made = bantam("keys create alice --rpm 1");
  EXPECT_EQ(made.code, 0) << made.err;
  const std::string secret = made.out.substr(0, made.out.size() - 1);
  EXPECT_EQ(secret.size(), 67u);
  EXPECT_THAT(bantam("keys list").out, AllOf(HasSubstr("alice"), HasSubstr("1 requests/min"), Not(HasSubstr(secret))));
  serve();
  const std::string header = "api-key: " + secret + "\r\n";
  EXPECT_EQ(ask("/v1/chat/completions", kBody).status, 401);
  EXPECT_EQ(ask("/v1/chat/completions", kBody, header).status, 200);
  EXPECT_EQ(ask("/v1/chat/completions", kBody, header).status, 429);
  EXPECT_EQ(bantam("keys limit alice").code, 0);
  EXPECT_EQ(ask("/v1/chat/completions", kBody, header).status, 200) << "a running server sees it";
  EXPECT_EQ(bantam("keys revoke alice").code, 0);
  EXPECT_EQ(ask("/v1/chat/completions", kBody, header).status, 401);
  EXPECT_THAT(bantam("usage").out, HasSubstr("alice"));
}

TEST_F(ServeTest, the_page_answers_from_the_manual_until_there_are_documents) {
  serve();
  const Json info = get("/bantam/info");
  EXPECT_EQ(info["owner"], true);
  EXPECT_EQ(info["models"][0]["name"], "m");
  EXPECT_GT(info["models"][0]["context"], 0);
  EXPECT_EQ(info["documents"]["files"], 0);
  EXPECT_GT(get("/bantam/models")[0]["memory"], 10'000);
  const Json answer = grounded("Does Bantam need a GPU?");
  EXPECT_EQ(answer["documents"]["index"], "manual");
  ASSERT_EQ(answer["documents"]["abstained"], false) << to_line(answer);
  const Json& citation = answer["documents"]["citations"][0];
  const Json opened =
      get(fmt::format("/bantam/documents/{}/text?start={}&end={}", citation["document"].get<std::string>(),
                      citation["start"].get<int>(), citation["end"].get<int>()));
  EXPECT_THAT(opened["text"].get<std::string>(), HasSubstr(citation["quote"].get<std::string>()));
  const TestReply made = ask("/bantam/conversations", R"({"id":"c1","title":"Hello"})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(stop(SIGKILL), -1);
  serve();
  EXPECT_EQ(get("/bantam/conversations")["conversations"][0]["title"], "Hello") << "after kill -9";
}

TEST_F(ServeTest, documents_of_a_folder_and_of_the_page_are_answered_from) {
  folder_.write("handbook/travel.html", "<h1>Travel</h1><p>A night in a hotel costs 120 euros at most.</p>");
  serve("--docs handbook");
  EXPECT_EQ(ask("/bantam/documents?name=backups.html", "<h1>Backups</h1><p>Kim is responsible for backups.</p>").status,
            201);
  while (get("/bantam/info")["documents"]["indexing"] == true) ::usleep(10'000);
  EXPECT_EQ(get("/bantam/info")["documents"]["files"], 2) << to_line(get("/bantam/documents"));
  const Json answer = grounded("Who is responsible for backups?");
  EXPECT_EQ(answer["documents"]["index"], "documents");
  EXPECT_THAT(to_line(answer["documents"]), HasSubstr("Kim is responsible for backups."));
  EXPECT_THAT(to_line(grounded("How much is a night in a hotel?")["documents"]), HasSubstr("120 euros"));
}

TEST_F(ServeTest, refuses_what_would_be_unsafe_or_makes_no_sense) {
  expect_refusal("serve -m m.gguf --host 0.0.0.0 --port 0", "without keys");
  expect_refusal("serve -m none.gguf --port 0", "none.gguf");
  expect_refusal("serve -m m.gguf --port 0 --tls-cert a.pem", "--tls-key");
  expect_refusal("serve -m m.gguf --port 0 --docs folder", "no such file or folder");
  expect_refusal("serve -m m.gguf --port 0 --index file", "NAME=PATH");
  expect_refusal("keys revoke nobody", "nobody");
  expect_refusal("keys create a --scopes all", "scope");
  expect_refusal("usage --keys none.db", "none.db");
}

}  // namespace
}  // namespace bantam
