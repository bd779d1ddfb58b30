// Who may ask, from where, how much, and what is told about it.
#include "server/service.h"

#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <map>
#include <thread>

#include "server/routes.h"
#include "server/test_service.h"

namespace bantam {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kChat = "/v1/chat/completions";

TEST_F(ServiceTest, health_is_open_to_all) {
  new_key();
  EXPECT_EQ(ask("GET", "/health").status, 200);
  EXPECT_EQ(ask("HEAD", "/health").status, 200);
  EXPECT_EQ(ask("GET", "/ready").status, 200);
}

TEST_F(ServiceTest, unknown_paths_and_methods_are_named) {
  EXPECT_EQ(ask("GET", "/v2/models").status, 404);
  EXPECT_EQ(ask("GET", "/v1/models/%zz").status, 404);
  EXPECT_EQ(ask("GET", "/v1//models").status, 404);
  const TestReply reply = ask("DELETE", "/v1/models");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.headers.at("Allow"), "GET, HEAD");
  EXPECT_THAT(ask("GET", "/api/nothing").body, HasSubstr("{\"error\":\""));
}

TEST_F(ServiceTest, once_there_are_keys_one_is_needed) {
  EXPECT_EQ(post(kChat, chat()).status, 200);
  const std::string key = new_key();
  const TestReply refused = post(kChat, chat());
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.headers.at("WWW-Authenticate"), "Bearer");
  EXPECT_THAT(refused.body, HasSubstr("authentication_error"));
  EXPECT_EQ(post(kChat, chat(), "Authorization: Bearer bt-wrong\r\n").status, 401);
  EXPECT_EQ(post(kChat, chat(), "Authorization: Basic " + secret_ + "\r\n").status, 401);
  EXPECT_EQ(ask("GET", "/nothing").status, 401) << "strangers do not learn what there is";
  EXPECT_EQ(post(kChat, chat(), key).status, 200);
  EXPECT_EQ(post(kChat, chat(), "api-key: " + secret_ + "\r\n").status, 200);
  EXPECT_EQ(post(kChat, chat(), "x-api-key: " + secret_ + "\r\n").status, 200);
  EXPECT_NE(backend_.asked().tenant, "local");
}

TEST_F(ServiceTest, a_key_does_what_its_scopes_allow) {
  const std::string key = new_key({}, "models,embeddings");
  EXPECT_EQ(ask("GET", "/v1/models", "", key).status, 200);
  EXPECT_EQ(post("/v1/embeddings", {{"model", "fake"}, {"input", "a"}}, key).status, 200);
  const TestReply refused = post(kChat, chat(), key);
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("'chat'"));
}

TEST_F(ServiceTest, limits_are_told_and_held) {
  const std::string key = new_key({.requests_per_minute = 2, .tokens_per_minute = 1000});
  const TestReply first = post(kChat, with(chat(), "max_tokens", 10), key);
  EXPECT_EQ(first.headers.at("x-ratelimit-limit-requests"), "2");
  EXPECT_EQ(first.headers.at("x-ratelimit-remaining-requests"), "1");
  EXPECT_EQ(first.headers.at("x-ratelimit-remaining-tokens"), "982");
  EXPECT_EQ(post(kChat, chat(), key).status, 200);
  const TestReply refused = post(kChat, chat(), key);
  EXPECT_EQ(refused.status, 429);
  EXPECT_THAT(refused.body, AllOf(HasSubstr("requests per minute"), HasSubstr("rate_limit_exceeded")));
  EXPECT_GT(std::stoi(refused.headers.at("Retry-After")), 0);
  EXPECT_GT(std::stoi(refused.headers.at("retry-after-ms")), 0);
}

TEST_F(ServiceTest, two_hundred_requests_at_the_edge_of_a_quota) {
  const std::string key = new_key({.tokens_per_day = 50 * 20});  // each may use 8 + 12
  backend_.set({.pieces = {"exactly 12 b"}});
  const std::string body = to_line(with(chat(), "max_tokens", 12));
  port();
  std::atomic<int> admitted = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 20; ++t) {
    threads.emplace_back([&] {
      TestClient client(port());
      for (int i = 0; i < 10; ++i) {
        const int status = client.request("POST", kChat, body, key).status;
        ++(status == 200 ? admitted : refused);
        EXPECT_TRUE(status == 200 || status == 429) << status;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(admitted, 50);
  EXPECT_EQ(refused, 150);
  ASSERT_EQ(totals().size(), 1u);
  EXPECT_EQ(totals()[0].requests, 50);
  EXPECT_EQ(totals()[0].tokens, (TokenCounts{400, 0, 600}));
}

TEST_F(ServiceTest, a_client_that_leaves_frees_the_engine_and_is_billed_as_incomplete) {
  const std::string key = new_key({.concurrent = 1});
  backend_.set({.held = true});
  auto client = std::make_unique<TestClient>(port());
  const std::string body = to_line(with(chat(), "stream", true));
  client->send(fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n{}", kChat, key,
                           body.size(), body));
  while (backend_.running() == 0) std::this_thread::yield();
  EXPECT_EQ(post(kChat, chat(), key).status, 429);
  client.reset();
  while (backend_.running() > 0) std::this_thread::yield();
  backend_.set({});
  while (totals().empty()) std::this_thread::yield();
  EXPECT_EQ(totals()[0].incomplete, 1);
  EXPECT_EQ(post(kChat, chat(), key).status, 200);
}

TEST_F(ServiceTest, pages_of_other_sites_are_kept_out) {
  EXPECT_EQ(ask("GET", "/v1/models", "", "Origin: https://evil.example\r\n").status, 403);
  EXPECT_EQ(ask("GET", "/v1/models", "", "Origin: null\r\n").status, 403);
  EXPECT_EQ(ask("GET", "/v1/models", "", "Origin: http://localhost\r\n").status, 200) << "a page of this server";
  TestClient client(port());
  client.send("GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_EQ(client.reply().status, 403) << "a name that points to this machine (DNS rebinding)";
  for (const char* host : {"127.0.0.1:80", "[::1]:80", "LOCALHOST", "x.localhost"}) {
    TestClient local(port());
    local.send(fmt::format("GET /v1/models HTTP/1.1\r\nHost: {}\r\n\r\n", host));
    EXPECT_EQ(local.reply().status, 200) << host;
  }
}

TEST_F(ServiceTest, origins_on_the_list_may_ask) {
  options_.origins = {"https://app.example"};
  const std::string origin = "Origin: https://app.example\r\n";
  const TestReply preflight =
      ask("OPTIONS", kChat, "", origin + "Access-Control-Request-Headers: authorization,x-stainless-os\r\n");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.headers.at("Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_EQ(preflight.headers.at("Access-Control-Allow-Headers"), "authorization,x-stainless-os");
  EXPECT_EQ(post(kChat, chat(), origin).headers.at("Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_EQ(post(kChat, chat(), "Origin: https://other.example\r\n").status, 403);
}

TEST_F(ServiceTest, the_log_has_a_line_for_each_request_without_prompts_and_keys) {
  const std::string key = new_key();
  post(kChat, chat("my secret prompt"), key);
  post(kChat, chat("my secret prompt"), "Authorization: Bearer bt-wrong\r\n");
  server_.reset();  // the lines are written when the responses have ended
  const std::string text = log();
  EXPECT_THAT(text, AllOf(Not(HasSubstr("secret prompt")), Not(HasSubstr(secret_)), Not(HasSubstr("bt-wrong")),
                          Not(HasSubstr("Hello"))));
  std::map<int, Json> lines;  // by status: each is written when its own response has ended
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const Json line = parse_json(text.substr(begin, end - begin), "a line of the log");
    EXPECT_TRUE(lines.emplace(line["status"].get<int>(), line).second);
  }
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines.count(401), 1u);
  EXPECT_EQ(lines[200]["route"], kChat);
  EXPECT_EQ(lines[200]["complete"], true);
}

TEST_F(ServiceTest, metrics_count_what_happened) {
  post(kChat, chat());
  post(kChat, Json::object());
  const auto count_of = [&](const char* status) {
    return fmt::format("bantam_responses_total{{route=\"/v1/chat/completions\",status=\"{}\"}} 1\n", status);
  };
  // A response is counted when it has been sent, which a client may see first.
  std::string text;
  for (int i = 0; i < 500 && !(text.find(count_of("200")) < text.npos && text.find(count_of("400")) < text.npos); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(i > 0 ? 10 : 0));
    text = ask("GET", "/metrics").body;
  }
  EXPECT_THAT(text, AllOf(HasSubstr(count_of("200")), HasSubstr(count_of("400")),
                          HasSubstr("bantam_model_tokens_total{model=\"fake\",kind=\"completion\"} 11\n"),
                          HasSubstr("bantam_first_token_seconds_count{model=\"fake\"} 1\n"),
                          HasSubstr("# TYPE bantam_first_token_seconds histogram\n")));
}

TEST_F(ServiceTest, an_idle_connection_costs_little) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "skipped: a sanitizer's allocator takes more";
#endif
  port();
  const auto resident = [] {
    std::ifstream file("/proc/self/statm");
    long pages = 0, rss = 0;
    file >> pages >> rss;
    return rss * ::sysconf(_SC_PAGESIZE);
  };
  constexpr int kConnections = 400;  // both ends are in this process
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  std::vector<std::unique_ptr<TestClient>> clients;
  const auto open_one = [&] {
    clients.push_back(std::make_unique<TestClient>(port()));
    EXPECT_EQ(clients.back()->request("GET", "/health").status, 200);
  };
  for (int i = 0; i < 50; ++i) open_one();  // what threads and allocators take once
  const long before = resident();
  for (int i = 0; i < kConnections; ++i) open_one();
  EXPECT_LE((resident() - before) / kConnections, 32 * 1024);
}

// Every route with the answer of the document that describes them all.
TEST_F(ServiceTest, the_openapi_document_names_every_route_and_no_other) {
  std::ifstream file(BANTAM_SOURCE_DIR "/docs/openapi.json");
  const Json document = parse_json(std::string(std::istreambuf_iterator<char>(file), {}), "docs/openapi.json");
  std::vector<std::string> documented, served;
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      documented.push_back(method + " " + path);
      EXPECT_TRUE(operation.contains("summary")) << path;
      EXPECT_TRUE(operation.contains("responses")) << path;
    }
  }
  for (const Route& route : routes()) {
    std::string path(route.pattern);
    if (const size_t star = path.find('*'); star != std::string::npos) path.erase(star, 1);
    std::string method(route.method);
    for (char& c : method) c = static_cast<char>(c | 0x20);
    served.push_back(method + " " + path);
  }
  EXPECT_THAT(served, testing::UnorderedElementsAreArray(documented));
}

}  // namespace
}  // namespace bantam
