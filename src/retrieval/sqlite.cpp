#include "retrieval/sqlite.h"

#include <sqlite3.h>
#include <unistd.h>

#include "base/error.h"

namespace bantam {
namespace {

constexpr int kBusyTimeoutMs = 5000;

// For a file nobody can write to, and that has no log: SQLite must not try to make one beside it.
bool cannot_change(const std::filesystem::path& path) {
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  return ::access(folder.c_str(), W_OK) != 0 && !std::filesystem::exists(path.string() + "-wal");
}

std::string immutable_uri(const std::filesystem::path& path) {
  std::string out = "file:";
  for (const char c : path.string()) {
    const bool special = c == '?' || c == '#' || c == '%';
    out += special ? fmt::format("%{:02x}", static_cast<unsigned>(c)) : std::string(1, c);
  }
  return out + "?immutable=1";
}

}  // namespace

void SqlStatement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

SqlStatement::SqlStatement(Database& database, std::string_view sql) : database_(&database) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(database.connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  statement_.reset(raw);
  check(code);
}

void SqlStatement::check(int code) const {
  if (code != SQLITE_OK) database_->fail(code);
}

SqlStatement& SqlStatement::bind(int parameter, int64_t value) {
  check(sqlite3_bind_int64(statement_.get(), parameter + 1, value));
  return *this;
}

// Bound bytes must live until the statement has run: run() and the callers of step() see to it.
SqlStatement& SqlStatement::bind(int parameter, std::string_view text) {
  check(sqlite3_bind_text64(statement_.get(), parameter + 1, text.data() == nullptr ? "" : text.data(), text.size(),
                            SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

SqlStatement& SqlStatement::bind(int parameter, std::span<const std::byte> blob) {
  check(blob.empty() ? sqlite3_bind_zeroblob(statement_.get(), parameter + 1, 0)
                     : sqlite3_bind_blob64(statement_.get(), parameter + 1, blob.data(), blob.size(), SQLITE_STATIC));
  return *this;
}

bool SqlStatement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    database_->fail(code);
  }
  sqlite3_reset(statement_.get());
  return false;
}

void SqlStatement::reset() { sqlite3_reset(statement_.get()); }

int64_t SqlStatement::last_insert_id() const { return sqlite3_last_insert_rowid(database_->connection_.get()); }

int64_t SqlStatement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string_view SqlStatement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  return bytes == nullptr
             ? std::string_view()
             : std::string_view(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

std::span<const std::byte> SqlStatement::blob(int column) const {
  const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement_.get(), column));
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

void Database::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }

Database::Database(std::filesystem::path path, Mode mode, const DatabaseContent& content)
    : path_(std::move(path)), content_(content) {
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (mode == Mode::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
  sqlite3* raw = nullptr;
  const bool immutable = mode == Mode::read && cannot_change(path_);
  const int code = immutable ? sqlite3_open_v2(immutable_uri(path_).c_str(), &raw, flags | SQLITE_OPEN_URI, nullptr)
                             : sqlite3_open_v2(path_.c_str(), &raw, flags, nullptr);
  connection_.reset(raw);
  if (code != SQLITE_OK) fail(code);
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
}

Database::~Database() = default;

void Database::run(const char* sql) {
  const int code = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

int64_t Database::integer(std::string_view sql) {
  SqlStatement statement = prepare(sql);
  return statement.step() ? statement.integer(0) : 0;
}

void Database::fail(int code) const {
  const std::string reason = connection_ ? sqlite3_errmsg(connection_.get()) : sqlite3_errstr(code);
  switch (code & 0xFF) {
    case SQLITE_NOTADB:
      throw FormatError("{}: is not {}; name another file", path_.string(), content_.a);
    case SQLITE_CORRUPT:
      throw FormatError("{}: {} is damaged ({}); {}", path_.string(), content_.the, reason, content_.if_damaged);
    case SQLITE_FULL:
      throw IoError("{}: the disk is full; {}", path_.string(), content_.if_full);
    case SQLITE_NOMEM:
      throw std::bad_alloc();
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw IoError("{}: another process is using {}; try again", path_.string(), content_.the);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      throw IoError("{}: cannot be opened or written: {}", path_.string(), reason);
    default:
      throw IoError("{}: {} (SQLite error {})", path_.string(), reason, code);
  }
}

// The transaction is already gone when the error that brought us here ended it.
void Database::roll_back() noexcept { sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr); }

ReadTransaction::~ReadTransaction() { database_.roll_back(); }

Transaction::~Transaction() {
  if (open_) database_.roll_back();
}

void Transaction::commit() {
  database_.run("COMMIT");
  open_ = false;
}

}  // namespace bantam
