// A small HTTP server in a thread, for tests of downloads: serves what a test gives it and misbehaves when told to.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace bantam {

struct ServerRequest {
  std::string path;                            // with what follows '?'
  std::map<std::string, std::string> headers;  // names in lowercase

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct ServerReply {
  int status = 200;
  std::map<std::string, std::string> headers = {};
  std::string body = {};
  bool ranges = true;                         // answers a Range with 206
  std::optional<size_t> break_after = {};     // closes the connection after this many bytes of body
  std::optional<uint64_t> claimed_size = {};  // Content-Length or total that is not the body's
};

// Calls `answer` for each request, in threads of its own, one at a time. Keeps what it was asked.
class TestServer {
 public:
  using Answer = std::function<ServerReply(const ServerRequest&)>;

  explicit TestServer(Answer answer) : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(listener_, 64);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }

  ~TestServer() {
    stopping_ = true;
    acceptor_.join();
    for (std::thread& connection : connections_) connection.join();
    ::close(listener_);
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::string url(const std::string& path = "") const { return fmt::format("http://127.0.0.1:{}{}", port_, path); }
  // The same server under another name: another origin.
  std::string other_url(const std::string& path = "") const {
    return fmt::format("http://localhost:{}{}", port_, path);
  }

  std::vector<ServerRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  bool readable(int fd) const {
    while (!stopping_) {
      pollfd wait{fd, POLLIN, 0};
      if (::poll(&wait, 1, 20) > 0) return true;
    }
    return false;
  }

  void accept_all() {
    while (readable(listener_)) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd >= 0) connections_.emplace_back([this, fd] { serve(fd); });
    }
  }

  void serve(int fd) {
    std::string input;
    while (const auto request = read_request(fd, input)) {
      ServerReply reply;
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(*request);
        reply = answer_(*request);
      }
      if (!send_reply(fd, *request, reply)) break;
    }
    ::close(fd);
  }

  std::optional<ServerRequest> read_request(int fd, std::string& input) const {
    size_t end;
    while ((end = input.find("\r\n\r\n")) == std::string::npos) {
      char buffer[4096];
      if (!readable(fd)) return std::nullopt;
      const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
      if (got <= 0) return std::nullopt;
      input.append(buffer, static_cast<size_t>(got));
    }
    ServerRequest request;
    request.path = input.substr(4, input.find(' ', 4) - 4);  // after "GET "
    for (size_t line = input.find("\r\n") + 2; line < end;) {
      const size_t next = input.find("\r\n", line), colon = input.find(':', line);
      std::string name = input.substr(line, colon - line);
      std::transform(name.begin(), name.end(), name.begin(), [](char c) { return static_cast<char>(c | 0x20); });
      request.headers[name] = input.substr(colon + 2, next - colon - 2);
      line = next + 2;
    }
    input.erase(0, end + 4);
    return request;
  }

  bool send_reply(int fd, const ServerRequest& request, ServerReply reply) const {
    uint64_t first = 0, last = 0;
    const uint64_t total = reply.claimed_size.value_or(reply.body.size());
    const bool ranged = reply.status == 200 && reply.ranges &&
                        std::sscanf(request.header("range").c_str(), "bytes=%lu-%lu", &first, &last) == 2;
    std::string head;
    if (ranged && first >= total) {
      reply.status = 416;
      reply.headers["Content-Range"] = fmt::format("bytes */{}", total);
      reply.body.clear();
    } else if (ranged) {
      last = std::min(last, total - 1);
      reply.status = 206;
      reply.headers["Content-Range"] = fmt::format("bytes {}-{}/{}", first, last, total);
      reply.body = first < reply.body.size() ? reply.body.substr(first, last - first + 1) : "";
    }
    const uint64_t length = reply.status == 200             ? total
                            : ranged && reply.status == 206 ? last - first + 1
                                                            : reply.body.size();
    head = fmt::format("HTTP/1.1 {} Reply\r\nContent-Length: {}\r\n", reply.status, length);
    for (const auto& [name, value] : reply.headers) head += fmt::format("{}: {}\r\n", name, value);
    const size_t sent = std::min(reply.body.size(), reply.break_after.value_or(SIZE_MAX));
    return send_all(fd, head + "\r\n") && send_all(fd, reply.body.substr(0, sent)) && sent == length;
  }

  bool send_all(int fd, std::string_view bytes) const {
    while (!bytes.empty()) {
      pollfd wait{fd, POLLOUT, 0};
      if (::poll(&wait, 1, 20) <= 0) {
        if (stopping_) return false;
        continue;
      }
      const ssize_t put = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (put <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(put));
    }
    return true;
  }

  Answer answer_;
  int listener_;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::vector<ServerRequest> requests_;
  std::vector<std::thread> connections_;  // of the acceptor, which ends before they are joined
  std::thread acceptor_;
};

}  // namespace bantam
