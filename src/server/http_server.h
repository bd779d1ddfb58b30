// Listens, reads requests within limits of size and time, and sends what a HttpHandler makes of them. The user of
// Boost.Asio, in http_server.cpp and http_stream.h.
//
// A few threads do the I/O of all connections; the handler's work runs in threads of its own, so a slow request delays
// no other connection. A connection without a request costs a few kilobytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "server/http_parser.h"

namespace bantam {

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: one that is free
  int io_threads = 2;
  int worker_threads = 4;
  size_t connections = 10'000;  // one more is closed at once
  HttpLimits limits;
  // A connection that takes longer is closed.
  int idle_ms = 75'000;                    // between requests
  int head_ms = 10'000;                    // from the first byte of a request to the end of its head
  int body_ms = 20'000;                    // for the body, and a second more for each kilobyte that came
  int write_ms = 30'000;                   // for each piece of a response, at most 64 KiB
  std::filesystem::path certificate, key;  // PEM; both or neither: HTTPS or HTTP
};

struct HttpCounts {
  uint64_t connections = 0, requests = 0;         // so far
  uint64_t open = 0;                              // connections now
  uint64_t refused = 0, timed_out = 0, gone = 0;  // over the limit; closed for being slow; clients that left early
};

class HttpServer {
 public:
  // The handler must outlive it. Throws IoError when the address cannot be listened at, or the certificate not be read.
  HttpServer(const HttpServerOptions& options, HttpHandler& handler);
  ~HttpServer();  // closes all connections
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;
  HttpCounts counts() const;
  // Takes no more connections and requests, and waits for those being answered, up to the time. False when some were
  // cut.
  bool drain(int timeout_ms);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bantam
