// Runs batches of requests in the background: one request at a time, behind all others, through the handlers that
// answer requests over HTTP.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "server/batch_store.h"
#include "server/call.h"

namespace bantam {

// Our path of a batch's endpoint: Azure's clients leave out the "/v1" before it.
inline std::string batch_path(const std::string& endpoint) {
  return endpoint.starts_with("/v1/") ? endpoint : "/v1" + endpoint;
}

class Batches {
 public:
  // The engine's requests of others come first; more than one at a time would still take their turns.
  static constexpr int kPriority = -1;

  // Goes on with what the file has. Throws as BatchStore.
  explicit Batches(const std::filesystem::path& path) : store(path) {}
  // Gives up the request that runs; it runs again the next time.
  ~Batches() { stop(); }

  // Begins to work; `parts` must outlive stop().
  void start(ServerParts& parts);
  void stop();
  // There is a new batch, or one is to be cancelled.
  void wake();

  BatchStore store;

 private:
  class Line;
  void loop(ServerParts& parts);
  void run(ServerParts& parts, const Batch& batch);
  // The response, or nothing when the batch is to stop.
  std::optional<HttpResponse> answer(ServerParts& parts, const Batch& batch, const Line& line);
  std::optional<HttpResponse> answer_once(ServerParts& parts, const Batch& batch, const Line& line, int& retry_ms);
  bool is_over(const Batch& batch);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false, woken_ = false;
  std::thread thread_;
};

}  // namespace bantam
