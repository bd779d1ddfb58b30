// A whole server with a fake backend on a free port, for tests of the APIs over real sockets.
#pragma once

#include <gmock/gmock.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "base/json.h"
#include "base/test_folder.h"
#include "server/batches.h"
#include "server/fake_backend.h"
#include "server/http_server.h"
#include "server/service.h"
#include "server/test_client.h"

namespace bantam {

class ServiceTest : public testing::Test {
 protected:
  // Of one request over a connection of its own.
  TestReply ask(std::string_view method, std::string_view path, std::string_view body = "",
                std::string_view headers = "") {
    TestClient client(port());
    return client.request(method, path, body, headers);
  }
  TestReply post(std::string_view path, const Json& body, std::string_view headers = "") {
    return ask("POST", path, to_line(body), headers);
  }
  // The body of a 200.
  Json good(std::string_view path, const Json& body, std::string_view headers = "") {
    const TestReply reply = post(path, body, headers);
    EXPECT_EQ(reply.status, 200) << path << " " << reply.body;
    return parse_json(reply.body, "a response");
  }
  Json get(std::string_view path) { return parse_json(ask("GET", path).body, "a response"); }

  uint16_t port() { return start().port(); }
  HttpServer& start() {
    if (!server_) {
      options_.log = [this](const std::string& line) {
        const std::lock_guard lock(log_mutex_);
        log_ += line + "\n";
      };
      tenants_ = std::make_unique<Tenants>(database(), prices_);
      service_ = std::make_unique<Service>(ServerParts{.backend = backend_,
                                                       .tenants = *tenants_,
                                                       .metrics = metrics_,
                                                       .documents = documents_,
                                                       .library = library_,
                                                       .batches = batches_.get(),
                                                       .version = "0.0.1",
                                                       .page = page_,
                                                       .draining = [this] { return draining_.load(); }},
                                           options_);
      HttpServerOptions http;
      http.limits.file_bytes = kMostUploadBytes;
      server_ = std::make_unique<HttpServer>(http, *service_);
    }
    return *server_;
  }
  std::filesystem::path database() const { return folder_ / "keys.db"; }
  // A header with a new key.
  std::string new_key(const Limits& limits = {}, const std::string& scopes = "") {
    secret_ = TenantStore(database()).create("team", parse_scopes(scopes), limits, unix_ms()).secret;
    return "Authorization: Bearer " + secret_ + "\r\n";
  }
  std::vector<UsageTotal> totals() const { return TenantStore(database()).totals(0, INT64_MAX / 2); }
  std::string log() {
    const std::lock_guard lock(log_mutex_);
    return log_;
  }

  // The objects of a stream of events.
  static std::vector<Json> events(const std::string& body) {
    std::vector<Json> out;
    for (size_t at = body.find("data: "); at != std::string::npos; at = body.find("data: ", at + 1)) {
      const std::string data = body.substr(at + 6, body.find("\n\n", at) - at - 6);
      if (data != "[DONE]") out.push_back(parse_json(data, "an event"));
    }
    return out;
  }
  static std::vector<Json> lines(const std::string& body) {
    std::vector<Json> out;
    for (size_t at = 0; at < body.size(); at = body.find('\n', at) + 1) {
      out.push_back(parse_json(body.substr(at, body.find('\n', at) - at), "a line"));
    }
    return out;
  }
  static Json chat(const std::string& text = "Hi") {
    return {{"model", "fake"}, {"messages", Json::array({{{"role", "user"}, {"content", text}}})}};
  }
  static Json with(Json object, const std::string& field, Json value) {
    object[field] = std::move(value);
    return object;
  }

  TestFolder folder_;
  FakeBackend backend_;
  Metrics metrics_;
  PriceList prices_{.currency = "USD", .models = {{"*", {1, 1, 2}}}};
  ServiceOptions options_;
  GroundedAnswers* documents_ = nullptr;
  ModelLibrary* library_ = nullptr;
  PageParts page_;
  std::string secret_;
  std::mutex log_mutex_;
  std::string log_;
  std::unique_ptr<Batches> batches_;
  std::atomic<bool> draining_{false};
  std::unique_ptr<Tenants> tenants_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<HttpServer> server_;  // last: it goes first
};

}  // namespace bantam
