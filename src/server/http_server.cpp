#include "server/http_server.h"

#include <poll.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

#include "server/http_stream.h"

namespace bantam {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using SystemError = boost::system::error_code;

constexpr int kTickMs = 20;          // how late a deadline or a client that left is seen
constexpr size_t kReadBytes = 4096;  // per connection, all the time
constexpr size_t kWriteBytes = 64 << 10;
constexpr size_t kLingerBytes = size_t{1} << 20;
constexpr int kLingerMs = 2000;

// What the threads share.
struct Shared {
  HttpServerOptions options;
  HttpHandler& handler;
  asio::thread_pool workers;
  std::atomic<bool> draining = false;  // nothing new is begun
  std::atomic<bool> closing = false;   // and what is being answered is cut
  std::atomic<uint64_t> connections = 0, requests = 0, open = 0, refused = 0, timed_out = 0, gone = 0;
  std::mutex mutex;
  std::condition_variable closed;  // a connection was

  Shared(const HttpServerOptions& o, HttpHandler& h)
      : options(o), handler(h), workers(static_cast<size_t>(o.worker_threads)) {}
};

// The part of a connection that does not depend on TLS. Used by its I/O thread only, but for wake().
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Shared& shared_state, asio::any_io_executor executor)
      : shared(shared_state), parser(shared_state.options.limits), signal_(executor, Clock::time_point::max()) {
    ++shared.connections;
    ++shared.open;
  }
  virtual ~Connection() {
    const std::lock_guard lock(shared.mutex);
    --shared.open;
    shared.closed.notify_all();
  }
  virtual tcp::socket& socket() = 0;

  void close() {
    SystemError ignored;
    socket().close(ignored);
    signal_.cancel();
  }
  void time_out_after(int ms) { deadline = Clock::now() + std::chrono::milliseconds(ms); }

  // Any thread.
  void wake() {
    asio::post(signal_.get_executor(), [self = shared_from_this()] {
      self->woken_ = true;
      self->signal_.cancel();
    });
  }
  // Returns after a wake() since the last one, or close().
  awaitable<void> woken() {
    SystemError ignored;
    if (!woken_ && socket().is_open()) {
      co_await signal_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    woken_ = false;
    signal_.expires_at(Clock::time_point::max());
  }

  Shared& shared;
  HttpParser parser;
  Clock::time_point deadline = Clock::time_point::max();
  bool busy = false;    // a request is being answered
  bool resting = true;  // between requests
  std::string unread;   // bytes that came after the request
  std::array<char, kReadBytes> buffer;

 private:
  asio::steady_timer signal_;
  bool woken_ = false;
};

// One thread with its connections. Each is used by this thread only.
struct IoThread {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::unordered_set<Connection*> connections;
  std::thread thread;
};

class Registered {
 public:
  Registered(IoThread& thread, Connection& connection) : thread_(thread), connection_(connection) {
    thread_.connections.insert(&connection_);
  }
  ~Registered() { thread_.connections.erase(&connection_); }
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;

 private:
  IoThread& thread_;
  Connection& connection_;
};

// Closes what is over its deadline, and connections whose client left while its request is being answered. poll() sees
// that even with unread bytes before the end, and below TLS.
void check_connections(IoThread& thread, Shared& shared) {
  const auto now = Clock::now();
  std::vector<pollfd> polled;
  std::vector<Connection*> busy;
  for (Connection* c : thread.connections) {
    if (!c->socket().is_open()) continue;
    if (now >= c->deadline) {
      ++shared.timed_out;
      c->close();
    } else if (shared.closing || (shared.draining && c->resting)) {
      c->close();
    } else if (c->busy) {
      polled.push_back({c->socket().native_handle(), POLLRDHUP, 0});
      busy.push_back(c);
    }
  }
  if (polled.empty() || ::poll(polled.data(), polled.size(), 0) <= 0) return;
  for (size_t i = 0; i < polled.size(); ++i) {
    if ((polled[i].revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0) continue;
    ++shared.gone;
    busy[i]->close();
  }
}

awaitable<void> tick(IoThread& thread, Shared& shared) {
  asio::steady_timer timer(thread.io);
  for (;;) {
    timer.expires_after(std::chrono::milliseconds(kTickMs));
    co_await timer.async_wait(asio::use_awaitable);
    check_connections(thread, shared);
  }
}

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 40> text;
  return {text.data(), std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

enum class Framing { length, chunked, until_close };

std::string head_text(const HttpResponse& response, Framing framing, bool keep_alive) {
  std::string out =
      fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status, reason_phrase(response.status), http_date());
  for (const HttpHeader& header : response.headers) out += fmt::format("{}: {}\r\n", header.name, header.value);
  if (framing == Framing::chunked) out += "Transfer-Encoding: chunked\r\n";
  if (framing == Framing::length && response.status != 204 && response.status != 304)
    out += fmt::format("Content-Length: {}\r\n", response.body.size());
  return out + (keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
}

// GCC 12 makes wrong code of co_await inside a condition, so its results are named first, here and below.

// Runs `f` in a worker; what it throws comes back.
template <class F>
awaitable<std::invoke_result_t<F&>> in_worker(Shared& shared, F& f) {
  using Result = std::invoke_result_t<F&>;
  co_return co_await asio::co_spawn(
      shared.workers, [&f]() -> awaitable<Result> { co_return f(); }, asio::use_awaitable);
}

template <class Stream>
class Client final : public Connection {
 public:
  template <class... Args>
  Client(Shared& shared_state, tcp::socket socket, Args&... args)
      : Connection(shared_state, socket.get_executor()), stream_(std::move(socket), args...) {}

  tcp::socket& socket() override { return stream_.socket(); }

  awaitable<void> serve() {
    time_out_after(shared.options.head_ms);
    bool open = co_await stream_.handshake();
    while (open) open = co_await exchange();
    stream_.say_goodbye();
    close();
  }

 private:
  // One request and its response; false when the connection is at its end.
  awaitable<bool> exchange() {
    resting = unread.empty();
    time_out_after(shared.options.idle_ms);
    std::optional<HttpResponse> refusal;
    const bool came = co_await read_request(refusal);
    if (!came) co_return false;
    ++shared.requests;
    resting = false;
    if (refusal) {  // the body, if there is one, is left unread
      const bool whole = parser.complete();
      const IncomingRequest request = whole ? parser.take() : IncomingRequest(parser.request());
      const bool keep = whole && request.keep_alive && !shared.draining;
      const bool sent = co_await send_whole(std::move(*refusal), request, keep);
      if (sent && !keep) co_await linger();
      co_return sent&& keep;
    }
    co_return co_await answer(parser.take());
  }

  // False when the client is gone. A refusal ends the reading.
  awaitable<bool> read_request(std::optional<HttpResponse>& refusal) {
    bool asked = false;
    for (;;) {
      if (unread.empty()) {
        const bool came = co_await receive();
        if (!came) co_return false;
      }
      const auto feed = [&] { return refused([&] { unread.erase(0, parser.feed(unread)); }); };
      if (parser.request().file) {  // writes to the disk
        refusal = co_await in_worker(shared, feed);
      } else {
        refusal = feed();
      }
      if (refusal) {
        unread.clear();
        co_return true;
      }
      if (resting && !parser.idle()) {
        resting = false;
        time_out_after(shared.options.head_ms);
      }
      if (!parser.has_head()) continue;
      if (!asked) {
        asked = true;
        body_begun_ = Clock::now();
        refusal = shared.handler.refuse(parser.request());
        if (refusal) {
          drop_body();
          co_return true;
        }
        refusal = refused([&] { parser.begin_body(shared.handler.body_file(parser.request())); });
        if (refusal) co_return true;
        if (parser.expects_continue() && !parser.complete()) {
          const bool sent = co_await send("HTTP/1.1 100 Continue\r\n\r\n");
          if (!sent) co_return false;
        }
      }
      if (parser.complete()) co_return true;
      // At least a kilobyte a second after the first moments.
      deadline = body_begun_ + std::chrono::milliseconds(static_cast<int64_t>(shared.options.body_ms) +
                                                         static_cast<int64_t>(parser.body_bytes()));
    }
  }

  // Takes the body of a request that is refused if it has come already: then the connection can go on.
  void drop_body() {
    refused([&] {
      parser.begin_body(nullptr);
      unread.erase(0, parser.feed(unread));
    });
  }

  // The response to what reading a request threw.
  template <class F>
  std::optional<HttpResponse> refused(const F& f) {
    std::optional<HttpResponse> response;
    guarded(response, f);
    return response;
  }

  awaitable<bool> receive() {
    const size_t n = co_await stream_.read_some(buffer);
    unread.assign(buffer.data(), n);
    co_return n > 0;
  }

  // The connection is busy meanwhile: a client that leaves ends the job.
  awaitable<bool> answer(IncomingRequest request) {
    const IncomingRequest asked{request.method, request.path, {}, {}, {}, {}, request.keep_alive, request.http_1_0};
    request.peer = peer();
    deadline = Clock::time_point::max();
    busy = true;
    const bool keep = co_await run_job(std::move(request), asked);
    busy = false;
    if (unread.capacity() > kReadBytes) unread.shrink_to_fit();
    co_return keep&& socket().is_open();
  }

  awaitable<bool> run_job(IncomingRequest request, const IncomingRequest& asked) {
    std::unique_ptr<Job> job;
    std::optional<HttpResponse> response;
    const auto start = [&]() -> bool {
      return guarded(response, [&] {
        job = shared.handler.start(std::move(request), [weak = weak_from_this()] {
          if (const auto self = weak.lock()) self->wake();
        });
        response = job->response();
      });
    };
    const auto look = [&]() -> bool { return guarded(response, [&] { response = job->response(); }); };
    const auto end = [&]() -> bool {
      job.reset();
      return true;
    };
    co_await in_worker(shared, start);
    while (!response) {
      co_await woken();
      if (!socket().is_open()) break;
      co_await in_worker(shared, look);
    }
    if (!response || !socket().is_open()) {
      co_await in_worker(shared, end);
      co_return false;
    }
    const bool keep = asked.keep_alive && !shared.draining;
    bool sent = false;
    if (response->streamed) {
      sent = co_await send_stream(*job, *response, asked, keep);
    } else {
      sent = co_await send_whole(std::move(*response), asked, keep);
    }
    co_await in_worker(shared, end);
    co_return sent&& keep;
  }

  // What a handler throws becomes a response.
  template <class F>
  bool guarded(std::optional<HttpResponse>& response, const F& f) {
    try {
      f();
      return true;
    } catch (const HttpError& error) {
      response = shared.handler.failure(error.status(), error.what(), parser.request().path);
    } catch (const std::exception& error) {
      response = shared.handler.failure(500, error.what(), parser.request().path);
    }
    return false;
  }

  awaitable<bool> send_whole(HttpResponse response, const IncomingRequest& asked, bool keep) {
    std::string out = head_text(response, Framing::length, keep);
    if (asked.method != "HEAD") out += response.body;
    co_return co_await send(out);
  }

  awaitable<bool> send_stream(Job& job, const HttpResponse& response, const IncomingRequest& asked, bool keep) {
    const Framing framing = asked.http_1_0 ? Framing::until_close : Framing::chunked;
    keep =
        keep && framing == Framing::chunked;  // what the head says; without chunks the connection's end is the body's
    std::string out = head_text(response, framing, keep), piece;
    Job::Body state = Job::Body::more;
    std::optional<HttpResponse> failed;  // too late for another status: the stream breaks off
    const auto at_once = [&]() -> bool { return guarded(failed, [&] { state = job.next_at_once(piece); }); };
    const auto next = [&]() -> bool { return guarded(failed, [&] { state = job.next(piece); }); };
    bool sent = co_await send(out);
    while (sent) {
      piece.clear();
      bool good = at_once();
      if (good && state == Job::Body::work) good = co_await in_worker(shared, next);
      if (!good) co_return false;
      out.clear();
      if (!piece.empty()) {
        out = framing == Framing::chunked ? fmt::format("{:x}\r\n", piece.size()) + piece + "\r\n" : piece;
      }
      if (state == Job::Body::end && framing == Framing::chunked) out += "0\r\n\r\n";
      if (!out.empty()) sent = co_await send(out);
      if (state == Job::Body::end) co_return sent&& framing == Framing::chunked;
      if (sent && state == Job::Body::wait) co_await woken();
      if (!socket().is_open()) co_return false;
    }
    co_return false;
  }

  // False when the client is gone or too slow.
  awaitable<bool> send(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, kWriteBytes);
      time_out_after(shared.options.write_ms);
      const bool written = co_await stream_.write(piece);
      if (!written) co_return false;
      bytes.remove_prefix(piece.size());
    }
    deadline = Clock::time_point::max();
    co_return true;
  }

  // Reads what the client still sends for a moment: closed at once, the connection would be reset, and the response
  // with it be lost.
  awaitable<void> linger() {
    time_out_after(kLingerMs);
    SystemError ignored;
    socket().shutdown(tcp::socket::shutdown_send, ignored);
    for (size_t dropped = 0; dropped < kLingerBytes;) {
      SystemError error;
      const size_t n =
          co_await socket().async_read_some(asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;
      dropped += n;
    }
  }

  std::string peer() {
    SystemError error;
    const auto endpoint = socket().remote_endpoint(error);
    return error ? std::string() : endpoint.address().to_string();
  }

  Stream stream_;
  Clock::time_point body_begun_;
};

tcp::endpoint endpoint_of(const HttpServerOptions& options) {
  SystemError error;
  const auto address = asio::ip::make_address(options.address == "localhost" ? "127.0.0.1" : options.address, error);
  if (error) throw IoError("{}: not an IP address to listen at", options.address);
  return {address, options.port};
}

std::unique_ptr<asio::ssl::context> open_tls(const HttpServerOptions& options) {
  if (options.certificate.empty() && options.key.empty()) return nullptr;
  auto tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  tls->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  SSL_CTX_set_mode(tls->native_handle(), SSL_MODE_RELEASE_BUFFERS |  // resting connections hold none
                                             SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SystemError error;
  tls->use_certificate_chain_file(options.certificate.string(), error);
  if (error) throw IoError("{}: no certificate chain in PEM: {}", options.certificate.string(), error.message());
  tls->use_private_key_file(options.key.string(), asio::ssl::context::pem, error);
  if (error)
    throw IoError("{}: no private key in PEM that fits the certificate: {}", options.key.string(), error.message());
  return tls;
}

// OpenSSL writes to sockets whose client may have left; the signal goes to the thread that writes.
void block_sigpipe() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
}

template <class Stream>
awaitable<void> run(IoThread& thread, std::shared_ptr<Client<Stream>> client) {
  const Registered registered(thread, *client);
  co_await client->serve();
}

}  // namespace

struct HttpServer::State {
  State(const HttpServerOptions& options, HttpHandler& handler)
      : shared(options, handler),
        tls(open_tls(options)),
        threads(static_cast<size_t>(options.io_threads)),
        acceptor(threads[0].io) {
    listen(endpoint_of(options));
    port = acceptor.local_endpoint().port();
    for (IoThread& thread : threads) asio::co_spawn(thread.io, tick(thread, shared), asio::detached);
    asio::co_spawn(threads[0].io, accept(), asio::detached);
    for (IoThread& thread : threads) {
      thread.thread = std::thread([&thread] {
        block_sigpipe();
        thread.io.run();
      });
    }
  }

  ~State() {
    shared.draining = shared.closing = true;
    post_to_all([](Connection& c) { c.close(); });
    {
      std::unique_lock lock(shared.mutex);
      shared.closed.wait(lock, [&] { return shared.open == 0; });
    }
    for (IoThread& thread : threads) thread.io.stop();
    for (IoThread& thread : threads) thread.thread.join();
    shared.workers.join();
  }

  void listen(const tcp::endpoint& endpoint) {
    SystemError error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      throw IoError("{} port {}: cannot be listened at: {}", shared.options.address, shared.options.port,
                    error.message());
    }
  }

  template <class F>
  void post_to_all(F f) {
    for (IoThread& thread : threads) {
      asio::post(thread.io, [this, &thread, f] {
        SystemError ignored;
        if (&thread == &threads[0]) acceptor.close(ignored);
        for (Connection* connection : thread.connections) f(*connection);
      });
    }
  }

  awaitable<void> accept() {
    for (size_t turn = 0; acceptor.is_open(); ++turn) {
      IoThread& thread = threads[turn % threads.size()];
      tcp::socket socket(thread.io);
      SystemError error;
      co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
      if (error) {  // out of descriptors, most likely: a moment later there may be some
        asio::steady_timer timer(threads[0].io, std::chrono::milliseconds(100));
        co_await timer.async_wait(asio::use_awaitable);
      } else if (shared.open >= shared.options.connections) {
        ++shared.refused;
      } else {
        admit(thread, std::move(socket));
      }
    }
  }

  void admit(IoThread& thread, tcp::socket socket) {
    SystemError ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    if (tls) {
      spawn(thread, std::make_shared<Client<TlsStream>>(shared, std::move(socket), *tls));
    } else {
      spawn(thread, std::make_shared<Client<PlainStream>>(shared, std::move(socket)));
    }
  }

  template <class Stream>
  void spawn(IoThread& thread, std::shared_ptr<Client<Stream>> client) {
    asio::co_spawn(thread.io, run(thread, std::move(client)), asio::detached);
  }

  Shared shared;
  std::unique_ptr<asio::ssl::context> tls;
  std::vector<IoThread> threads;
  tcp::acceptor acceptor;
  uint16_t port = 0;
};

HttpServer::HttpServer(const HttpServerOptions& options, HttpHandler& handler)
    : state_(std::make_unique<State>(options, handler)) {}

HttpServer::~HttpServer() = default;

uint16_t HttpServer::port() const { return state_->port; }

HttpCounts HttpServer::counts() const {
  const Shared& s = state_->shared;
  return {s.connections, s.requests, s.open, s.refused, s.timed_out, s.gone};
}

bool HttpServer::drain(int timeout_ms) {
  Shared& shared = state_->shared;
  shared.draining = true;
  state_->post_to_all([](Connection& c) {
    if (c.resting) c.close();
  });
  std::unique_lock lock(shared.mutex);
  return shared.closed.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return shared.open == 0; });
}

}  // namespace bantam
