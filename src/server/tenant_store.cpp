#include "server/tenant_store.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/hash.h"
#include "retrieval/sqlite.h"

namespace bantam {
namespace {

constexpr int64_t kSchema = 1;
constexpr size_t kSecretBytes = 32, kIdBytes = 6;
constexpr size_t kLongestName = 100;
constexpr std::string_view kSecretPrefix = "bt-";
constexpr std::array kScopes = {"models",    "chat",    "completions", "embeddings",
                                "documents", "batches", "metrics",     "admin"};

constexpr const char* kTables = R"(
CREATE TABLE keys (
  id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, name TEXT NOT NULL, scopes TEXT NOT NULL, created_ms INTEGER NOT NULL,
  revoked INTEGER NOT NULL DEFAULT 0, requests_per_minute INTEGER NOT NULL, tokens_per_minute INTEGER NOT NULL,
  requests_per_day INTEGER NOT NULL, tokens_per_day INTEGER NOT NULL, concurrent INTEGER NOT NULL, budget_nano INTEGER NOT NULL);
CREATE TABLE usage (
  admitted_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, key_id TEXT NOT NULL, model TEXT NOT NULL, route TEXT NOT NULL,
  prompt INTEGER NOT NULL, cached INTEGER NOT NULL, completion INTEGER NOT NULL, cost_nano INTEGER NOT NULL,
  millijoules INTEGER NOT NULL, complete INTEGER NOT NULL);
CREATE INDEX usage_of_key ON usage (key_id, admitted_ms);
CREATE INDEX usage_by_time ON usage (admitted_ms);
PRAGMA user_version = 1;
)";

constexpr DatabaseContent kContent{"a file of keys and usage", "the file of keys and usage",
                                   "restore it from a copy, or delete it and make keys anew with bantam keys create",
                                   "free some space: no request is answered that cannot be counted"};

std::string random_hex(size_t bytes) {
  Hash random;
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    throw IoError("the system gives no random numbers");
  }
  return to_hex(random, bytes);
}

// SQLite makes files that others may read, unless there is one already.
std::filesystem::path private_file(const std::filesystem::path& path) {
  if (path == ":memory:") return path;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
  const mode_t before = ::umask(0077);
  { Database(path, Database::Mode::write, kContent).run("PRAGMA journal_mode = WAL"); }
  ::umask(before);
  return path;
}

KeyInfo key_of(const SqlStatement& row) {
  KeyInfo key;
  key.id = row.text(0);
  key.name = row.text(1);
  key.scopes = parse_scopes(row.text(2));
  key.created_ms = row.integer(3);
  key.revoked = row.integer(4) != 0;
  key.limits = {row.integer(5), row.integer(6), row.integer(7), row.integer(8), row.integer(9), row.integer(10)};
  return key;
}

std::string select_keys(std::string_view where) {
  return fmt::format(
      "SELECT id, name, scopes, created_ms, revoked, requests_per_minute, tokens_per_minute, requests_per_day, "
      "tokens_per_day, "
      "concurrent, budget_nano FROM keys {} ORDER BY created_ms, id",
      where);
}

}  // namespace

bool Scopes::allow(std::string_view scope) const {
  return names.empty() || std::find(names.begin(), names.end(), scope) != names.end();
}

Scopes parse_scopes(std::string_view names) {
  Scopes scopes;
  while (!names.empty()) {
    const size_t comma = std::min(names.find(','), names.size());
    const std::string_view name = names.substr(0, comma);
    if (std::find(kScopes.begin(), kScopes.end(), name) == kScopes.end()) {
      throw UsageError("'{}' is no scope; there are: {}", name, fmt::join(kScopes, ", "));
    }
    scopes.names.emplace_back(name);
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return scopes;
}

std::string to_string(const Scopes& scopes) { return fmt::format("{}", fmt::join(scopes.names, ",")); }

TenantStore::TenantStore(const std::filesystem::path& path)
    : database_(std::make_unique<Database>(private_file(path), Database::Mode::write, kContent)) {
  database_->run(
      "PRAGMA synchronous = FULL");  // a row is on the disk before the client hears that its answer is complete
  Transaction transaction(*database_);
  const int64_t version = database_->integer("PRAGMA user_version");
  if (version == 0) database_->run(kTables);
  if (version > kSchema) {
    throw UnsupportedError("{}: has version {} of the tables of keys, this program reads {}", path.string(), version,
                           kSchema);
  }
  transaction.commit();
}

TenantStore::~TenantStore() = default;
TenantStore::TenantStore(TenantStore&&) noexcept = default;

NewKey TenantStore::create(const std::string& name, const Scopes& scopes, const Limits& limits, int64_t now_ms) {
  if (name.empty() || name.size() > kLongestName)
    throw UsageError("a key's name has 1 to {} bytes, not {}", kLongestName, name.size());
  NewKey key{{random_hex(kIdBytes), name, scopes, limits, now_ms, false},
             std::string(kSecretPrefix) + random_hex(kSecretBytes)};
  const Hash hash = sha256(key.secret);
  database_->prepare("INSERT INTO keys VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?)")
      .run(std::string_view(key.info.id), std::span<const std::byte>(hash), std::string_view(name),
           std::string_view(to_string(scopes)), now_ms, limits.requests_per_minute, limits.tokens_per_minute,
           limits.requests_per_day, limits.tokens_per_day, limits.concurrent, limits.budget_nano);
  return key;
}

std::vector<KeyInfo> TenantStore::keys() {
  std::vector<KeyInfo> out;
  SqlStatement select = database_->prepare(select_keys(""));
  while (select.step()) out.push_back(key_of(select));
  return out;
}

std::optional<KeyInfo> TenantStore::find_secret(std::string_view secret) {
  const Hash hash = sha256(secret);
  SqlStatement select = database_->prepare(select_keys("WHERE hash = ? AND revoked = 0"));
  select.bind_all(std::span<const std::byte>(hash));
  if (!select.step()) return std::nullopt;
  return key_of(select);
}

bool TenantStore::has_keys() { return database_->integer("SELECT EXISTS (SELECT 1 FROM keys)") != 0; }

KeyInfo TenantStore::get(std::string_view id) {
  SqlStatement select = database_->prepare(select_keys("WHERE id = ?1 OR name = ?1"));
  select.bind_all(id);
  std::vector<KeyInfo> found;
  while (select.step()) found.push_back(key_of(select));
  if (found.empty()) throw UsageError("there is no key '{}'; bantam keys list shows them", id);
  if (found.size() > 1)
    throw UsageError("{} keys have the name '{}'; take the id that bantam keys list shows", found.size(), id);
  return found[0];
}

void TenantStore::revoke(std::string_view id) {
  const std::string found = get(id).id;
  database_->prepare("UPDATE keys SET revoked = 1 WHERE id = ?").run(std::string_view(found));
}

void TenantStore::set_limits(std::string_view id, const Limits& limits) {
  const std::string found = get(id).id;
  database_
      ->prepare(
          "UPDATE keys SET requests_per_minute = ?, tokens_per_minute = ?, requests_per_day = ?, tokens_per_day = ?, "
          "concurrent = ?, budget_nano = ? WHERE id = ?")
      .run(limits.requests_per_minute, limits.tokens_per_minute, limits.requests_per_day, limits.tokens_per_day,
           limits.concurrent, limits.budget_nano, std::string_view(found));
}

int64_t TenantStore::version() { return database_->integer("PRAGMA data_version"); }

void TenantStore::append(std::span<const UsageRow> rows) {
  Transaction transaction(*database_);
  SqlStatement insert = database_->prepare("INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (const UsageRow& row : rows) {
    insert.run(row.admitted_ms, row.ended_ms, std::string_view(row.key_id), std::string_view(row.model),
               std::string_view(row.route), row.tokens.prompt, row.tokens.cached, row.tokens.completion, row.cost_nano,
               row.millijoules, static_cast<int64_t>(row.complete));
  }
  transaction.commit();
}

std::vector<UsageTotal> TenantStore::totals(int64_t from_ms, int64_t to_ms) {
  SqlStatement select = database_->prepare(
      "SELECT key_id, model, date(admitted_ms / 1000, 'unixepoch') AS day, count(*), sum(1 - complete), sum(prompt), "
      "sum(cached), "
      "sum(completion), sum(cost_nano), sum(max(millijoules, 0)) FROM usage WHERE admitted_ms >= ? AND admitted_ms < ? "
      "GROUP BY key_id, model, day ORDER BY day, key_id, model");
  select.bind_all(from_ms, to_ms);
  std::vector<UsageTotal> out;
  while (select.step()) {
    out.push_back({std::string(select.text(0)),
                   std::string(select.text(1)),
                   std::string(select.text(2)),
                   select.integer(3),
                   select.integer(4),
                   {select.integer(5), select.integer(6), select.integer(7)},
                   select.integer(8),
                   select.integer(9)});
  }
  return out;
}

std::vector<UsageRow> TenantStore::rows_since(std::string_view key_id, int64_t from_ms) {
  SqlStatement select = database_->prepare(
      "SELECT admitted_ms, ended_ms, model, route, prompt, cached, completion, cost_nano, millijoules, complete FROM "
      "usage "
      "WHERE key_id = ? AND admitted_ms >= ? ORDER BY admitted_ms");
  select.bind_all(key_id, from_ms);
  std::vector<UsageRow> out;
  while (select.step()) {
    out.push_back({select.integer(0),
                   select.integer(1),
                   std::string(key_id),
                   std::string(select.text(2)),
                   std::string(select.text(3)),
                   {select.integer(4), select.integer(5), select.integer(6)},
                   select.integer(7),
                   select.integer(8),
                   select.integer(9) != 0});
  }
  return out;
}

}  // namespace bantam
