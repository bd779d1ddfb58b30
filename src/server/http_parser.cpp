#include "server/http_parser.h"

#include <algorithm>
#include <charconv>

#include "server/body_file.h"

namespace bantam {
namespace {

constexpr size_t kLongestChunkLine = 256;  // size and extensions
constexpr size_t kLongestMethod = 16;

// tchar of RFC 9110, section 5.6.2
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_field_text(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7F); });
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string lowercase(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return out;
}

// Where the value of a list header has the word, without regard to case.
bool list_has(std::string_view value, std::string_view word) {
  while (!value.empty()) {
    const size_t comma = std::min(value.find(','), value.size());
    if (lowercase(trimmed(value.substr(0, comma))) == word) return true;
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  return false;
}

size_t count(const IncomingRequest& request, std::string_view name) {
  return static_cast<size_t>(
      std::ranges::count_if(request.headers, [&](const HttpHeader& h) { return h.name == name; }));
}

}  // namespace

size_t HttpParser::feed(std::string_view bytes) {
  size_t used = 0;
  const bool had_head = has_head();
  while (used < bytes.size() && !complete()) {
    const std::string_view rest = bytes.substr(used);
    if (state_ == State::head) {
      used += feed_head(rest);
      if (!had_head && has_head()) break;
    } else if (state_ == State::body || state_ == State::chunk_data) {
      used += feed_body(rest);
    } else {
      used += feed_line(rest);
    }
  }
  return used;
}

IncomingRequest HttpParser::take() {
  IncomingRequest out = std::move(request_);
  *this = HttpParser(limits_);
  return out;
}

size_t HttpParser::feed_head(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c == '\n' && (head_.empty() || head_.back() != '\r'))
      throw HttpError(400, "a line ends without a carriage return");
    if (c != '\n' && !head_.empty() && head_.back() == '\r') throw HttpError(400, "a carriage return inside a line");
    head_ += c;
    if (head_ == "\r\n") head_.clear();  // an empty line before a request is left over from the last one
    if (head_.ends_with("\r\n\r\n")) {
      parse_head();
      return i + 1;
    }
    if (head_.size() > limits_.head_bytes)
      throw HttpError(431, "the request's head is longer than {} bytes", limits_.head_bytes);
  }
  return bytes.size();
}

void HttpParser::parse_head() {
  std::string_view rest = std::string_view(head_).substr(0, head_.size() - 2);
  for (bool first = true; !rest.empty(); first = false) {
    const size_t end = rest.find("\r\n");
    first ? parse_request_line(rest.substr(0, end)) : parse_header(rest.substr(0, end));
    rest.remove_prefix(end + 2);
  }
  if (!request_.http_1_0 && count(request_, "host") == 0) throw HttpError(400, "the header Host is missing");
  if (const std::string* connection = request_.header("connection")) {
    if (list_has(*connection, "close")) request_.keep_alive = false;
    if (list_has(*connection, "keep-alive")) request_.keep_alive = true;
  }
  choose_framing();
  head_.clear();
  head_.shrink_to_fit();
}

void HttpParser::parse_request_line(std::string_view line) {
  const size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    throw HttpError(400, "the request line is not METHOD TARGET VERSION");
  const std::string_view method = line.substr(0, first), version = line.substr(last + 1);
  std::string_view target = line.substr(first + 1, last - first - 1);
  if (!is_token(method) || method.size() > kLongestMethod) throw HttpError(400, "the request's method is not a word");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    throw HttpError(version.starts_with("HTTP/") ? 505 : 400, "the request is not in HTTP/1.1 or HTTP/1.0");
  }
  for (const std::string_view scheme : {"http://", "https://"}) {  // absolute-form, as sent to proxies
    if (!target.starts_with(scheme)) continue;
    target.remove_prefix(scheme.size());
    const size_t slash = std::min(target.find_first_of("/?"), target.size());
    target.remove_prefix(slash);
    if (target.empty()) target = "/";
  }
  if (target != "*" && !target.starts_with('/')) throw HttpError(400, "the request's target does not begin with '/'");
  if (!is_visible(target) || target.find('#') != std::string_view::npos) {
    throw HttpError(400, "the request's target has characters that a URL does not have");
  }
  request_.method = method;
  const size_t question = std::min(target.find('?'), target.size());
  request_.path = target.substr(0, question);
  request_.query = target.substr(std::min(question + 1, target.size()));
  request_.http_1_0 = version == "HTTP/1.0";
  request_.keep_alive = !request_.http_1_0;
}

void HttpParser::parse_header(std::string_view line) {
  if (line.starts_with(' ') || line.starts_with('\t')) throw HttpError(400, "a header is folded over lines");
  const size_t colon = std::min(line.find(':'), line.size());
  const std::string_view name = line.substr(0, colon);
  if (colon == line.size() || !is_token(name)) throw HttpError(400, "a header is not NAME: VALUE");
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!is_field_text(value)) throw HttpError(400, "the header {} has control characters", name);
  if (request_.headers.size() == limits_.headers)
    throw HttpError(431, "the request has more than {} headers", limits_.headers);
  request_.headers.push_back({lowercase(name), std::string(value)});
  const std::string& added = request_.headers.back().name;
  for (const std::string_view single :
       {"host", "content-length", "transfer-encoding", "authorization", "content-type"}) {
    if (added == single && count(request_, single) > 1) throw HttpError(400, "the header {} comes twice", name);
  }
}

// How long the body is. RFC 9112, section 6.
void HttpParser::choose_framing() {
  const std::string* length = request_.header("content-length");
  const std::string* coding = request_.header("transfer-encoding");
  if (length && coding) throw HttpError(400, "the request has both Content-Length and Transfer-Encoding");
  if (coding && request_.http_1_0) throw HttpError(400, "HTTP/1.0 has no Transfer-Encoding");
  if (coding && lowercase(*coding) != "chunked") throw HttpError(501, "the only transfer coding taken is chunked");
  if (const std::string* content = request_.header("content-encoding"); content && lowercase(*content) != "identity") {
    throw HttpError(415, "compressed bodies are not taken: send it without Content-Encoding");
  }
  if (const std::string* expect = request_.header("expect")) {
    if (lowercase(*expect) != "100-continue") throw HttpError(417, "the only expectation known is 100-continue");
    expects_continue_ = !request_.http_1_0;
  }
  if (coding) {
    state_ = State::chunk_size;
    return;
  }
  if (length) {
    const auto [end, error] = std::from_chars(length->data(), length->data() + length->size(), left_);
    const bool digits = !length->empty() && std::ranges::all_of(*length, [](char c) { return c >= '0' && c <= '9'; });
    if (!digits || error != std::errc() || end != length->data() + length->size()) {
      throw HttpError(400, "Content-Length is not a number of bytes");
    }
    check_length();
  }
  state_ = left_ > 0 ? State::body : State::complete;
}

void HttpParser::check_length() const {
  if (left_ > most_) throw HttpError(413, "the body has {} bytes; the most taken is {}", left_, most_);
}

void HttpParser::begin_body(std::shared_ptr<BodyFile> file) {
  most_ = file ? file->most_bytes() : limits_.body_bytes;
  check_length();
  request_.file = std::move(file);
}

size_t HttpParser::feed_body(std::string_view bytes) {
  const size_t n = static_cast<size_t>(std::min<uint64_t>(bytes.size(), left_));
  if (request_.file) {
    request_.file->write(bytes.substr(0, n));
  } else {
    request_.body.append(bytes.substr(0, n));
  }
  received_ += n;
  left_ -= n;
  if (left_ == 0) state_ = state_ == State::body ? State::complete : State::chunk_end;
  return n;
}

// One line of the chunked coding: a size, the end of a chunk, a trailer.
size_t HttpParser::feed_line(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c == '\n' && (head_.empty() || head_.back() != '\r'))
      throw HttpError(400, "a line ends without a carriage return");
    if (c != '\n' && !head_.empty() && head_.back() == '\r') throw HttpError(400, "a carriage return inside a line");
    head_ += c;
    if (c == '\n') {
      line_complete();
      return i + 1;
    }
    const size_t most = state_ == State::trailers    ? limits_.head_bytes
                        : state_ == State::chunk_end ? 2
                                                     : kLongestChunkLine;
    if (head_.size() > most) throw HttpError(400, "a line of the chunked body is longer than {} bytes", most);
  }
  return bytes.size();
}

void HttpParser::line_complete() {
  const std::string line = head_.substr(0, head_.size() - 2);
  trailers_ += head_.size();
  head_.clear();
  if (state_ == State::chunk_end) {
    if (!line.empty()) throw HttpError(400, "a chunk is longer than it says");
    state_ = State::chunk_size;
    trailers_ = 0;
  } else if (state_ == State::chunk_size) {
    parse_chunk_size(line);
    trailers_ = 0;
  } else if (line.empty()) {
    state_ = State::complete;
  } else if (trailers_ > limits_.head_bytes) {
    throw HttpError(431, "the trailers are longer than {} bytes", limits_.head_bytes);
  }
  // What a trailer says is not used: a header must come before the body that it is about.
}

void HttpParser::parse_chunk_size(std::string_view line) {
  const size_t digits = std::min(line.find_first_of("; \t"), line.size());
  uint64_t size = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + digits, size, 16);
  const bool number = digits > 0 && digits <= 16 && error == std::errc() && end == line.data() + digits;
  const std::string_view extension = trimmed(line.substr(digits));
  if (!number || line[0] == '-' || !is_field_text(line) || !(extension.empty() || extension[0] == ';')) {
    throw HttpError(400, "the size of a chunk is not a hexadecimal number");
  }
  if (size > most_ - received_) throw HttpError(413, "the body is longer than {} bytes", most_);
  left_ = size;
  state_ = size > 0 ? State::chunk_data : State::trailers;
}

}  // namespace bantam
