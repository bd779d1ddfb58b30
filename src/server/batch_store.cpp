#include "server/batch_store.h"

#include <sys/stat.h>

#include <span>

#include "retrieval/sqlite.h"
#include "server/call.h"

namespace bantam {
namespace {

constexpr const char* kTables = R"(
CREATE TABLE IF NOT EXISTS files (
  id TEXT PRIMARY KEY, key_id TEXT NOT NULL, name TEXT NOT NULL, purpose TEXT NOT NULL, created_s INTEGER NOT NULL,
  content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS batches (
  id TEXT PRIMARY KEY, key_id TEXT NOT NULL, input_file TEXT NOT NULL, endpoint TEXT NOT NULL, status TEXT NOT NULL,
  metadata TEXT NOT NULL, error TEXT NOT NULL DEFAULT '', output_file TEXT NOT NULL DEFAULT '',
  error_file TEXT NOT NULL DEFAULT '', created_s INTEGER NOT NULL, started_s INTEGER NOT NULL DEFAULT 0,
  ended_s INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS results (
  batch_id TEXT NOT NULL, line INTEGER NOT NULL, good INTEGER NOT NULL, result TEXT NOT NULL,
  PRIMARY KEY (batch_id, line)) WITHOUT ROWID;
)";

constexpr std::string_view kBatchColumns =
    "SELECT id, key_id, input_file, endpoint, status, metadata, error, output_file, error_file, created_s, started_s, "
    "ended_s, total, (SELECT count(*) FROM results WHERE batch_id = id AND good = 1), "
    "(SELECT count(*) FROM results WHERE batch_id = id AND good = 0) FROM batches ";

Batch batch_of(const SqlStatement& row) {
  Batch out;
  std::string* const texts[] = {&out.id,       &out.key_id, &out.input_file,  &out.endpoint,  &out.status,
                                &out.metadata, &out.error,  &out.output_file, &out.error_file};
  int column = 0;
  for (std::string* text : texts) *text = row.text(column++);
  int64_t* const numbers[] = {&out.created_s, &out.started_s, &out.ended_s, &out.total, &out.completed, &out.failed};
  for (int64_t* number : numbers) *number = row.integer(column++);
  return out;
}

UploadedFile file_of(const SqlStatement& row) {
  return {std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2)), row.integer(3), row.integer(4)};
}

constexpr std::string_view kFileColumns = "SELECT id, name, purpose, created_s, length(content) FROM files ";

std::span<const std::byte> as_blob(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string insert_file(Database& database, std::string_view key_id, std::string_view name, std::string_view purpose,
                        std::string_view content) {
  const std::string id = "file-" + random_id();
  database.prepare("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)")
      .run(std::string_view(id), key_id, name, purpose, unix_seconds(), as_blob(content));
  return id;
}

}  // namespace

BatchStore::BatchStore(const std::filesystem::path& path) {
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
  const mode_t before = ::umask(0077);  // readable by its owner only
  database_ = std::make_unique<Database>(path, Database::Mode::write);
  database_->run("PRAGMA journal_mode = WAL");
  database_->run(kTables);
  ::umask(before);
}

BatchStore::~BatchStore() = default;

UploadedFile BatchStore::add_file(std::string_view key_id, std::string_view name, std::string_view purpose,
                                  std::string_view content) {
  const std::lock_guard lock(mutex_);
  const std::string id = insert_file(*database_, key_id, name, purpose, content);
  return {id, std::string(name), std::string(purpose), unix_seconds(), static_cast<int64_t>(content.size())};
}

std::vector<UploadedFile> BatchStore::files(std::string_view key_id) {
  const std::lock_guard lock(mutex_);
  auto rows = database_->prepare(std::string(kFileColumns) + "WHERE key_id = ? ORDER BY created_s DESC, id");
  rows.bind_all(key_id);
  std::vector<UploadedFile> out;
  while (rows.step()) out.push_back(file_of(rows));
  return out;
}

std::optional<UploadedFile> BatchStore::file(std::string_view key_id, std::string_view id) {
  const std::lock_guard lock(mutex_);
  auto row = database_->prepare(std::string(kFileColumns) + "WHERE key_id = ? AND id = ?");
  row.bind_all(key_id, id);
  if (!row.step()) return std::nullopt;
  return file_of(row);
}

std::optional<std::string> BatchStore::content(std::string_view key_id, std::string_view id) {
  const std::lock_guard lock(mutex_);
  auto row = database_->prepare("SELECT content FROM files WHERE key_id = ? AND id = ?");
  row.bind_all(key_id, id);
  if (!row.step()) return std::nullopt;
  const auto bytes = row.blob(0);
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

bool BatchStore::remove_file(std::string_view key_id, std::string_view id) {
  if (!file(key_id, id)) return false;
  const std::lock_guard lock(mutex_);
  database_->prepare("DELETE FROM files WHERE key_id = ? AND id = ?").run(key_id, id);
  return true;
}

Batch BatchStore::add_batch(std::string_view key_id, std::string_view input_file, std::string_view endpoint,
                            std::string_view metadata) {
  const std::string id = "batch_" + random_id();
  {
    const std::lock_guard lock(mutex_);
    database_
        ->prepare(
            "INSERT INTO batches (id, key_id, input_file, endpoint, status, metadata, created_s) VALUES (?, ?, ?, ?, "
            "'validating', ?, ?)")
        .run(std::string_view(id), key_id, input_file, endpoint, metadata, unix_seconds());
  }
  return *batch(key_id, id);
}

std::vector<Batch> BatchStore::batches(std::string_view key_id) {
  const std::lock_guard lock(mutex_);
  auto rows = database_->prepare(std::string(kBatchColumns) + "WHERE key_id = ? ORDER BY created_s DESC, id");
  rows.bind_all(key_id);
  std::vector<Batch> out;
  while (rows.step()) out.push_back(batch_of(rows));
  return out;
}

std::optional<Batch> BatchStore::batch(std::string_view key_id, std::string_view id) {
  const std::lock_guard lock(mutex_);
  auto row = database_->prepare(std::string(kBatchColumns) + "WHERE key_id = ? AND id = ?");
  row.bind_all(key_id, id);
  if (!row.step()) return std::nullopt;
  return batch_of(row);
}

std::optional<Batch> BatchStore::next_open() {
  const std::lock_guard lock(mutex_);
  auto row = database_->prepare(std::string(kBatchColumns) +
                                "WHERE status IN ('validating', 'in_progress', 'cancelling') ORDER BY rowid LIMIT 1");
  if (!row.step()) return std::nullopt;
  return batch_of(row);
}

void BatchStore::begin(std::string_view id, int64_t requests) {
  const std::lock_guard lock(mutex_);
  database_
      ->prepare(
          "UPDATE batches SET status = 'in_progress', total = ?, started_s = ? WHERE id = ? AND status = "
          "'validating'")
      .run(requests, unix_seconds(), id);
}

void BatchStore::cancel(std::string_view id) {
  const std::lock_guard lock(mutex_);
  database_->prepare("UPDATE batches SET status = 'cancelling' WHERE id = ? AND ended_s = 0").run(id);
}

void BatchStore::fail(std::string_view id, std::string_view error) {
  const std::lock_guard lock(mutex_);
  database_->prepare("UPDATE batches SET status = 'failed', error = ?, ended_s = ? WHERE id = ?")
      .run(error, unix_seconds(), id);
}

void BatchStore::add_result(std::string_view id, int64_t line, bool good, std::string_view result) {
  const std::lock_guard lock(mutex_);
  database_->prepare("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)").run(id, line, int64_t{good ? 1 : 0}, result);
}

bool BatchStore::has_result(std::string_view id, int64_t line) {
  const std::lock_guard lock(mutex_);
  auto row = database_->prepare("SELECT 1 FROM results WHERE batch_id = ? AND line = ?");
  row.bind_all(id, line);
  return row.step();
}

void BatchStore::finish(const Batch& batch) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(*database_);
  std::string made[2];  // ids of the files of failed and good results
  for (const int good : {0, 1}) {
    auto rows = database_->prepare("SELECT result FROM results WHERE batch_id = ? AND good = ? ORDER BY line");
    rows.bind_all(std::string_view(batch.id), int64_t{good});
    std::string content;
    while (rows.step()) content.append(rows.text(0)).append("\n");
    if (content.empty()) continue;
    const std::string name = batch.id + (good == 1 ? "_output.jsonl" : "_error.jsonl");
    made[good] = insert_file(*database_, batch.key_id, name, "batch_output", content);
  }
  database_
      ->prepare(
          "UPDATE batches SET status = CASE status WHEN 'cancelling' THEN 'cancelled' ELSE 'completed' END, "
          "output_file = ?, error_file = ?, ended_s = ? WHERE id = ?")
      .run(std::string_view(made[1]), std::string_view(made[0]), unix_seconds(), std::string_view(batch.id));
  transaction.commit();
}

}  // namespace bantam
