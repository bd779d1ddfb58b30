// A client over a real socket that sends any bytes, for tests.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"

namespace bantam {

struct TestReply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names as sent
  std::string body;                            // without the chunked coding
};

class TestClient {
 public:
  explicit TestClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw IoError("no connection to port {}", port);
    }
    const timeval patience{20, 0};  // a server that hangs fails the test, not the machine
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  virtual ~TestClient() { leave(); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  void leave() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send_some(bytes);
      if (n <= 0) return;  // the server has closed; what it said can still be read
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }

  // Reads until `ending` has come; what has come by then, or before the server closed.
  std::string read_until(std::string_view ending) {
    while (received_.find(ending) == std::string::npos && receive()) {
    }
    const size_t found = received_.find(ending);
    return take(found == std::string::npos ? received_.size() : found + ending.size());
  }
  // True when the server has closed and said nothing more.
  bool closed() { return received_.empty() && !receive(); }

  TestReply reply() {
    TestReply out;
    std::string head = read_until("\r\n\r\n");
    if (head.size() < 12) return out;
    out.status = std::atoi(head.c_str() + 9);
    for (size_t at = head.find("\r\n") + 2; at + 2 < head.size();) {
      const size_t colon = head.find(": ", at), end = head.find("\r\n", at);
      out.headers[head.substr(at, colon - at)] = head.substr(colon + 2, end - colon - 2);
      at = end + 2;
    }
    if (out.headers.contains("Transfer-Encoding")) {
      for (;;) {
        const size_t size = std::strtoul(read_until("\r\n").c_str(), nullptr, 16);
        const std::string chunk = read(size + 2);
        if (size == 0 || chunk.size() < size + 2) break;
        out.body += chunk.substr(0, size);
      }
    } else if (out.headers.contains("Content-Length")) {
      out.body = read(std::strtoul(out.headers["Content-Length"].c_str(), nullptr, 10));
    } else if (out.status != 204 && out.status != 304) {
      while (receive()) {
      }
      out.body = take(received_.size());
    }
    return out;
  }

  TestReply request(std::string_view method, std::string_view path, std::string_view body = "",
                    std::string_view headers = "") {
    send(fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n{}", method, path, headers,
                     body.size(), body));
    return reply();
  }

 protected:
  int socket() const { return socket_; }
  virtual ssize_t send_some(std::string_view bytes) {
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  virtual ssize_t receive_some(char* to, size_t most) { return ::recv(socket_, to, most, 0); }

 private:
  bool receive() {
    char buffer[16384];
    const ssize_t n = receive_some(buffer, sizeof buffer);
    if (n > 0) received_.append(buffer, static_cast<size_t>(n));
    return n > 0;
  }
  std::string read(size_t n) {
    while (received_.size() < n && receive()) {
    }
    return take(std::min(n, received_.size()));
  }
  std::string take(size_t n) {
    std::string out = received_.substr(0, n);
    received_.erase(0, n);
    return out;
  }

  int socket_;
  std::string received_;
};

}  // namespace bantam
