// HTTP requests, several at once in the caller's thread. The one user of libcurl; proxies come from its environment
// variables (https_proxy, no_proxy, ...), certificates from the system.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bantam {

// A token is sent to its origin ("https://host:port") and nowhere else, wherever redirects and lists of files lead.
struct HttpCredentials {
  std::string token, origin;
};

struct HttpRange {
  uint64_t begin, end;  // first byte, and one past the last
};

struct HttpRequest {
  std::string url;
  std::optional<HttpRange> range;
};

// The head of the response at the end of all redirects.
struct HttpHead {
  int status = 0;
  std::string url;        // where it came from
  std::string validator;  // ETag, else Last-Modified: changes when the content does; empty when there is neither
  std::string error;      // X-Error-Code of Hugging Face: "GatedRepo", "RevisionNotFound", ...
  std::string message;    // ... and X-Error-Message, at most 300 bytes, all of them printable
  std::string next;       // of a list in pages: the address of the next one, from Link
  // What Hugging Face says of a large file before it leads to where the file lies: X-Linked-Etag and X-Linked-Size of
  // any of the redirects. The tag counts where it is a SHA-256.
  std::string linked_sha256;
  std::optional<uint64_t> linked_size;
  std::optional<uint64_t> length;    // of the body
  std::optional<HttpRange> range;    // what a 206 says it sends
  std::optional<uint64_t> total;     // ... of how many bytes
  std::optional<int> retry_after_s;  // 429 and 503; Retry-After, else RateLimit's t
};

struct HttpResult {
  HttpHead head;
  std::string failure;     // why no whole response came; empty when one did
  bool temporary = false;  // the failure or the status may be gone in a moment
  bool refused = false;    // by the sink

  bool complete() const { return failure.empty() && !refused; }
};

// Takes a response as it comes; each returns false to end the transfer. `body` sees bytes of a status in [200, 300).
struct HttpSink {
  std::function<bool(const HttpHead&)> head;
  std::function<bool(std::string_view)> body;
};

class HttpTransfers {
 public:
  explicit HttpTransfers(HttpCredentials credentials);  // throws std::bad_alloc
  ~HttpTransfers();
  HttpTransfers(const HttpTransfers&) = delete;
  HttpTransfers& operator=(const HttpTransfers&) = delete;

  // Starts a transfer and returns its number. Redirects are followed, never from https to http, at most ten. A transfer
  // that receives nothing for 30 seconds fails.
  int start(HttpRequest request, HttpSink sink);

  struct Ended {
    int transfer;
    HttpResult result;
  };
  // Works until transfers end or `timeout_ms` has passed.
  std::vector<Ended> wait(int timeout_ms);

  // Stops all transfers; none of them will be reported.
  void cancel_all();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "https://host:port" of a URL, or nothing when it is not a valid http or https URL.
std::optional<std::string> origin_of(const std::string& url);

// Whether the origin is this machine, where no wire can be listened to.
bool is_loopback(const std::string& origin);

// Text as it stands in a URL: all but letters, digits, -._~ (RFC 3986) and the characters in `keep` is written %XX.
std::string escape_url(std::string_view text, std::string_view keep = "");

}  // namespace bantam
