#include "server/page/conversation_store.h"

#include <sys/stat.h>

#include "retrieval/sqlite.h"
#include "server/page/conversation_search.h"

namespace bantam {
namespace {

constexpr int64_t kSchema = 1;
constexpr size_t kMostSearchWords = 8;

constexpr DatabaseContent kContent{"a file of conversations", "the file of conversations",
                                   "restore it from a copy, or move it away and a new one is made",
                                   "free some space and try again; what was kept before is still there"};

// No index of the words: FTS5 keeps those of deleted rows until it merges, and deleted is to mean deleted.
constexpr const char* kTables = R"(
CREATE TABLE conversations (
  number INTEGER PRIMARY KEY, owner TEXT NOT NULL, id TEXT NOT NULL, title TEXT NOT NULL, folder TEXT NOT NULL,
  pinned INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, head TEXT NOT NULL, settings TEXT NOT NULL,
  UNIQUE (owner, id));
CREATE TABLE messages (
  number INTEGER PRIMARY KEY, conversation INTEGER NOT NULL, id TEXT NOT NULL, parent TEXT NOT NULL, role TEXT NOT NULL,
  created INTEGER NOT NULL, content TEXT NOT NULL, data TEXT NOT NULL, UNIQUE (conversation, id));
PRAGMA user_version = 1;
)";

Database open_private(const std::filesystem::path& path) {
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
  const mode_t before = ::umask(0077);
  Database database(path, Database::Mode::write, kContent);
  // Deleted bytes become zeros; the log is emptied after each deletion, and here for one that was killed before that.
  database.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON");
  ::umask(before);
  return database;
}

void check_size(std::string_view what, const std::string& text, size_t most) {
  if (text.size() > most) throw UsageError("{}: has {} bytes, at most {} are kept", what, text.size(), most);
}

void check_message(const StoredMessage& message) {
  if (message.id.empty()) throw UsageError("id: a message has none");
  check_size("id", message.id, kMostTitleBytes);
  check_size("parent", message.parent, kMostTitleBytes);
  check_size("content", message.content, kMostMessageBytes);
  check_size("data", message.data, kMostDataBytes);
}

ConversationInfo info_of(const SqlStatement& row) {
  return {std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2)), row.integer(3),
          row.integer(4),           row.integer(5) != 0,      row.integer(6),           {}};
}

constexpr std::string_view kInfo =
    "c.id, c.title, c.folder, c.created, c.updated, c.pinned, (SELECT count(*) FROM messages m WHERE m.conversation = "
    "c.number)";

}  // namespace

ConversationStore::ConversationStore(const std::filesystem::path& path)
    : database_(std::make_unique<Database>(open_private(path))) {
  Transaction transaction(*database_);
  const int64_t version = database_->integer("PRAGMA user_version");
  if (version == 0) database_->run(kTables);
  if (version > kSchema) {
    throw UnsupportedError("{}: has version {} of the tables of conversations, this program reads {}", path.string(),
                           version, kSchema);
  }
  transaction.commit();
  database_->run("PRAGMA wal_checkpoint(TRUNCATE)");
  std::filesystem::remove_all(incoming());  // what a killed process left
  std::filesystem::create_directory(incoming());
  std::filesystem::permissions(incoming(), std::filesystem::perms::owner_all);
}

ConversationStore::~ConversationStore() = default;

std::filesystem::path ConversationStore::incoming() const {
  std::filesystem::path path = database_->path();
  path += ".incoming";
  return path;
}

std::optional<int64_t> ConversationStore::find(const std::string& owner, const std::string& id) {
  SqlStatement select = database_->prepare("SELECT number FROM conversations WHERE owner = ? AND id = ?");
  select.bind_all(std::string_view(owner), std::string_view(id));
  if (!select.step()) return std::nullopt;
  return select.integer(0);
}

ConversationList ConversationStore::list(const std::string& owner, const ConversationQuery& query) {
  const std::vector<std::string> words = search_words(query.text, kMostSearchWords);
  std::vector<std::string> patterns;
  std::string sql = fmt::format("SELECT {}, c.number FROM conversations c WHERE c.owner = ?", kInfo);
  if (query.folder) sql += " AND c.folder = ?";
  if (!query.before.empty()) {
    sql +=
        " AND (c.pinned, c.updated, c.number) < (SELECT pinned, updated, number FROM conversations WHERE owner = ? AND "
        "id = ?)";
  }
  if (query.older_than) sql += " AND c.pinned = 0 AND c.updated < ?";
  for (const std::string& word : words) {
    patterns.push_back(like_pattern(word));
    sql +=
        " AND (c.title LIKE ? ESCAPE '\\' OR EXISTS (SELECT 1 FROM messages m WHERE m.conversation = c.number AND "
        "m.content LIKE ? ESCAPE '\\'))";
  }
  sql += " ORDER BY c.pinned DESC, c.updated DESC, c.number DESC LIMIT ?";

  const std::lock_guard lock(mutex_);
  SqlStatement select = database_->prepare(sql);
  int parameter = 0;
  select.bind(parameter++, std::string_view(owner));
  if (query.folder) select.bind(parameter++, std::string_view(*query.folder));
  if (!query.before.empty()) {
    select.bind(parameter++, std::string_view(owner));
    select.bind(parameter++, std::string_view(query.before));
  }
  if (query.older_than) select.bind(parameter++, *query.older_than);
  for (const std::string& pattern : patterns) {
    select.bind(parameter++, std::string_view(pattern));
    select.bind(parameter++, std::string_view(pattern));
  }
  select.bind(parameter, static_cast<int64_t>(query.limit) + 1);

  ConversationList out;
  SqlStatement said = database_->prepare(
      "SELECT content FROM messages WHERE conversation = ? AND content LIKE ? ESCAPE '\\' ORDER BY number LIMIT 1");
  while (select.step()) {
    if (out.conversations.size() == query.limit) {
      out.more = true;
      break;
    }
    ConversationInfo info = info_of(select);
    for (size_t i = 0; i < words.size() && info.snippet.empty(); ++i) {
      said.bind_all(select.integer(7), std::string_view(patterns[i]));
      if (said.step()) info.snippet = snippet_around(said.text(0), words[i]);
    }
    out.conversations.push_back(std::move(info));
  }
  return out;
}

std::vector<std::string> ConversationStore::ids(const std::string& owner) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  SqlStatement select = database_->prepare("SELECT id FROM conversations WHERE owner = ? ORDER BY number");
  select.bind_all(std::string_view(owner));
  while (select.step()) out.emplace_back(select.text(0));
  return out;
}

std::optional<StoredConversation> ConversationStore::get(const std::string& owner, const std::string& id) {
  const std::lock_guard lock(mutex_);
  SqlStatement select = database_->prepare(fmt::format(
      "SELECT {}, c.head, c.settings, c.number FROM conversations c WHERE c.owner = ? AND c.id = ?", kInfo));
  select.bind_all(std::string_view(owner), std::string_view(id));
  if (!select.step()) return std::nullopt;
  StoredConversation out{info_of(select), std::string(select.text(8)), std::string(select.text(7)), {}};
  SqlStatement messages = database_->prepare(
      "SELECT id, parent, role, content, data, created FROM messages WHERE conversation = ? ORDER BY number");
  messages.bind_all(select.integer(9));
  while (messages.step()) {
    out.messages.push_back({std::string(messages.text(0)), std::string(messages.text(1)), std::string(messages.text(2)),
                            std::string(messages.text(3)), std::string(messages.text(4)), messages.integer(5)});
  }
  return out;
}

void ConversationStore::insert(int64_t conversation, const StoredMessage& message) {
  SqlStatement count = database_->prepare("SELECT count(*) FROM messages WHERE conversation = ?");
  count.bind_all(conversation);
  if (count.step() && count.integer(0) >= kMostConversationMessages)
    throw UsageError("a conversation keeps at most {} messages; begin another", kMostConversationMessages);
  if (!message.parent.empty()) {
    SqlStatement parent = database_->prepare("SELECT 1 FROM messages WHERE conversation = ? AND id = ?");
    parent.bind_all(conversation, std::string_view(message.parent));
    if (!parent.step()) throw UsageError("parent: there is no message '{}' in this conversation", message.parent);
  }
  database_
      ->prepare(
          "INSERT INTO messages (conversation, id, parent, role, created, content, data) VALUES (?, ?, ?, ?, ?, ?, ?)")
      .run(conversation, std::string_view(message.id), std::string_view(message.parent), std::string_view(message.role),
           message.created_s, std::string_view(message.content), std::string_view(message.data));
}

size_t ConversationStore::add(const std::string& owner, std::span<const StoredConversation> conversations) {
  for (const StoredConversation& c : conversations) {
    check_size("id", c.info.id, kMostTitleBytes);
    check_size("title", c.info.title, kMostTitleBytes);
    check_size("folder", c.info.folder, kMostTitleBytes);
    check_size("head", c.head, kMostTitleBytes);
    check_size("settings", c.settings, kMostDataBytes);
    for (const StoredMessage& message : c.messages) check_message(message);
  }
  const std::lock_guard lock(mutex_);
  Transaction transaction(*database_);
  SqlStatement count = database_->prepare("SELECT count(*) FROM conversations WHERE owner = ?");
  count.bind_all(std::string_view(owner));
  int64_t there = count.step() ? count.integer(0) : 0;
  size_t added = 0;
  for (const StoredConversation& c : conversations) {
    if (find(owner, c.info.id)) continue;
    if (++there > kMostConversations)
      throw UsageError("at most {} conversations are kept; delete some first", kMostConversations);
    const int64_t number =
        database_
            ->prepare(
                "INSERT INTO conversations (owner, id, title, folder, pinned, created, updated, head, settings) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .run(std::string_view(owner), std::string_view(c.info.id), std::string_view(c.info.title),
                 std::string_view(c.info.folder), int64_t{c.info.pinned}, c.info.created_s, c.info.updated_s,
                 std::string_view(c.head), std::string_view(c.settings));
    for (const StoredMessage& message : c.messages) insert(number, message);
    ++added;
  }
  transaction.commit();
  return added;
}

bool ConversationStore::change(const std::string& owner, const std::string& id, const ConversationChange& change,
                               int64_t now_s) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(*database_);
  const auto number = find(owner, id);
  if (!number) return false;
  const auto set = [&](const char* column, const std::optional<std::string>& value, size_t most) {
    if (!value) return;
    check_size(column, *value, most);
    database_->prepare(fmt::format("UPDATE conversations SET {} = ? WHERE number = ?", column))
        .run(std::string_view(*value), *number);
  };
  set("title", change.title, kMostTitleBytes);
  set("folder", change.folder, kMostTitleBytes);
  set("settings", change.settings, kMostDataBytes);
  if (change.head) {
    SqlStatement there = database_->prepare("SELECT 1 FROM messages WHERE conversation = ? AND id = ?");
    there.bind_all(*number, std::string_view(*change.head));
    if (!there.step()) throw UsageError("head: there is no message '{}' in this conversation", *change.head);
    set("head", change.head, kMostTitleBytes);
  }
  if (change.pinned) {
    database_->prepare("UPDATE conversations SET pinned = ? WHERE number = ?").run(int64_t{*change.pinned}, *number);
  }
  // Renaming, pinning and looking at another branch do not make a conversation the newest.
  if (change.settings) database_->prepare("UPDATE conversations SET updated = ? WHERE number = ?").run(now_s, *number);
  transaction.commit();
  return true;
}

bool ConversationStore::put(const std::string& owner, const std::string& id, const StoredMessage& message,
                            int64_t now_s) {
  check_message(message);
  const std::lock_guard lock(mutex_);
  Transaction transaction(*database_);
  const auto number = find(owner, id);
  if (!number) return false;
  SqlStatement old = database_->prepare("SELECT number, parent FROM messages WHERE conversation = ? AND id = ?");
  old.bind_all(*number, std::string_view(message.id));
  if (old.step()) {
    if (old.text(1) != message.parent) throw UsageError("parent: a message stays where it is in the tree");
    const int64_t row = old.integer(0);
    old.reset();
    database_->prepare("UPDATE messages SET role = ?, content = ?, data = ? WHERE number = ?")
        .run(std::string_view(message.role), std::string_view(message.content), std::string_view(message.data), row);
    database_->prepare("UPDATE conversations SET updated = ? WHERE number = ?").run(now_s, *number);
  } else {
    StoredMessage added = message;
    added.created_s = now_s;
    insert(*number, added);
    database_->prepare("UPDATE conversations SET updated = ?, head = ? WHERE number = ?")
        .run(now_s, std::string_view(message.id), *number);
  }
  transaction.commit();
  return true;
}

void ConversationStore::give(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  SqlStatement any = database_->prepare("SELECT 1 FROM conversations WHERE owner = ? LIMIT 1");
  any.bind_all(std::string_view(from));
  if (!any.step()) return;  // nearly always: nothing is written
  any.reset();
  database_->prepare("UPDATE OR IGNORE conversations SET owner = ? WHERE owner = ?")
      .run(std::string_view(to), std::string_view(from));
}

bool ConversationStore::remove(const std::string& owner, const std::string& id) {
  const std::lock_guard lock(mutex_);
  {
    Transaction transaction(*database_);
    const auto number = find(owner, id);
    if (!number) return false;
    database_->prepare("DELETE FROM messages WHERE conversation = ?").run(*number);
    database_->prepare("DELETE FROM conversations WHERE number = ?").run(*number);
    transaction.commit();
  }
  // Pages that were split or moved may hold old copies of rows beside the live ones: only a rewrite is free of them.
  database_->run("VACUUM");
  database_->run("PRAGMA wal_checkpoint(TRUNCATE)");
  return true;
}

}  // namespace bantam
