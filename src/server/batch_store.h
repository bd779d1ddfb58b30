// Files that clients upload and batches of requests in them, with the results so far: one SQLite file, so that a server
// that was stopped or killed goes on where it was.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bantam {

class Database;

struct UploadedFile {
  std::string id, name, purpose;
  int64_t created_s = 0, bytes = 0;
};

struct Batch {
  std::string id, key_id, input_file, endpoint;
  std::string status;    // validating, in_progress, cancelling; completed, cancelled, failed
  std::string metadata;  // JSON
  std::string error;     // why it failed
  std::string output_file, error_file;
  int64_t created_s = 0, started_s = 0, ended_s = 0;
  int64_t total = 0, completed = 0, failed = 0;  // requests
};

// May be used by several threads. Every function throws what Database does. Tenants see only their own: `key_id`.
class BatchStore {
 public:
  explicit BatchStore(const std::filesystem::path& path);
  ~BatchStore();

  UploadedFile add_file(std::string_view key_id, std::string_view name, std::string_view purpose,
                        std::string_view content);
  std::vector<UploadedFile> files(std::string_view key_id);
  std::optional<UploadedFile> file(std::string_view key_id, std::string_view id);
  std::optional<std::string> content(std::string_view key_id, std::string_view id);
  bool remove_file(std::string_view key_id, std::string_view id);

  Batch add_batch(std::string_view key_id, std::string_view input_file, std::string_view endpoint,
                  std::string_view metadata);
  std::vector<Batch> batches(std::string_view key_id);
  std::optional<Batch> batch(std::string_view key_id, std::string_view id);
  // The oldest that has not ended, of any tenant.
  std::optional<Batch> next_open();
  void begin(std::string_view id, int64_t requests);
  void cancel(std::string_view id);  // what is done stays
  void fail(std::string_view id, std::string_view error);
  // Durable when it returns.
  void add_result(std::string_view id, int64_t line, bool good, std::string_view result);
  bool has_result(std::string_view id, int64_t line);
  // Makes the files of the results, in the order of the requests.
  void finish(const Batch& batch);

 private:
  std::mutex mutex_;
  std::unique_ptr<Database> database_;
};

}  // namespace bantam
