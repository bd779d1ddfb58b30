// The server over TLS, asked by OpenSSL's own client.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>

#include "base/test_folder.h"
#include "server/http_server.h"
#include "server/test_client.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

template <class T, void (*free)(T*)>
struct Freed {
  void operator()(T* p) const { free(p); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509, X509_free>>;

// Writes a key and a certificate that it signed itself.
void write_certificate(const fs::path& certificate_path, const fs::path& key_path) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  std::FILE* file = std::fopen(certificate_path.c_str(), "w");
  PEM_write_X509(file, certificate.get());
  std::fclose(file);
  file = std::fopen(key_path.c_str(), "w");
  PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
}

class TlsClient final : public TestClient {
 public:
  explicit TlsClient(uint16_t port)
      : TestClient(port), context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_.get())) {
    SSL_set_fd(ssl_.get(), socket());
    shaken_ = SSL_connect(ssl_.get()) == 1;
  }

  bool shaken() const { return shaken_; }
  // Whether the server said that it would send no more before it closed.
  bool heard_goodbye() const { return SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN; }

 private:
  ssize_t send_some(std::string_view bytes) override {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  }
  ssize_t receive_some(char* to, size_t most) override { return SSL_read(ssl_.get(), to, static_cast<int>(most)); }

  std::unique_ptr<SSL_CTX, Freed<SSL_CTX, SSL_CTX_free>> context_;
  std::unique_ptr<SSL, Freed<SSL, SSL_free>> ssl_;
  bool shaken_ = false;
};

// A body of any length, by which its bytes can be told.
std::string numbered(size_t bytes) {
  std::string out;
  for (int i = 0; out.size() < bytes; ++i) out += fmt::format("{} ", i);
  out.resize(bytes);
  return out;
}

class EchoHandler final : public HttpHandler {
 public:
  std::optional<HttpResponse> refuse(const IncomingRequest&) override { return std::nullopt; }
  std::unique_ptr<Job> start(IncomingRequest request, Wake) override {
    return ready({.body = request.path == "/long" ? numbered(kLongBytes) : std::move(request.body)});
  }
  HttpResponse failure(int status, std::string_view message, std::string_view) override {
    return {.status = status, .body = std::string(message)};
  }

  static constexpr size_t kLongBytes = 8 << 20;  // more than a socket's buffers hold
};

class HttpsTest : public testing::Test {
 protected:
  HttpsTest() {
    options_.certificate = folder_.path() / "certificate.pem";
    options_.key = folder_.path() / "key.pem";
    write_certificate(options_.certificate, options_.key);
    server_ = std::make_unique<HttpServer>(options_, handler_);
    ::signal(SIGPIPE, SIG_DFL);  // what a program has that does nothing about it
  }

  uint16_t port() const { return server_->port(); }

  TestFolder folder_;
  HttpServerOptions options_;
  EchoHandler handler_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpsTest, a_connection_answers_one_request_after_another) {
  TlsClient client(port());
  ASSERT_TRUE(client.shaken());
  for (const size_t bytes : {0u, 1u, 5000u, 300'000u}) {
    const TestReply reply = client.request("POST", "/echo", numbered(bytes));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, numbered(bytes));
  }
  EXPECT_EQ(server_->counts().connections, 1u);
}

TEST_F(HttpsTest, a_slow_reader_gets_a_long_answer_whole_while_others_are_answered) {
  TlsClient slow(port());
  slow.send("GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(TlsClient(port()).request("POST", "/echo", "x").body, "x");
  EXPECT_EQ(slow.reply().body, numbered(EchoHandler::kLongBytes));
}

TEST_F(HttpsTest, an_answer_that_ends_the_connection_ends_with_a_goodbye) {
  TlsClient client(port());
  const TestReply reply = client.request("POST", "/echo", "x", "Connection: close\r\n");
  EXPECT_EQ(reply.body, "x");
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(client.heard_goodbye());
}

TEST_F(HttpsTest, clients_that_speak_no_tls_or_leave_amid_an_answer_harm_nobody) {
  for (int i = 0; i < 20; ++i) {
    TestClient plain(port());
    plain.send("GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
    plain.read_until("never");
    EXPECT_TRUE(plain.closed());
    TestClient silent(port());
    silent.send("\x16\x03\x01");
    TlsClient leaving(port());
    leaving.send("GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n");
    leaving.read_until("100 ");
    leaving.leave();
  }
  EXPECT_EQ(TlsClient(port()).request("POST", "/echo", "still here").body, "still here");
}

TEST_F(HttpsTest, a_certificate_that_cannot_be_read_is_named) {
  options_.key = options_.certificate;
  try {
    HttpServer server(options_, handler_);
    FAIL();
  } catch (const IoError& error) {
    EXPECT_NE(std::string(error.what()).find("certificate.pem: no private key"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace bantam
