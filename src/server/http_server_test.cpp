#include "server/http_server.h"

#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "server/test_client.h"

namespace bantam {
namespace {

using testing::HasSubstr;

// A stream that a test writes, in another thread than the one that sends it.
struct Pipe {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> pieces;
  bool ended = false, opened = false, destroyed = false;
  size_t taken = 0;
  Wake wake;

  void write(std::string piece, bool last = false) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return opened; });
    pieces.push_back(std::move(piece));
    ended = last;
    wake();
  }
  void wait_until_destroyed() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return destroyed; });
  }
};

class PipeJob final : public Job {
 public:
  PipeJob(Pipe& pipe, Wake wake) : pipe_(pipe) {
    const std::lock_guard lock(pipe_.mutex);
    pipe_.wake = std::move(wake);
    pipe_.opened = true;
    pipe_.changed.notify_all();
  }
  ~PipeJob() override {
    const std::lock_guard lock(pipe_.mutex);
    pipe_.destroyed = true;
    pipe_.changed.notify_all();
  }
  std::optional<HttpResponse> response() override {
    const std::lock_guard lock(pipe_.mutex);
    if (pipe_.pieces.empty()) return std::nullopt;
    return HttpResponse{.headers = {{"Content-Type", "text/plain"}}, .streamed = true};
  }
  Body next(std::string& out) override {
    const std::lock_guard lock(pipe_.mutex);
    if (pipe_.pieces.empty()) return pipe_.ended ? Body::end : Body::wait;
    out += pipe_.pieces.front();
    pipe_.pieces.pop_front();
    ++pipe_.taken;
    return Body::more;
  }

 private:
  Pipe& pipe_;
};

class TestHandler final : public HttpHandler {
 public:
  std::optional<HttpResponse> refuse(const IncomingRequest& head) override {
    if (head.path == "/secret") return HttpResponse{.status = 401, .body = "no"};
    return std::nullopt;
  }
  std::unique_ptr<Job> start(IncomingRequest request, Wake wake) override {
    if (request.path == "/pipe") return std::make_unique<PipeJob>(pipe, std::move(wake));
    if (request.path == "/throws") throw Error("it broke");
    return ready({.body = request.method + " " + request.path + " " + request.body});
  }
  HttpResponse failure(int status, std::string_view message, std::string_view) override {
    return {.status = status, .body = std::string(message)};
  }

  Pipe pipe;
};

class HttpServerTest : public testing::Test {
 protected:
  HttpServer& server() {
    if (!server_) server_ = std::make_unique<HttpServer>(options_, handler_);
    return *server_;
  }
  std::unique_ptr<TestClient> client() { return std::make_unique<TestClient>(server().port()); }

  HttpServerOptions options_;
  TestHandler handler_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, a_connection_answers_one_request_after_another) {
  const auto c = client();
  for (int i = 0; i < 3; ++i) {
    const TestReply reply = c->request("POST", "/echo", fmt::format("body {}", i));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, fmt::format("POST /echo body {}", i));
  }
  EXPECT_EQ(server().counts().connections, 1u);
  EXPECT_EQ(server().counts().requests, 3u);
}

TEST_F(HttpServerTest, requests_sent_together_are_answered_in_order) {
  const auto c = client();
  c->send("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(c->reply().body, "GET /a ");
  EXPECT_EQ(c->reply().body, "GET /b ");
  EXPECT_TRUE(c->closed());
}

TEST_F(HttpServerTest, large_bodies_in_chunks_come_whole) {
  const auto c = client();
  const std::string part(100'000, 'x');
  c->send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 10; ++i) c->send(fmt::format("{:x}\r\n{}\r\n", part.size(), part));
  c->send("0\r\n\r\n");
  EXPECT_EQ(c->reply().body.size(), 11 + 10 * part.size());
}

TEST_F(HttpServerTest, what_is_not_a_request_is_answered_and_the_connection_closed) {
  const auto c = client();
  c->send(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nGET / HTTP/1.1\r\nHost: "
      "a\r\n\r\n");
  const TestReply reply = c->reply();
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("both Content-Length and Transfer-Encoding"));
  EXPECT_TRUE(c->closed());
}

TEST_F(HttpServerTest, a_refusal_comes_before_the_body_is_sent) {
  const auto c = client();
  c->send("POST /secret HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_EQ(c->reply().status, 401);
  EXPECT_TRUE(c->closed());
  const auto large = client();
  large->send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
  EXPECT_EQ(large->reply().status, 413);
}

TEST_F(HttpServerTest, a_connection_goes_on_after_a_refused_request_that_has_come_whole) {
  const auto c = client();
  for (const std::string_view path : {"/secret", "/echo", "/secret", "/echo"}) {
    EXPECT_EQ(c->request("POST", path, "body").status, path == "/secret" ? 401 : 200);
  }
  EXPECT_EQ(server().counts().connections, 1u);
}

TEST_F(HttpServerTest, a_client_that_waits_is_told_to_go_on) {
  const auto c = client();
  c->send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(c->read_until("\r\n\r\n"), HasSubstr("100 Continue"));
  c->send("hi");
  EXPECT_EQ(c->reply().body, "POST /echo hi");
}

TEST_F(HttpServerTest, what_a_handler_throws_is_a_500) { EXPECT_EQ(client()->request("GET", "/throws").status, 500); }

TEST_F(HttpServerTest, a_head_request_gets_no_body) {
  const auto c = client();
  c->send("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(c->read_until("\r\n\r\n"), HasSubstr("Content-Length: 8"));
  EXPECT_EQ(c->request("GET", "/b").body, "GET /b ");
}

TEST_F(HttpServerTest, a_stream_is_sent_as_it_is_written) {
  const auto c = client();
  c->send("GET /pipe HTTP/1.1\r\nHost: a\r\n\r\n");
  handler_.pipe.write("first");
  EXPECT_THAT(c->read_until("first\r\n"), HasSubstr("Transfer-Encoding: chunked"));
  handler_.pipe.write("second");
  EXPECT_EQ(c->read_until("second\r\n"), "6\r\nsecond\r\n");
  handler_.pipe.write("third", true);
  EXPECT_EQ(c->read_until("0\r\n\r\n"), "5\r\nthird\r\n0\r\n\r\n");
  handler_.pipe.wait_until_destroyed();
  EXPECT_EQ(c->request("GET", "/after").status, 200);
}

TEST_F(HttpServerTest, an_old_client_gets_a_stream_without_chunks) {
  const auto c = client();
  c->send("GET /pipe HTTP/1.0\r\n\r\n");
  handler_.pipe.write("text", true);
  EXPECT_EQ(c->reply().body, "text");
}

TEST_F(HttpServerTest, the_job_of_a_client_that_left_is_destroyed) {
  auto c = client();
  c->send("GET /pipe HTTP/1.1\r\nHost: a\r\n\r\n");
  handler_.pipe.write("first");
  c->read_until("first");
  c->leave();
  handler_.pipe.wait_until_destroyed();
}

TEST_F(HttpServerTest, a_client_that_leaves_before_the_response_is_noticed_too) {
  auto c = client();
  c->send("GET /pipe HTTP/1.1\r\nHost: a\r\n\r\nGET /unread");  // unread bytes do not hide the end
  {
    std::unique_lock lock(handler_.pipe.mutex);
    handler_.pipe.changed.wait(lock, [&] { return handler_.pipe.opened; });
  }
  c->leave();
  handler_.pipe.wait_until_destroyed();
  EXPECT_EQ(server().counts().gone, 1u);
}

TEST_F(HttpServerTest, a_client_that_reads_nothing_holds_the_stream_back_and_is_cut_off) {
  options_.write_ms = 200;
  const auto c = client();
  c->send("GET /pipe HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string large(1 << 20, 'x');
  for (int i = 0; i < 64; ++i) handler_.pipe.write(large);
  handler_.pipe.wait_until_destroyed();
  EXPECT_LT(handler_.pipe.taken, 64u);
  EXPECT_EQ(server().counts().timed_out, 1u);
}

TEST_F(HttpServerTest, slow_heads_slow_bodies_and_idle_connections_are_cut_off) {
  options_.head_ms = options_.idle_ms = options_.body_ms = 60;
  const auto idle = client(), head = client(), body = client();
  head->send("GET /a HTTP/1.1\r\nHo");
  body->send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_TRUE(idle->closed());
  EXPECT_TRUE(head->closed());
  EXPECT_TRUE(body->closed());
}

TEST_F(HttpServerTest, connections_over_the_limit_are_closed_at_once) {
  options_.connections = 2;
  const auto a = client(), b = client();
  EXPECT_EQ(a->request("GET", "/a").status, 200);
  EXPECT_EQ(b->request("GET", "/b").status, 200);
  EXPECT_TRUE(client()->closed());
  EXPECT_EQ(server().counts().refused, 1u);
}

TEST_F(HttpServerTest, draining_finishes_what_runs_and_takes_nothing_new) {
  const auto idle = client(), busy = client();
  EXPECT_EQ(idle->request("GET", "/a").status, 200);
  busy->send("GET /pipe HTTP/1.1\r\nHost: a\r\n\r\n");
  handler_.pipe.write("first");
  busy->read_until("first\r\n");
  std::thread drain([&] { EXPECT_TRUE(server().drain(20'000)); });
  EXPECT_TRUE(idle->closed());
  handler_.pipe.write("last", true);
  EXPECT_EQ(busy->read_until("0\r\n\r\n"), "4\r\nlast\r\n0\r\n\r\n");
  drain.join();
  EXPECT_THROW(client(), IoError);
}

TEST_F(HttpServerTest, a_drain_that_takes_too_long_is_given_up) {
  const auto busy = client();
  busy->send("GET /pipe HTTP/1.1\r\nHost: a\r\n\r\n");
  handler_.pipe.write("first");
  busy->read_until("first");
  EXPECT_FALSE(server().drain(30));
  server_.reset();
  EXPECT_TRUE(handler_.pipe.destroyed);
}

TEST_F(HttpServerTest, an_address_in_use_and_one_that_is_none_are_named) {
  options_.port = server().port();
  EXPECT_THROW(HttpServer(options_, handler_), IoError);
  options_.address = "example";
  EXPECT_THROW(HttpServer(options_, handler_), IoError);
}

}  // namespace
}  // namespace bantam
