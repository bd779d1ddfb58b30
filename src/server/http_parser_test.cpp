#include "server/http_parser.h"

#include <gmock/gmock.h>

#include <optional>

namespace bantam {
namespace {

using testing::HasSubstr;

constexpr HttpLimits kLimits{.head_bytes = 2000, .headers = 20, .body_bytes = 1000};

// The first request of `bytes`, given `step` bytes at a time; nothing when it is not complete.
std::optional<IncomingRequest> parse(std::string_view bytes, size_t step) {
  HttpParser parser(kLimits);
  while (!bytes.empty() && !parser.complete()) {
    std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    while (!piece.empty() && !parser.complete()) piece.remove_prefix(parser.feed(piece));
  }
  if (!parser.complete()) return std::nullopt;
  return parser.take();
}

int status_of(const std::string& bytes) {
  int first = 0;
  for (const size_t step : {size_t{1}, bytes.size()}) {
    int status = 0;
    try {
      parse(bytes, step);
    } catch (const HttpError& error) {
      status = error.status();
    }
    if (step == 1) first = status;
    EXPECT_EQ(status, first) << bytes;
  }
  return first;
}

std::string with_header(const std::string& header) { return "POST / HTTP/1.1\r\nHost: a\r\n" + header + "\r\n\r\n"; }

TEST(HttpParser, whole_and_byte_by_byte_agree) {
  const std::string bytes =
      "\r\nPOST /v1/models/a%2Fb?x=1&y HTTP/1.1\r\nHost: a:80\r\nX-Long:  some text \r\nTransfer-Encoding: "
      "chunked\r\n\r\n"
      "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nTrailer: t\r\n\r\nrest";
  for (const size_t step : {size_t{1}, size_t{2}, size_t{7}, bytes.size()}) {
    const auto request = parse(bytes, step);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->method, "POST");
    EXPECT_EQ(request->path, "/v1/models/a%2Fb");
    EXPECT_EQ(request->query, "x=1&y");
    EXPECT_EQ(request->body, "hello world");
    EXPECT_EQ(*request->header("x-long"), "some text");
    EXPECT_TRUE(request->keep_alive);
  }
}

TEST(HttpParser, what_follows_a_request_is_left_for_the_next) {
  const std::string bytes = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.0\r\n\r\n";
  HttpParser parser(kLimits);
  size_t used = 0;
  while (!parser.complete()) used += parser.feed(std::string_view(bytes).substr(used));
  EXPECT_EQ(parser.take().body, "abc");
  EXPECT_TRUE(parser.idle());
  while (!parser.complete()) used += parser.feed(std::string_view(bytes).substr(used));
  EXPECT_EQ(used, bytes.size());
  const IncomingRequest second = parser.take();
  EXPECT_EQ(second.path, "/b");
  EXPECT_FALSE(second.keep_alive);
}

TEST(HttpParser, the_head_is_seen_before_the_body_comes) {
  HttpParser parser(kLimits);
  const std::string head = with_header("Content-Length: 3\r\nExpect: 100-continue");
  EXPECT_EQ(parser.feed(head + "abc"), head.size());
  EXPECT_TRUE(parser.has_head());
  EXPECT_TRUE(parser.expects_continue());
  EXPECT_FALSE(parser.complete());
}

TEST(HttpParser, ways_to_smuggle_a_request_are_refused) {
  for (const std::string header : {
           "Content-Length: 3\r\nTransfer-Encoding: chunked",
           "Transfer-Encoding: chunked\r\nContent-Length: 3",
           "Content-Length: 3\r\nContent-Length: 3",
           "Content-Length: 3, 3",
           "Content-Length: +3",
           "Content-Length: -3",
           "Content-Length: 0x3",
           "Content-Length: 99999999999999999999",
           "Content-Length:",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
           "Transfer-Encoding : chunked",
           " Transfer-Encoding: chunked",
           "X: a\r\n folded",
           "X: a\nY: b",
           "X: a\rY: b",
           "Host: b",
           "X: a\x01",
           "no colon",
           ": no name",
       }) {
    EXPECT_EQ(status_of(with_header(header)), 400) << header;
  }
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
  for (const std::string coding : {"identity", "chunked, chunked", "gzip, chunked", "xchunked", "chunked;a=b"}) {
    EXPECT_EQ(status_of(with_header("Transfer-Encoding: " + coding)), 501) << coding;
  }
  EXPECT_EQ(status_of(with_header(std::string("X: a\0b", 6))), 400);
}

TEST(HttpParser, bad_chunks_are_refused) {
  const std::string head = with_header("Transfer-Encoding: chunked");
  for (const std::string body :
       {"g\r\n", "\r\n", "-1\r\n", "+1\r\n", " 1\r\na\r\n", "0x1\r\na\r\n", "1\na\r\n", "1\r\nab\r\n", "1\r\na\n",
        "11111111111111111\r\n", "1 a\r\na\r\n", "1;\x01\r\na\r\n", "0\r\nX: a\n\r\n"}) {
    EXPECT_EQ(status_of(head + body), 400) << body;
  }
  EXPECT_EQ(status_of(head + "1;" + std::string(300, 'a')), 400);
  EXPECT_EQ(status_of(head + "3e9\r\n"), 413);
  EXPECT_EQ(status_of(head + "1\r\na\r\n3e8\r\n"), 413);
  EXPECT_EQ(status_of(head + "ffffffffffffffff\r\n"), 413);
}

TEST(HttpParser, broken_request_lines_are_refused) {
  for (const std::string line :
       {"GET", "GET /", "GET  HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET a HTTP/1.1", "G(T / HTTP/1.1",
        "GET /a b HTTP/1.1", "GET /\x80 HTTP/1.1", "GET /#a HTTP/1.1", "GET / http/1.1"}) {
    EXPECT_EQ(status_of(line + "\r\nHost: a\r\n\r\n"), 400) << line;
  }
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("\x16\x03\x01\x02\n"), 400);
}

TEST(HttpParser, limits_hold) {
  EXPECT_EQ(status_of("GET /" + std::string(3000, 'a')), 431);
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 20; ++i) many += fmt::format("X-{}: a\r\n", i);
  EXPECT_EQ(status_of(many + "\r\n"), 431);
  EXPECT_EQ(status_of(with_header("Content-Length: 1001")), 413);
  EXPECT_EQ(status_of(with_header("Transfer-Encoding: chunked") + "0\r\nX: " + std::string(3000, 'a')), 400);
}

TEST(HttpParser, compressed_bodies_and_unknown_expectations_are_refused) {
  EXPECT_EQ(status_of(with_header("Content-Encoding: gzip")), 415);
  EXPECT_EQ(status_of(with_header("Expect: a-miracle")), 417);
}

TEST(HttpParser, a_target_in_absolute_form_is_its_path) {
  EXPECT_EQ(parse("GET http://a:80/b?c HTTP/1.1\r\nHost: a:80\r\n\r\n", 5)->path, "/b");
  EXPECT_EQ(parse("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", 5)->path, "/");
}

TEST(Http, percent_decoding) {
  EXPECT_EQ(percent_decoded("a%2Fb%2fc"), "a/b/c");
  for (const char* text : {"%", "%4", "%zz", "a%00"}) EXPECT_FALSE(percent_decoded(text)) << text;
}

}  // namespace
}  // namespace bantam
