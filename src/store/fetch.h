// What every request shares: when to ask again, and what a refusal means in words.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "store/http.h"

namespace bantam {

// How long to wait before the next attempt: doubled after each failure, or what the server asks for.
class Backoff {
 public:
  Backoff(int most_failures, int first_ms) : most_failures_(most_failures), first_ms_(first_ms) {}

  // After a failure: milliseconds to wait; nothing when it was one too many, or the server asks for over ten minutes.
  std::optional<int> next(std::optional<int> retry_after_s);
  // After progress.
  void reset() { failures_ = 0; }

 private:
  int most_failures_, first_ms_, failures_ = 0;
};

struct FetchOptions {
  int first_wait_ms = 500;        // before the second attempt
  std::function<void()> on_wait;  // called ten times a second; may throw to stop
};

// Asks until there is an answer that another attempt would not change. Throws IoError when none comes.
HttpResult fetch(HttpTransfers& http, const HttpRequest& request, const HttpSink& sink, const FetchOptions& options);

struct FetchedText {
  std::string text;
  std::string next;  // address of the next page, where the text is one of several
};

// The body of a 200. Throws IoError in words, also when it is longer than `max_bytes`. `page` as for throw_refusal().
FetchedText fetch_text(HttpTransfers& http, const std::string& url, const std::string& page, size_t max_bytes,
                       const FetchOptions& options);

// Throws the IoError that says what a failed result means and what to do. `page` is where the model's licence can be
// accepted; empty when there is no such page.
[[noreturn]] void throw_refusal(const std::string& url, const std::string& page, const HttpResult& result);

}  // namespace bantam
