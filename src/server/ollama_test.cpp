// Ollama's API over sockets.
#include "server/library.h"
#include "server/test_service.h"

namespace bantam {
namespace {

class OllamaTest : public ServiceTest {};

TEST_F(OllamaTest, generates_in_lines_and_at_once) {
  const Json body = {{"model", "fake"}, {"prompt", "Hi"}, {"system", "Be brief."}};
  const TestReply reply = post("/api/generate", body);
  EXPECT_EQ(reply.headers.at("Content-Type"), "application/x-ndjson");
  const std::vector<Json> all = lines(reply.body);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0]["response"], "Hello");
  EXPECT_EQ(all[0]["done"], false);
  EXPECT_EQ(all[2]["done"], true);
  EXPECT_EQ(all[2]["done_reason"], "stop");
  EXPECT_EQ(all[2]["eval_count"], 11);
  EXPECT_EQ(backend_.asked().prompt, "system:Be brief.\nuser:Hi\n");
  EXPECT_EQ(good("/api/generate", with(body, "stream", false))["response"], "Hello world");
  good("/api/generate", {{"model", "fake"}, {"prompt", "Hi"}, {"raw", true}, {"stream", false}});
  EXPECT_EQ(backend_.asked().prompt, "Hi");
  good("/api/generate", {{"model", "fake"}, {"prompt", "a"}, {"suffix", "b"}, {"stream", false}});
  EXPECT_EQ(backend_.asked().prompt, "<pre>a<suf>b<mid>");
}

TEST_F(OllamaTest, an_answer_without_text_ends_too) {
  backend_.set({.pieces = {}});
  const std::vector<Json> all = lines(post("/api/generate", {{"model", "fake"}, {"prompt", "Hi"}}).body);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0]["done"], true);
}

TEST_F(OllamaTest, chats_in_lines_and_at_once) {
  std::string text;
  for (const Json& line : lines(post("/api/chat", chat()).body)) text += line["message"]["content"];
  EXPECT_EQ(text, "Hello world");
  const Json whole = good("/api/chat", with(with(chat(), "stream", false), "model", "fake:latest"));
  EXPECT_EQ(whole["message"]["content"], "Hello world");
  backend_.set({.pieces = {"<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":1}}</tool_call>"}});
  const Json tools = Json::array({{{"type", "function"}, {"function", {{"name", "f"}}}}});
  const Json call = good("/api/chat", with(with(chat(), "stream", false), "tools", tools))["message"]["tool_calls"][0];
  EXPECT_EQ(call["function"]["arguments"]["a"], 1);
}

TEST_F(OllamaTest, options_reach_the_engine) {
  const Json options = {{"temperature", 0},      {"seed", 3},    {"num_predict", 7}, {"top_k", 5},
                        {"repeat_penalty", 1.5}, {"stop", {"x"}}};
  good("/api/generate", {{"model", "fake"}, {"prompt", "Hi"}, {"options", options}, {"stream", false}});
  const FakeBackend::Asked asked = backend_.asked();
  EXPECT_EQ(asked.sampling.temperature, 0);
  EXPECT_EQ(asked.sampling.seed, 3u);
  EXPECT_EQ(asked.sampling.top_k, 5);
  EXPECT_EQ(asked.sampling.repetition_penalty, 1.5);
  EXPECT_EQ(asked.max_tokens, 7);
  EXPECT_EQ(asked.stops, (std::vector<std::string>{"x", "<stop>"}));
}

TEST_F(OllamaTest, an_empty_request_loads_a_model) {
  EXPECT_EQ(good("/api/generate", {{"model", "fake"}})["done_reason"], "load");
  EXPECT_EQ(good("/api/chat", {{"model", "fake"}, {"messages", Json::array()}, {"keep_alive", 0}})["done_reason"],
            "unload");
}

TEST_F(OllamaTest, models_are_listed_and_shown) {
  EXPECT_EQ(get("/api/version")["version"], "0.0.1");
  EXPECT_EQ(get("/api/tags")["models"][0]["details"]["parameter_size"], "7.00M");
  EXPECT_EQ(get("/api/ps")["models"][0]["name"], "fake");
  EXPECT_EQ(good("/api/show", {{"model", "fake"}})["model_info"]["llama.context_length"], 200);
  EXPECT_EQ(ask("HEAD", "/").status, 200);
}

TEST_F(OllamaTest, embeds) {
  EXPECT_EQ(good("/api/embed", {{"model", "fake"}, {"input", {"a", "b"}}})["embeddings"].size(), 2u);
  EXPECT_EQ(good("/api/embeddings", {{"model", "fake"}, {"prompt", "a"}})["embedding"], Json::array({1.0, 0.0, 0.0}));
}

TEST_F(OllamaTest, errors_are_one_string) {
  const auto error_of = [](const TestReply& reply) {
    return parse_json(reply.body, "a response")["error"].get<std::string>();
  };
  const TestReply none = post("/api/generate", {{"model", "other"}, {"prompt", "a"}});
  EXPECT_EQ(none.status, 404);
  EXPECT_NE(error_of(none), "");
  EXPECT_EQ(post("/api/generate", {{"prompt", "a"}}).status, 400);
  EXPECT_EQ(post("/api/generate", {{"model", "fake"}, {"prompt", "a"}, {"format", "xml"}}).status, 400);
  EXPECT_EQ(post("/api/generate", {{"model", "fake"}, {"prompt", "a"}, {"format", {{"not", true}}}}).status, 400);
  EXPECT_EQ(post("/api/generate", {{"model", "fake"}, {"prompt", "a"}, {"options", {{"temperature", -1}}}}).status,
            400);
  EXPECT_EQ(post("/api/generate", {{"model", "fake"}, {"prompt", "a"}, {"images", {"x"}}}).status, 400);
  EXPECT_EQ(post("/api/pull", {{"model", "m"}}).status, 403) << "without a library nothing is changed";
}

// A library that notes what it is asked.
class FakeLibrary final : public ModelLibrary {
 public:
  void pull(const std::string& source, const std::function<void(const PullProgress&)>& progress) override {
    if (source == "bad") throw IoError("there is no such model");
    progress({0, 0, "looking"});
    progress({5, 10, "fetching"});
    said += "pull " + source + ";";
  }
  void copy(const std::string& from, const std::string& to) override { said += "copy " + from + " " + to + ";"; }
  void remove(const std::string& name) override { said += "remove " + name + ";"; }
  std::string said;
};

TEST_F(OllamaTest, models_are_pulled_copied_and_deleted) {
  FakeLibrary library;
  library_ = &library;
  const std::vector<Json> all = lines(post("/api/pull", {{"model", "m"}}).body);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1]["completed"], 5);
  EXPECT_EQ(all[2]["status"], "success");
  EXPECT_EQ(good("/api/pull", {{"model", "n"}, {"stream", false}})["status"], "success");
  EXPECT_EQ(post("/api/pull", {{"model", "bad"}, {"stream", false}}).status, 500);
  EXPECT_TRUE(lines(post("/api/pull", {{"model", "bad"}}).body).back().contains("error"));
  EXPECT_EQ(post("/api/copy", {{"source", "fake"}, {"destination", "b"}}).status, 200);
  EXPECT_EQ(good("/api/create", {{"model", "c"}, {"from", "fake"}, {"stream", false}})["status"], "success");
  EXPECT_EQ(post("/api/create", {{"model", "c"}, {"from", "fake"}, {"system", "x"}}).status, 400);
  EXPECT_EQ(ask("DELETE", "/api/delete", R"({"model":"fake"})").status, 200);
  EXPECT_EQ(ask("DELETE", "/api/delete", R"({"model":"other"})").status, 404);
  EXPECT_EQ(library.said, "pull m;pull n;copy fake b;copy fake c;remove fake;");
}

}  // namespace
}  // namespace bantam
