// The one user of SQLite: a connection and its statements as values, errors typed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace bantam {

class Database;

// What a file holds, for errors; the default is the index's.
struct DatabaseContent {
  std::string_view a = "an index", the = "the index";
  std::string_view if_damaged = "delete it and index again";
  std::string_view if_full = "what was indexed before is kept, free some space and index again";
};

// A prepared statement. Parameters and columns count from 0. Every call may throw what Database does.
class SqlStatement {
 public:
  SqlStatement& bind(int parameter, int64_t value);
  SqlStatement& bind(int parameter, std::string_view text);
  SqlStatement& bind(int parameter, std::span<const std::byte> blob);

  // Moves to the next row; false at the end, where the statement is ready to run again.
  bool step();
  // For statements without rows: binds the arguments in order, runs, and is ready again. Returns the last inserted id.
  template <class... Args>
  int64_t run(const Args&... args) {
    bind_all(args...);
    while (step()) {
    }
    return last_insert_id();
  }
  template <class... Args>
  SqlStatement& bind_all(const Args&... args) {
    reset();
    int parameter = 0;
    (bind(parameter++, args), ...);
    return *this;
  }
  void reset();

  // Of the current row; text and blobs live until the next step() or reset().
  int64_t integer(int column) const;
  std::string_view text(int column) const;
  std::span<const std::byte> blob(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  SqlStatement(Database& database, std::string_view sql);
  int64_t last_insert_id() const;
  void check(int code) const;

  Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// Not safe for use by two threads at a time. Throws, naming the file: FormatError when it is no database or is damaged,
// IoError when the operating system refuses (disk full, no permission, busy).
class Database {
 public:
  enum class Mode { read, write };

  // ":memory:" is private to the object. Mode::write creates the file if there is none.
  Database(std::filesystem::path path, Mode mode, const DatabaseContent& content = {});
  ~Database();
  Database(Database&& other) noexcept = default;
  Database& operator=(Database&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  void run(const char* sql);
  SqlStatement prepare(std::string_view sql) { return SqlStatement(*this, sql); }
  // The first column of the first row.
  int64_t integer(std::string_view sql);

  void roll_back() noexcept;

  [[noreturn]] void fail(int code) const;

 private:
  friend class SqlStatement;
  struct Close {
    void operator()(sqlite3* connection) const;
  };

  std::filesystem::path path_;
  DatabaseContent content_;
  std::unique_ptr<sqlite3, Close> connection_;
};

// While one is alive, reads see the file as it is at the first of them.
class ReadTransaction {
 public:
  explicit ReadTransaction(Database& database) : database_(database) { database_.run("BEGIN"); }
  ~ReadTransaction();
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;

 private:
  Database& database_;
};

// Rolled back unless commit() is called.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) { database_.run("BEGIN IMMEDIATE"); }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace bantam
