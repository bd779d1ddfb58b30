// Bytes of a connection to requests, by RFC 9112 and stricter where proxies and servers have understood the same bytes
// differently: whatever is ambiguous is refused.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/http.h"

namespace bantam {

struct HttpLimits {
  size_t head_bytes = 32 << 10;  // request line and headers; the trailers too
  size_t headers = 100;
  size_t body_bytes = size_t{16} << 20;
  size_t file_bytes = 0;  // of a body that goes to a file, where that is more
};

// Takes one request after another. Not usable after it has thrown.
class HttpParser {
 public:
  explicit HttpParser(const HttpLimits& limits)
      : limits_(limits), most_(std::max(limits.body_bytes, limits.file_bytes)) {}

  // Takes bytes up to the end of the head or of the request and returns how many. Throws HttpError: 400 for what is not
  // HTTP or ambiguous (both lengths, folded lines, a line feed alone), 413, 415 for compressed bodies, 417, 431, 501
  // for transfer codings but chunked, 505.
  size_t feed(std::string_view bytes);

  bool idle() const { return state_ == State::head && head_.empty(); }
  bool has_head() const { return state_ != State::head; }
  bool complete() const { return state_ == State::complete; }
  // The client waits for "100 Continue" before it sends the body.
  bool expects_continue() const { return expects_continue_; }
  // After the head: the body goes to `file` (null: to memory). Throws HttpError: 413 when it is too long for that.
  void begin_body(std::shared_ptr<BodyFile> file);
  // Of the head while the body is on its way.
  const IncomingRequest& request() const { return request_; }
  size_t body_bytes() const { return received_; }

  // The complete request; the next feed() begins a new one.
  IncomingRequest take();

 private:
  enum class State : uint8_t { head, body, chunk_size, chunk_data, chunk_end, trailers, complete };

  size_t feed_head(std::string_view bytes);
  size_t feed_line(std::string_view bytes);
  size_t feed_body(std::string_view bytes);
  void parse_head();
  void parse_request_line(std::string_view line);
  void parse_header(std::string_view line);
  void choose_framing();
  void check_length() const;
  void line_complete();
  void parse_chunk_size(std::string_view line);

  HttpLimits limits_;
  uint64_t most_ = 0, received_ = 0;  // of the body
  State state_ = State::head;
  std::string head_;     // of the head, so far; then of a line of the chunked coding
  size_t trailers_ = 0;  // bytes
  uint64_t left_ = 0;    // of the body or the chunk
  bool expects_continue_ = false;
  IncomingRequest request_;
};

}  // namespace bantam
