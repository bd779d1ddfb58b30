// The file of a server's keys and of what was used with them: one SQLite database. The server and the commands `bantam
// keys` and `bantam usage` open it at the same time.
//
// Of a key only its SHA-256 is kept. A key is 256 random bits, so nobody can try all of them, and the slow hashes that
// passwords need would only delay every request.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/prices.h"
#include "server/quota.h"

namespace bantam {

class Database;

// What a key may do: names in a list, or everything where it is empty.
struct Scopes {
  // "chat", "completions", "embeddings", "models", "documents", "admin", ...
  std::vector<std::string> names;
  bool allow(std::string_view scope) const;
};
// The scopes there are. Throws UsageError for another in `names`, which is a list with commas.
Scopes parse_scopes(std::string_view names);
std::string to_string(const Scopes& scopes);

struct KeyInfo {
  std::string id;    // what the commands and the bill call it
  std::string name;  // the operator's
  Scopes scopes;
  Limits limits;
  int64_t created_ms = 0;
  bool revoked = false;
};

struct NewKey {
  KeyInfo info;
  std::string secret;  // shown once
};

// A request that has ended.
struct UsageRow {
  int64_t admitted_ms = 0, ended_ms = 0;
  std::string key_id, model, route;
  TokenCounts tokens;
  int64_t cost_nano = 0;
  int64_t millijoules = -1;  // -1: the machine does not tell
  bool complete = true;      // false: the client left, or the request failed on the way
};

struct UsageTotal {
  std::string key_id, model, day;  // day: "2026-11-26" in UTC
  int64_t requests = 0, incomplete = 0;
  TokenCounts tokens;
  int64_t cost_nano = 0, millijoules = 0;
};

// Not for use by two threads at a time. Every function throws what Database does; what changes the file is durable when
// the function returns.
class TenantStore {
 public:
  // Makes the file where there is none, readable by its owner only. ":memory:" is private to the object.
  explicit TenantStore(const std::filesystem::path& path);
  ~TenantStore();
  TenantStore(TenantStore&&) noexcept;

  NewKey create(const std::string& name, const Scopes& scopes, const Limits& limits, int64_t now_ms);
  std::vector<KeyInfo> keys();
  // By the key itself; revoked ones are not found.
  std::optional<KeyInfo> find_secret(std::string_view secret);
  bool has_keys();
  // `id` or a name that only one key has. Throws UsageError.
  KeyInfo get(std::string_view id);
  void revoke(std::string_view id);
  void set_limits(std::string_view id, const Limits& limits);
  // A number that changes when another process has changed the file.
  int64_t version();

  void append(std::span<const UsageRow> rows);  // all or none
  // Of requests admitted in [from, to), summed by key, model and day.
  std::vector<UsageTotal> totals(int64_t from_ms, int64_t to_ms);
  // Of one key since then, oldest first.
  std::vector<UsageRow> rows_since(std::string_view key_id, int64_t from_ms);

 private:
  std::unique_ptr<Database> database_;
};

}  // namespace bantam
