// Azure's paths, keys, errors and fields.
#include "server/test_service.h"

namespace bantam {
namespace {

using testing::HasSubstr;

class AzureTest : public ServiceTest {
 protected:
  const std::string chat_path_ = "/openai/deployments/fake/chat/completions?api-version=2024-10-21";
  const Json chat_ = {{"messages", Json::array({{{"role", "user"}, {"content", "Hi"}}})}};
};

TEST_F(AzureTest, a_deployment_is_a_model) {
  const Json out = good(chat_path_, chat_);
  EXPECT_EQ(out["choices"][0]["message"]["content"], "Hello world");
  EXPECT_EQ(out["choices"][0]["content_filter_results"], Json::object());
  EXPECT_EQ(out["prompt_filter_results"][0]["prompt_index"], 0);
  EXPECT_EQ(good("/openai/deployments/fake/embeddings?api-version=2024-10-21", {{"input", "a"}})["data"].size(), 1u);
  EXPECT_EQ(good("/openai/deployments/fake/completions?api-version=2024-10-21", {{"prompt", "a"}})["choices"].size(),
            1u);
}

TEST_F(AzureTest, the_stream_begins_with_the_prompts_filter_results) {
  const std::vector<Json> all = events(post(chat_path_, with(chat_, "stream", true)).body);
  EXPECT_TRUE(all[0]["choices"].empty());
  EXPECT_TRUE(all[0].contains("prompt_filter_results"));
  EXPECT_EQ(all[1]["choices"][0]["content_filter_results"], Json::object());
}

TEST_F(AzureTest, the_newer_paths_have_the_model_in_the_body_and_no_version) {
  EXPECT_EQ(good("/openai/v1/chat/completions", chat())["model"], "fake");
  EXPECT_EQ(get("/openai/v1/models")["data"][0]["status"], "succeeded");
  EXPECT_EQ(good("/openai/v1/responses", {{"model", "fake"}, {"input", "Hi"}})["status"], "completed");
}

TEST_F(AzureTest, errors_have_azures_codes) {
  const auto error_of = [](const TestReply& reply) { return parse_json(reply.body, "a response")["error"]; };
  const TestReply no_version = post("/openai/deployments/fake/chat/completions", chat_);
  EXPECT_EQ(no_version.status, 404);
  EXPECT_EQ(error_of(no_version)["code"], "404");
  const TestReply no_deployment = post("/openai/deployments/other/chat/completions?api-version=2024-10-21", chat_);
  EXPECT_EQ(no_deployment.status, 404);
  EXPECT_EQ(error_of(no_deployment)["code"], "DeploymentNotFound");
  EXPECT_EQ(error_of(post(chat_path_, with(chat_, "temperature", 9)))["param"], "temperature");
  const std::string key = new_key({.requests_per_minute = 1});
  const TestReply no_key = post(chat_path_, chat_);
  EXPECT_EQ(no_key.status, 401);
  EXPECT_EQ(error_of(no_key)["code"], "401");
  const std::string header = "api-key: " + secret_ + "\r\n";
  const TestReply first = post(chat_path_, chat_, header);
  EXPECT_EQ(first.status, 200);
  EXPECT_TRUE(first.headers.contains("apim-request-id"));
  EXPECT_EQ(first.headers.at("x-ratelimit-remaining-requests"), "0");
  const TestReply limited = post(chat_path_, chat_, header);
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(error_of(limited)["code"], "429");
  EXPECT_TRUE(limited.headers.contains("retry-after-ms"));
}

}  // namespace
}  // namespace bantam
