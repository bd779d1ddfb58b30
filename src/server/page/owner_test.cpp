// What the page knows of the server, and what only its owner sees and changes.
#include "server/page/load_meter.h"
#include "server/test_service.h"

namespace bantam {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class OwnerTest : public ServiceTest {
 protected:
  OwnerTest() { page_.load = &load_; }
  ~OwnerTest() override { server_.reset(); }

  Json call(std::string_view method, const std::string& path, const Json& body, int status,
            const std::string& key = "") {
    const TestReply reply = ask(method, path, body.is_null() ? "" : to_line(body), key);
    EXPECT_EQ(reply.status, status) << method << " " << path << " " << reply.body;
    return reply.body.empty() ? Json() : parse_json(reply.body, "a response");
  }
  static std::string header(const Json& key) {
    return "Authorization: Bearer " + key["key"].get<std::string>() + "\r\n";
  }

  LoadMeter load_;
};

TEST_F(OwnerTest, the_page_learns_what_there_is_and_whether_it_is_the_owners) {
  Json info = get("/bantam/info");
  EXPECT_EQ(info["version"], "0.0.1");
  EXPECT_EQ(info["keys"], false);
  EXPECT_EQ(info["owner"], true);
  EXPECT_EQ(info["models"][0]["name"], "fake");
  EXPECT_EQ(info["models"][0]["context"], 200);
  EXPECT_EQ(info["models"][0]["default"], true);
  EXPECT_EQ(info["documents"]["files"], 0);
  const std::string guest = new_key({}, "chat"), owner = new_key({}, "chat,admin");
  EXPECT_EQ(call("GET", "/bantam/info", nullptr, 200, guest)["owner"], false);
  EXPECT_EQ(call("GET", "/bantam/info", nullptr, 200, owner)["owner"], true);
  EXPECT_EQ(call("GET", "/bantam/info", nullptr, 401)["error"]["code"], "invalid_api_key");
}

TEST_F(OwnerTest, keys_are_made_shown_once_limited_and_revoked) {
  const Json refused = call("POST", "/bantam/keys", {{"name", "guest"}, {"scopes", {"chat"}}}, 400);
  EXPECT_THAT(refused["error"]["message"].get<std::string>(), HasSubstr("admin")) << "it would lock its maker out";
  const Json owner = call("POST", "/bantam/keys", {{"name", "owner"}}, 201);
  const std::string key = header(owner);
  call("GET", "/bantam/keys", nullptr, 401);
  const Json guest =
      call("POST", "/bantam/keys",
           {{"name", "guest"}, {"scopes", {"chat"}}, {"limits", {{"requests_per_minute", 1}, {"budget_month", 2.5}}}},
           201, key);
  const std::string guest_key = header(guest);
  const TestReply list = ask("GET", "/bantam/keys", "", key);
  EXPECT_THAT(list.body, AllOf(Not(HasSubstr(guest["key"].get<std::string>())), HasSubstr("guest")));
  EXPECT_EQ(parse_json(list.body, "keys")["keys"][1]["limits"]["budget_month"], 2.5);
  EXPECT_EQ(post("/v1/chat/completions", chat(), guest_key).status, 200);
  EXPECT_EQ(post("/v1/chat/completions", chat(), guest_key).status, 429);
  const std::string path = "/bantam/keys/" + guest["id"].get<std::string>();
  const Json changed = call("PATCH", path, {{"limits", {{"requests_per_minute", 10}}}}, 200, key);
  EXPECT_EQ(changed["limits"]["requests_per_minute"], 10);
  EXPECT_EQ(changed["limits"]["budget_month"], 2.5) << "what is not named stays";
  EXPECT_EQ(post("/v1/chat/completions", chat(), guest_key).status, 200);
  call("PATCH", path, {{"limits", {{"concurrent", -1}}}}, 400, key);
  call("DELETE", "/bantam/keys/none", nullptr, 404, key);
  call("DELETE", path, nullptr, 204, key);
  EXPECT_EQ(post("/v1/chat/completions", chat(), guest_key).status, 401);
  call("DELETE", "/bantam/keys/" + owner["id"].get<std::string>(), nullptr, 409, key);
  EXPECT_EQ(ask("GET", "/bantam/keys", "", key).status, 200) << "the last owner stays";
}

TEST_F(OwnerTest, only_an_owner_gets_in) {
  const std::string guest = new_key({}, "models,chat,completions,embeddings,documents,metrics");
  for (const auto& [method, path] :
       std::initializer_list<std::pair<const char*, const char*>>{{"GET", "/bantam/keys"},
                                                                  {"POST", "/bantam/keys"},
                                                                  {"PATCH", "/bantam/keys/a"},
                                                                  {"DELETE", "/bantam/keys/a"},
                                                                  {"GET", "/bantam/usage"},
                                                                  {"GET", "/bantam/models"},
                                                                  {"POST", "/bantam/models/fake/load"},
                                                                  {"POST", "/bantam/models/fake/unload"},
                                                                  {"GET", "/bantam/load"}}) {
    call(method, path, nullptr, 403, guest);
    call(method, path, nullptr, 401);
  }
}

TEST_F(OwnerTest, pages_of_other_sites_change_nothing) {
  const std::string evil = "Origin: https://evil.example\r\n";
  EXPECT_EQ(ask("POST", "/bantam/keys", "{\"name\":\"evil\"}", evil).status, 403);
  EXPECT_EQ(ask("POST", "/bantam/models/fake/unload", "", evil).status, 403);
  EXPECT_EQ(ask("GET", "/bantam/keys", "", evil).status, 403);
  for (const char* path : {"/bantam/info", "/bantam/keys", "/bantam/load"}) {
    TestClient client(port());
    client.send(fmt::format("GET {} HTTP/1.1\r\nHost: evil.example\r\n\r\n", path));
    EXPECT_EQ(client.reply().status, 403) << path << ": a name that points to this machine (DNS rebinding)";
  }
  EXPECT_FALSE(tenants_->needs_key());
}

TEST_F(OwnerTest, usage_is_told_by_day_key_and_model) {
  const std::string key = new_key();
  post("/v1/chat/completions", chat(), key);
  const Json usage = call("GET", "/bantam/usage?days=2", nullptr, 200, key);
  ASSERT_EQ(usage["rows"].size(), 1u);
  EXPECT_EQ(usage["rows"][0]["name"], "team");
  EXPECT_EQ(usage["rows"][0]["model"], "fake");
  EXPECT_EQ(usage["rows"][0]["requests"], 1);
  EXPECT_EQ(usage["rows"][0]["completion_tokens"], 11);
  EXPECT_GT(usage["rows"][0]["cost"], 0);
  EXPECT_EQ(usage["currency"], "USD");
  call("GET", "/bantam/usage?days=0", nullptr, 400, key);
}

TEST_F(OwnerTest, models_are_listed_loaded_and_unloaded_by_name) {
  const Json models = get("/bantam/models");
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0]["format"], "F32");
  EXPECT_EQ(call("POST", "/bantam/models/fake/load", nullptr, 200)["loaded"], true);
  call("POST", "/bantam/models/none/load", nullptr, 404);
  call("POST", "/bantam/models/none/unload", nullptr, 404);
  EXPECT_EQ(call("POST", "/bantam/models/fake/unload", nullptr, 409)["error"]["code"], "model_in_use")
      << "this one never goes";
}

TEST_F(OwnerTest, load_is_told) {
  const Json load = get("/bantam/load");
  for (const char* name : {"waiting", "running", "pages_used", "pages_total", "tokens_per_second", "prefix_hits"}) {
    EXPECT_TRUE(load[name].is_number()) << name;
  }
}

TEST(LoadMeterTest, the_rate_is_that_of_the_last_seconds) {
  LoadMeter meter;
  const auto at = [](int ms) { return LoadMeter::Clock::time_point(std::chrono::milliseconds(1'000'000 + ms)); };
  EXPECT_EQ(meter.rate(1000, at(0)), 0);
  EXPECT_EQ(meter.rate(1050, at(1000)), 50);
  EXPECT_EQ(meter.rate(1150, at(2000)), 75);
  for (int s = 3; s <= 12; ++s) meter.rate(1150, at(s * 1000));
  EXPECT_EQ(meter.rate(1150, at(13'000)), 0) << "nothing has come for a while";
  EXPECT_EQ(meter.rate(10, at(14'000)), 0) << "a model has left with its counts";
  EXPECT_EQ(meter.rate(20, at(15'000)), 10);
}

}  // namespace
}  // namespace bantam
