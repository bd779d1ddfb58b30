// The conversations that people had on the page: one SQLite file. What is deleted is gone from its bytes too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bantam {

class Database;

// What may be kept; more is refused with an error that says so.
inline constexpr size_t kMostMessageBytes = size_t{1} << 20;  // of one message's text
inline constexpr size_t kMostDataBytes = size_t{256} << 10;   // of what a message or a conversation carries besides
inline constexpr size_t kMostTitleBytes = 500;                // of titles, folders and ids
inline constexpr int64_t kMostConversations = 20'000;         // of one owner
inline constexpr int64_t kMostConversationMessages = 10'000;

struct ConversationInfo {
  std::string id, title, folder;
  int64_t created_s = 0, updated_s = 0;  // Unix time
  bool pinned = false;
  int64_t messages = 0;
  std::string snippet;  // around what was searched for
};

// One of a tree of messages: an edited or repeated one has siblings.
struct StoredMessage {
  std::string id, parent;  // parent: empty for the first
  std::string role, content;
  std::string data;  // JSON of the page's own
  int64_t created_s = 0;
};

struct StoredConversation {
  ConversationInfo info;
  std::string settings;                 // JSON of the page's own
  std::string head;                     // the message that is shown last
  std::vector<StoredMessage> messages;  // as they came; parents before their children
};

struct ConversationQuery {
  std::string text;                   // all its words must be in the title or in messages
  std::optional<std::string> folder;  // "": those in none
  std::string before;                 // the id of a conversation: only those after it in the list
  std::optional<int64_t> older_than;  // only those not pinned and last changed before this time
  size_t limit = 50;
};

struct ConversationList {
  std::vector<ConversationInfo> conversations;  // pinned ones first, then the last changed
  bool more = false;
};

struct ConversationChange {
  std::optional<std::string> title, folder, head, settings;
  std::optional<bool> pinned;
};

// An owner sees only what is theirs: for others it is not there. Any thread may use it. What changes the file is
// durable when the function returns. Throws what Database does, and UsageError for what may not be kept.
class ConversationStore {
 public:
  // Makes the file where there is none, readable by its owner only.
  explicit ConversationStore(const std::filesystem::path& path);
  ~ConversationStore();

  // A folder beside the file for bodies of imports, emptied at the start.
  std::filesystem::path incoming() const;

  ConversationList list(const std::string& owner, const ConversationQuery& query);
  std::vector<std::string> ids(const std::string& owner);
  std::optional<StoredConversation> get(const std::string& owner, const std::string& id);
  // Those whose id is not taken; how many. All or none.
  size_t add(const std::string& owner, std::span<const StoredConversation> conversations);
  // False when there is no such conversation.
  bool change(const std::string& owner, const std::string& id, const ConversationChange& change, int64_t now_s);
  bool remove(const std::string& owner, const std::string& id);
  // All of one owner become another's, except those whose id the other has.
  void give(const std::string& from, const std::string& to);
  // Adds a message, which becomes the head, or puts another text and data into the one of that id.
  bool put(const std::string& owner, const std::string& id, const StoredMessage& message, int64_t now_s);

 private:
  std::optional<int64_t> find(const std::string& owner, const std::string& id);
  void insert(int64_t conversation, const StoredMessage& message);

  std::mutex mutex_;
  std::unique_ptr<Database> database_;
};

}  // namespace bantam
