#include "store/http.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <new>
#include <utility>

#include "base/error.h"
#include "store/curl_library.h"
#include "store/manifest.h"

namespace bantam {
namespace {

constexpr long kConnectTimeoutS = 15, kStallTimeoutS = 30;
constexpr int kMostRedirects = 10;

// curl_global_init() once, whatever the number of transfers; before any thread of ours would use it.
void initialise() {
  static const CURLcode code = curl().global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw Error("libcurl cannot be initialised: {}", curl().easy_strerror(code));
}

std::string header(CURL* handle, const char* name) {
  curl_header* found = nullptr;
  return curl().easy_header(handle, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value : "";
}

std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

// "bytes 0-99/200" (RFC 9110, section 14.4); the total may be "*".
void read_content_range(std::string_view text, HttpHead& head) {
  if (!take(text, "bytes ")) return;
  const auto first = take_number(text);
  if (!first || !take(text, "-")) return;
  const auto last = take_number(text);
  if (!last || *last < *first || *last == UINT64_MAX || !take(text, "/")) return;
  head.range = HttpRange{*first, *last + 1};
  head.total = take_number(text);
}

// The address of '<https://host/list?cursor=x>; rel="next"', one of several with commas between them (RFC 8288); empty
// without one.
std::string next_link(std::string_view text) {
  while (true) {
    const size_t open = text.find('<'), close = text.find('>', open);
    if (close == text.npos) return "";
    const std::string_view address = text.substr(open + 1, close - open - 1);
    text.remove_prefix(close);
    const std::string_view parameters = text.substr(0, text.find('<'));
    if (parameters.find("rel=\"next\"") != parameters.npos || parameters.find("rel=next") != parameters.npos)
      return std::string(address);
  }
}

// Seconds until requests are allowed again, of '"api";r=0;t=55' (draft-ietf-httpapi-ratelimit-headers-09).
std::optional<int> rate_limit_reset(std::string_view text) {
  const size_t at = text.find(";t=");
  if (at == text.npos) return std::nullopt;
  text.remove_prefix(at + 3);
  const auto seconds = take_number(text);
  if (!seconds) return std::nullopt;
  return static_cast<int>(std::clamp<uint64_t>(*seconds, 1, 1'000'000));
}

std::string printable(std::string_view text) {
  std::string out(text.substr(0, 300));
  for (char& c : out) c = c < ' ' || c > '~' ? '.' : c;
  return out;
}

// A quoted SHA-256; empty for other tags.
std::string sha256_of_tag(std::string_view tag) {
  if (tag.size() == 66 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, 64);
  return is_sha256(tag) ? std::string(tag) : "";
}

HttpHead head_of(CURL* handle) {
  HttpHead head;
  long status = 0;
  curl().easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  head.status = static_cast<int>(status);
  const char* url = nullptr;
  curl().easy_getinfo(handle, CURLINFO_EFFECTIVE_URL, &url);
  head.url = url ? url : "";
  head.validator = header(handle, "ETag");
  if (head.validator.empty()) head.validator = header(handle, "Last-Modified");
  head.error = header(handle, "X-Error-Code");
  head.message = printable(header(handle, "X-Error-Message"));
  head.next = next_link(header(handle, "Link"));
  head.linked_sha256 = sha256_of_tag(header(handle, "X-Linked-Etag"));
  const std::string linked_size = header(handle, "X-Linked-Size");
  if (std::string_view digits = linked_size; !digits.empty()) head.linked_size = take_number(digits);
  curl_off_t length = -1, retry_after = 0;
  curl().easy_getinfo(handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  if (length >= 0) head.length = static_cast<uint64_t>(length);
  read_content_range(header(handle, "Content-Range"), head);
  curl().easy_getinfo(handle, CURLINFO_RETRY_AFTER, &retry_after);
  if (retry_after > 0) head.retry_after_s = static_cast<int>(std::min<curl_off_t>(retry_after, 1'000'000));
  if (status == 429 && !head.retry_after_s) head.retry_after_s = rate_limit_reset(header(handle, "RateLimit"));
  return head;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool is_temporary_status(int status) { return status == 408 || status == 429 || status >= 500; }

// What another attempt cannot mend: names, protocols, certificates, our own disk.
bool is_temporary_failure(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_WEIRD_SERVER_REPLY:
      return true;
    default:
      return false;
  }
}

struct Transfer {
  int number = 0;
  HttpRequest request;
  HttpSink sink;
  CURL* handle = nullptr;
  int redirects = 0;
  bool head_seen = false, refused = false;
  HttpHead head;  // of the last response; what redirects said of a linked file stays
  char message[CURL_ERROR_SIZE] = "";

  ~Transfer() { curl().easy_cleanup(handle); }

  // Once per response, before its first byte, or at its end when it has none.
  bool see_head() {
    if (head_seen) return !refused;
    head_seen = true;
    HttpHead seen = head_of(handle);
    if (seen.linked_sha256.empty()) seen.linked_sha256 = head.linked_sha256;
    if (!seen.linked_size) seen.linked_size = head.linked_size;
    head = std::move(seen);
    if (!is_redirect(head.status) && sink.head) refused = !sink.head(head);
    return !refused;
  }

  size_t take_body(const char* bytes, size_t size) {
    if (!see_head()) return 0;
    const bool wanted = head.status >= 200 && head.status < 300;
    if (wanted && sink.body) refused = !sink.body({bytes, size});
    return refused ? 0 : size;
  }
};

size_t on_body(char* bytes, size_t one, size_t size, void* transfer) {
  return static_cast<Transfer*>(transfer)->take_body(bytes, one * size);
}

}  // namespace

struct HttpTransfers::State {
  explicit State(HttpCredentials given) : credentials(std::move(given)), multi(curl().multi_init()) {
    if (multi == nullptr) throw std::bad_alloc();
  }

  ~State() {
    cancel_all();
    curl().multi_cleanup(multi);
  }

  void cancel_all() {
    for (const auto& [handle, transfer] : running) curl().multi_remove_handle(multi, handle);
    running.clear();
  }

  // Sets the handle up for the request's URL, which a redirect may have changed.
  void launch(std::unique_ptr<Transfer> transfer) {
    CURL* handle = transfer->handle;
    const HttpRequest& request = transfer->request;
    transfer->head_seen = false;
    curl().easy_reset(handle);
    curl().easy_setopt(handle, CURLOPT_URL, request.url.c_str());
    curl().easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl().easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);  // a connection each: ranges in parallel
    curl().easy_setopt(handle, CURLOPT_USERAGENT, "bantam");
    curl().easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl().easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectTimeoutS);
    curl().easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl().easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, kStallTimeoutS);
    curl().easy_setopt(handle, CURLOPT_ERRORBUFFER, transfer->message);
    curl().easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl().easy_setopt(handle, CURLOPT_WRITEDATA, transfer.get());
    if (request.range) {
      const std::string range = fmt::format("{}-{}", request.range->begin, request.range->end - 1);
      curl().easy_setopt(handle, CURLOPT_RANGE, range.c_str());
    }
    if (!credentials.token.empty() && origin_of(request.url) == credentials.origin) {
      curl().easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
      curl().easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, credentials.token.c_str());
    }
    curl().multi_add_handle(multi, handle);
    running.emplace(handle, std::move(transfer));
  }

  // Where a redirect leads; an error in words when it may not be followed.
  std::string follow(Transfer& transfer) {
    const char* target = nullptr;
    curl().easy_getinfo(transfer.handle, CURLINFO_REDIRECT_URL, &target);
    const std::string next = target ? target : "";
    if (++transfer.redirects > kMostRedirects) return fmt::format("more than {} redirects", kMostRedirects);
    if (!origin_of(next)) return fmt::format("the server redirects to '{}', which is no http or https address", next);
    if (transfer.request.url.starts_with("https:") && !next.starts_with("https:")) {
      return fmt::format("the server redirects from https to {}; that is not followed", next);
    }
    transfer.request.url = next;
    return "";
  }

  // A redirect goes on as the same transfer; all else ends it.
  std::optional<Ended> finish(std::unique_ptr<Transfer> transfer, CURLcode code) {
    if (code == CURLE_OK) transfer->see_head();
    HttpResult result;
    result.refused = transfer->refused;
    if (code == CURLE_OK && !result.refused && is_redirect(transfer->head.status)) {
      result.failure = follow(*transfer);
      if (result.failure.empty()) {
        launch(std::move(transfer));
        return std::nullopt;
      }
    } else if (code != CURLE_OK && !result.refused) {
      result.failure = *transfer->message ? transfer->message : curl().easy_strerror(code);
      result.temporary = is_temporary_failure(code);
    } else {
      result.temporary = is_temporary_status(transfer->head.status);
    }
    result.head = std::move(transfer->head);
    return Ended{transfer->number, std::move(result)};
  }

  HttpCredentials credentials;
  CURLM* multi;
  std::map<CURL*, std::unique_ptr<Transfer>> running;
  int started = 0;
};

HttpTransfers::HttpTransfers(HttpCredentials credentials) {
  initialise();
  state_ = std::make_unique<State>(std::move(credentials));
}

HttpTransfers::~HttpTransfers() = default;

int HttpTransfers::start(HttpRequest request, HttpSink sink) {
  auto transfer = std::make_unique<Transfer>();
  transfer->number = ++state_->started;
  transfer->request = std::move(request);
  transfer->sink = std::move(sink);
  transfer->handle = curl().easy_init();
  if (transfer->handle == nullptr) throw std::bad_alloc();
  state_->launch(std::move(transfer));
  return state_->started;
}

std::vector<HttpTransfers::Ended> HttpTransfers::wait(int timeout_ms) {
  std::vector<Ended> ended;
  int active = 0;
  curl().multi_perform(state_->multi, &active);
  if (active > 0 || state_->running.empty()) {
    curl().multi_poll(state_->multi, nullptr, 0, timeout_ms, nullptr);
    curl().multi_perform(state_->multi, &active);
  }
  int left = 0;
  while (const CURLMsg* message = curl().multi_info_read(state_->multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;  // the message goes with its handle
    const auto found = state_->running.find(message->easy_handle);
    std::unique_ptr<Transfer> transfer = std::move(found->second);
    state_->running.erase(found);
    curl().multi_remove_handle(state_->multi, transfer->handle);
    if (auto end = state_->finish(std::move(transfer), code)) ended.push_back(std::move(*end));
  }
  return ended;
}

void HttpTransfers::cancel_all() { state_->cancel_all(); }

std::optional<std::string> origin_of(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl().url(), curl().url_cleanup);
  if (!parsed || curl().url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return std::nullopt;
  const auto part = [&](CURLUPart which) {
    char* text = nullptr;
    if (curl().url_get(parsed.get(), which, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return std::string();
    std::string out = text;
    curl().free(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
  };
  const std::string scheme = part(CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return std::nullopt;
  return fmt::format("{}://{}:{}", scheme, part(CURLUPART_HOST), part(CURLUPART_PORT));
}

bool is_loopback(const std::string& origin) {
  const size_t host = origin.find("://") + 3;
  const std::string_view rest = std::string_view(origin).substr(host);
  return rest.starts_with("127.0.0.1:") || rest.starts_with("localhost:") || rest.starts_with("[::1]:");
}

std::string escape_url(std::string_view text, std::string_view keep) {
  constexpr std::string_view kPlain = "-._~";
  std::string out;
  for (const char c : text) {
    const bool plain = ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') ||
                       kPlain.find(c) != std::string_view::npos || keep.find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace bantam
