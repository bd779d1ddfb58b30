// What a connection reads and writes: a socket, or TLS over one. Included by http_server.cpp only.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <utility>

namespace bantam {

class PlainStream {
 public:
  explicit PlainStream(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

  boost::asio::ip::tcp::socket& socket() { return socket_; }

  boost::asio::awaitable<bool> handshake() { co_return true; }
  // 0 when the client is gone.
  boost::asio::awaitable<size_t> read_some(std::span<char> to) {
    boost::system::error_code error;
    const size_t n = co_await socket_.async_read_some(boost::asio::buffer(to.data(), to.size()),
                                                      boost::asio::redirect_error(boost::asio::use_awaitable, error));
    co_return error ? 0 : n;
  }
  // False when the client is gone.
  boost::asio::awaitable<bool> write(std::string_view bytes) {
    boost::system::error_code error;
    co_await boost::asio::async_write(socket_, boost::asio::buffer(bytes),
                                      boost::asio::redirect_error(boost::asio::use_awaitable, error));
    co_return !error;
  }
  void say_goodbye() {}

 private:
  boost::asio::ip::tcp::socket socket_;
};

// OpenSSL reads and writes the socket itself, and asio only waits for it: asio::ssl::stream has buffers and a pair of
// BIOs for each connection, about 68 KiB also while it rests.
class TlsStream {
 public:
  // The context's SSL_MODE_ENABLE_PARTIAL_WRITE and SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER must be set. SIGPIPE must not
  // end the process. Throws std::bad_alloc.
  TlsStream(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context& context)
      : socket_(std::move(socket)), ssl_(SSL_new(context.native_handle()), SSL_free) {
    if (!ssl_ || SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1) throw std::bad_alloc();
    boost::system::error_code ignored;
    socket_.native_non_blocking(true, ignored);
  }

  boost::asio::ip::tcp::socket& socket() { return socket_; }

  boost::asio::awaitable<bool> handshake() {
    const int done = co_await retried([](SSL* ssl) { return SSL_accept(ssl); });
    co_return done > 0;
  }
  boost::asio::awaitable<size_t> read_some(std::span<char> to) {
    const int n = co_await retried([to](SSL* ssl) { return SSL_read(ssl, to.data(), static_cast<int>(to.size())); });
    co_return static_cast<size_t>(n);
  }
  boost::asio::awaitable<bool> write(std::string_view bytes) {
    while (!bytes.empty()) {
      const int n =
          co_await retried([bytes](SSL* ssl) { return SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size())); });
      if (n == 0) co_return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    co_return true;
  }
  // Tells the client that nothing was cut off; does not wait for an answer.
  void say_goodbye() {
    if (socket_.is_open() && !failed_) SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }

 private:
  // What `operation` returned when it was more than 0; 0 when the client is gone. A closed socket's number may be
  // somebody else's by now, so nothing is tried on it.
  template <class F>
  boost::asio::awaitable<int> retried(F operation) {
    using Socket = boost::asio::ip::tcp::socket;
    while (socket_.is_open() && !failed_) {
      ERR_clear_error();
      const int n = operation(ssl_.get());
      if (n > 0) co_return n;
      const int why = SSL_get_error(ssl_.get(), n);
      failed_ = why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE;
      if (failed_) break;
      boost::system::error_code error;
      co_await socket_.async_wait(why == SSL_ERROR_WANT_READ ? Socket::wait_read : Socket::wait_write,
                                  boost::asio::redirect_error(boost::asio::use_awaitable, error));
      if (error) break;
    }
    co_return 0;
  }

  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  bool failed_ = false;  // the connection's end, or an error after which OpenSSL may not be asked again
};

}  // namespace bantam
