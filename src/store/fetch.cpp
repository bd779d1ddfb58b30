#include "store/fetch.h"

#include <algorithm>
#include <vector>

#include "base/error.h"

namespace bantam {
namespace {

constexpr int kLongestWaitMs = 30'000, kLongestAskedS = 600;
constexpr int kTickMs = 100;
constexpr int kMostFailures = 4;

}  // namespace

std::optional<int> Backoff::next(std::optional<int> retry_after_s) {
  if (++failures_ > most_failures_) return std::nullopt;
  if (retry_after_s) return *retry_after_s <= kLongestAskedS ? std::optional(1000 * *retry_after_s) : std::nullopt;
  return std::min(kLongestWaitMs, first_ms_ << std::min(failures_ - 1, 16));
}

HttpResult fetch(HttpTransfers& http, const HttpRequest& request, const HttpSink& sink, const FetchOptions& options) {
  Backoff backoff(kMostFailures, options.first_wait_ms);
  const auto tick = [&](int ms) {
    auto ended = http.wait(ms);
    if (options.on_wait) options.on_wait();
    return ended;
  };
  try {
    for (;;) {
      http.start(request, sink);
      std::vector<HttpTransfers::Ended> ended;
      while (ended.empty()) ended = tick(kTickMs);
      HttpResult result = std::move(ended.front().result);
      if (!result.temporary) return result;
      const auto wait_ms = backoff.next(result.head.retry_after_s);
      if (!wait_ms) return result;
      for (int left = *wait_ms; left > 0; left -= kTickMs) tick(std::min(left, kTickMs));
    }
  } catch (...) {
    http.cancel_all();  // the sink is the caller's
    throw;
  }
}

FetchedText fetch_text(HttpTransfers& http, const std::string& url, const std::string& page, size_t max_bytes,
                       const FetchOptions& options) {
  std::string text;
  HttpSink sink;
  sink.head = [&](const HttpHead&) {
    text.clear();  // of an attempt that broke off
    return true;
  };
  sink.body = [&](std::string_view bytes) {
    text += bytes;
    return text.size() <= max_bytes;
  };
  const HttpResult result = fetch(http, {url, {}}, sink, options);
  if (result.refused) throw IoError("{}: the answer is longer than {} bytes", url, max_bytes);
  if (!result.complete() || result.head.status != 200) throw_refusal(url, page, result);
  return {std::move(text), result.head.next};
}

void throw_refusal(const std::string& url, const std::string& page, const HttpResult& result) {
  if (!result.failure.empty()) throw IoError("{}: {}", url, result.failure);
  const HttpHead& head = result.head;
  const auto says = [&](std::string_view words) { return head.message.find(words) != std::string::npos; };
  const std::string its_words = head.message.empty() ? "" : fmt::format(" (the server says: {})", head.message);
  if (head.status == 401 && says("Invalid")) {
    throw IoError("{}: the token is not valid{}; make a new one and give it with --token-file or HF_TOKEN", url,
                  its_words);
  }
  if (head.status == 403 && says("is disabled")) throw IoError("{}: access has been disabled{}", url, its_words);
  if (head.error == "GatedRepo" || (head.status == 403 && !page.empty())) {
    throw IoError(
        "{}: access is refused ({}): accept the licence on {} with your account, then give a token of that account "
        "with --token-file or HF_TOKEN{}",
        url, head.status, page.empty() ? "the model's page" : page, its_words);
  }
  if (head.error == "RevisionNotFound") throw IoError("{}: the repository has no such revision; check @REVISION", url);
  if (head.error == "EntryNotFound") throw IoError("{}: the repository has no such file", url);
  switch (head.status) {
    case 401:
      throw IoError(
          "{}: a valid token is wanted (401): check the name, since one that does not exist is refused the same way; "
          "for a private model give a token with --token-file or HF_TOKEN",
          url);
    case 403:
      throw IoError("{}: access is forbidden (403){}", url, its_words);
    case 404:
    case 410:
      throw IoError("{}: there is no such thing ({}); check the name", url, head.status);
    case 429:
      throw IoError("{}: the server has had too many requests (429){}", url,
                    head.retry_after_s ? fmt::format(" and asks to wait {} seconds", *head.retry_after_s)
                                       : std::string("; try again later"));
    default:
      throw IoError("{}: the server answers {}{}{}", url, head.status, its_words,
                    head.status >= 500 ? "; try again later" : "");
  }
}

}  // namespace bantam
