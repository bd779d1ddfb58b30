// Requests and responses of HTTP as values, and the work between them. Everything in this folder but http_server.cpp
// knows the network only through these.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bantam {

class BodyFile;

struct HttpHeader {
  std::string name, value;  // a request's names are in lowercase
};

struct IncomingRequest {
  std::string method;
  std::string path;   // as sent: "/v1/models/a%2Fb"
  std::string query;  // what follows '?', as sent
  std::vector<HttpHeader> headers;
  std::string body;
  std::string peer;  // the client's address
  bool keep_alive = true;
  bool http_1_0 = false;
  std::shared_ptr<BodyFile> file = nullptr;  // has the body instead of `body` where the handler wanted it so

  // The value of the first header of that (lowercase) name, or null.
  const std::string* header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::vector<HttpHeader> headers = {};
  std::string body = {};
  bool streamed = false;  // the body comes from Job::next()
};

// The request cannot be understood or will not be read: answered with `status`, and the connection is closed.
class HttpError : public Error {
 public:
  template <class... Args>
  explicit HttpError(int status, fmt::format_string<Args...> format, Args&&... args)
      : Error(format, std::forward<Args>(args)...), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

// May be called by any thread, any number of times, until the Job it was made for is destroyed.
using Wake = std::function<void()>;

// A request being answered. Calls come one at a time, from threads that may be kept busy for a moment but not waited
// in. Destroyed when everything is sent or the client is gone: what still runs for it is to be given up.
class Job {
 public:
  virtual ~Job() = default;

  // The response, or nothing yet: asked again after Wake.
  virtual std::optional<HttpResponse> response() = 0;

  enum class Body {
    more,  // there may be more at once
    wait,  // asked again after Wake
    end,
    work,  // of next_at_once(): next() has to be asked
  };
  // Of a streamed response: appends what there is of the body.
  virtual Body next(std::string& out);
  // The same from the network's thread, which may not be kept: for what is there already and only has to be written
  // down.
  virtual Body next_at_once(std::string&) { return Body::work; }
};

// A response that needs no work.
std::unique_ptr<Job> ready(HttpResponse response);

// What a server does with requests. Both may be called by several threads at a time and throw HttpError.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // Sees the head before the body is read; a response here ends the matter. Asked by the network's thread, which may
  // not be kept.
  virtual std::optional<HttpResponse> refuse(const IncomingRequest& head) = 0;
  // After that: where the body goes, null for memory.
  virtual std::shared_ptr<BodyFile> body_file(const IncomingRequest&) { return nullptr; }
  virtual std::unique_ptr<Job> start(IncomingRequest request, Wake wake) = 0;
  // The response to what is no request or cannot be taken. `path`: as far as it is known.
  virtual HttpResponse failure(int status, std::string_view message, std::string_view path) = 0;
};

std::string_view reason_phrase(int status);

// "%41" to "A". Nothing for a broken escape and for a zero byte.
std::optional<std::string> percent_decoded(std::string_view text);

// The value of a parameter of a query, decoded ('+' is a space), or nothing.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace bantam
