// /bantam/conversations, export and import: what the page keeps of what was said. Each key has its own.
#include <algorithm>
#include <array>

#include "base/file.h"
#include "server/body_file.h"
#include "server/fields.h"
#include "server/page/conversation_store.h"
#include "server/page/page.h"
#include "server/page/query.h"
#include "server/wire.h"
#include "text/unicode.h"

namespace bantam {
namespace {

constexpr int64_t kExportVersion = 1;
constexpr size_t kMostListed = 200;
constexpr size_t kMostIdBytes = 100;
constexpr size_t kMostImported = 100'000;
constexpr int64_t kLatestTime = int64_t{1} << 40;  // seconds; beyond any clock

ConversationStore& store_of(const Call& call) {
  if (!call.parts.page.conversations) throw ApiError(404, "no_conversations", "", "this server keeps no conversations");
  return *call.parts.page.conversations;
}

// The first key of an owner that was not revoked.
bool is_first_owner(const Call& call) {
  if (!call.key.scopes.allow("admin")) return false;
  const std::vector<KeyInfo> keys = call.parts.tenants.keys();  // the oldest first
  const auto first = std::ranges::find_if(keys, [](const KeyInfo& k) { return !k.revoked && k.scopes.allow("admin"); });
  return first != keys.end() && first->id == call.key.id;
}

// Without keys all conversations are of the one who uses this machine. That is who makes the first key: with it they
// stay theirs, and no other key sees them.
std::string owner_of(const Call& call) {
  if (call.key.id == Tenants::local().id) return {};
  if (is_first_owner(call)) store_of(call).give("", call.key.id);
  return call.key.id;
}

ApiError not_there(std::string_view id) {
  return ApiError(404, "conversation_not_found", "", fmt::format("there is no conversation '{}'", id.substr(0, 100)));
}

std::string checked_id(const std::string& id, std::string_view field) {
  const bool good = !id.empty() && id.size() <= kMostIdBytes && std::ranges::all_of(id, [](char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '_';
  });
  if (!good) throw bad_field(field, "expected 1 to {} letters, digits, '-' and '_'", kMostIdBytes);
  return id;
}

std::string conversation_id(const Call& call) { return call.params.find("conversation")->second; }

// What a field holds, as it is kept.
std::string json_text(const Json* value) { return value ? to_line(*value) : "{}"; }

Json info_json(const ConversationInfo& info) {
  Json out = {
      {"id", info.id},         {"title", info.title},   {"created", info.created_s}, {"updated", info.updated_s},
      {"pinned", info.pinned}, {"folder", info.folder}, {"messages", info.messages}};
  if (!info.snippet.empty()) out["snippet"] = info.snippet;
  return out;
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json whole_json(const StoredConversation& c) {
  Json out = info_json(c.info);
  out["settings"] = parse_json(c.settings, "settings of a conversation");
  out["head"] = text_or_null(c.head);
  Json& messages = out["messages"] = Json::array();
  for (const StoredMessage& m : c.messages) {
    messages.push_back({{"id", m.id},
                        {"parent", text_or_null(m.parent)},
                        {"role", m.role},
                        {"content", m.content},
                        {"created", m.created_s},
                        {"data", parse_json(m.data, "data of a message")}});
  }
  return out;
}

std::unique_ptr<Job> whole(const Call& call, const std::string& id, int status = 200) {
  const auto found = store_of(call).get(owner_of(call), id);
  if (!found) throw not_there(id);
  HttpResponse response = json_response(to_line(whole_json(*found)));
  response.status = status;
  return ready(std::move(response));
}

std::string read_role(const Fields& fields) {
  static constexpr std::array kRoles = {"user", "assistant", "system", "tool"};
  const auto role = fields.word("role", {"user", "assistant", "system", "tool"});
  if (!role) fields.missing("role");
  return kRoles[*role];
}

StoredMessage read_message(const Fields& fields, std::string id) {
  StoredMessage out;
  out.id = std::move(id);
  out.parent = fields.text("parent").value_or("");
  out.role = read_role(fields);
  if (!fields.has("content")) fields.missing("content");
  out.content = to_nfc(*fields.text("content"));
  out.data = json_text(fields.find("data"));
  out.created_s = fields.integer("created", 0, kLatestTime).value_or(unix_seconds());
  return out;
}

// A conversation as export writes it.
StoredConversation read_whole(const Fields& fields) {
  StoredConversation out;
  out.info.id = checked_id(fields.required_text("id"), fields.path("id"));
  out.info.title = to_nfc(fields.text("title").value_or(""));
  out.info.folder = to_nfc(fields.text("folder").value_or(""));
  out.info.pinned = fields.boolean("pinned").value_or(false);
  out.info.created_s = fields.integer("created", 0, kLatestTime).value_or(unix_seconds());
  out.info.updated_s = fields.integer("updated", 0, kLatestTime).value_or(out.info.created_s);
  out.settings = json_text(fields.object("settings"));
  out.head = fields.text("head").value_or("");
  const Json* messages = fields.list("messages", static_cast<size_t>(kMostConversationMessages));
  if (!messages) return out;
  for (size_t i = 0; i < messages->size(); ++i) {
    const std::string where = fmt::format("{}[{}]", fields.path("messages"), i);
    const Fields message((*messages)[i], where);
    out.messages.push_back(read_message(message, checked_id(message.required_text("id"), message.path("id"))));
  }
  const auto is_head = [&](const StoredMessage& m) { return m.id == out.head; };
  if (!out.head.empty() && std::ranges::none_of(out.messages, is_head))
    throw bad_field(fields.path("head"), "there is no message '{}' in this conversation", out.head.substr(0, 100));
  return out;
}

// Writes one conversation after another, so that however many there are takes the memory of one.
class ExportJob final : public Job {
 public:
  explicit ExportJob(Call call) : call_(std::move(call)), ids_(store_of(call_).ids(owner_of(call_))) {}

  std::optional<HttpResponse> response() override {
    return HttpResponse{.headers = {{"Content-Type", "application/json"},
                                    {"Cache-Control", "no-store"},
                                    {"Content-Disposition", "attachment; filename=\"bantam-conversations.json\""}},
                        .streamed = true};
  }

  Body next(std::string& out) override {
    if (at_ == 0) out += fmt::format("{{\"version\":{},\"conversations\":[", kExportVersion);
    if (at_ == ids_.size()) {
      out += "]}\n";
      return Body::end;
    }
    // One that was deleted meanwhile is left out.
    if (const auto found = store_of(call_).get(owner_of(call_), ids_[at_++])) {
      out += (written_++ > 0 ? ",\n" : "\n") + to_line(whole_json(*found));
    }
    return Body::more;
  }

 private:
  Call call_;
  std::vector<std::string> ids_;
  size_t at_ = 0, written_ = 0;
};

}  // namespace

std::unique_ptr<Job> list_conversations(Call call) {
  ConversationQuery query;
  query.text = query_value(call.request.query, "q").value_or("");
  query.folder = query_value(call.request.query, "folder");
  // A time, or the id of the last one seen, which also tells those of the same second apart.
  query.before = query_value(call.request.query, "before").value_or("");
  if (!query.before.empty() && query.before.find_first_not_of("0123456789") == std::string::npos) {
    query.older_than = static_cast<int64_t>(*query_number(call.request, "before", 0, kLatestTime));
    query.before.clear();
  }
  query.limit = query_number(call.request, "limit", 1, kMostListed).value_or(query.limit);
  const ConversationList found = store_of(call).list(owner_of(call), query);
  Json list = Json::array();
  for (const ConversationInfo& info : found.conversations) list.push_back(info_json(info));
  return ready(json_response(to_line({{"conversations", std::move(list)}, {"more", found.more}})));
}

std::unique_ptr<Job> create_conversation(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  StoredConversation made;
  const auto id = fields.text("id");
  made.info.id = id ? checked_id(*id, "id") : random_id();
  made.info.title = to_nfc(fields.text("title").value_or(""));
  made.info.folder = to_nfc(fields.text("folder").value_or(""));
  made.info.created_s = made.info.updated_s = unix_seconds();
  made.settings = json_text(fields.object("settings"));
  if (store_of(call).add(owner_of(call), {&made, 1}) == 0)
    throw ApiError(409, "conversation_exists", "id", fmt::format("there is a conversation '{}' already", made.info.id));
  return whole(call, made.info.id, 201);
}

std::unique_ptr<Job> get_conversation(Call call) { return whole(call, conversation_id(call)); }

std::unique_ptr<Job> change_conversation(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  ConversationChange change;
  if (const auto title = fields.text("title")) change.title = to_nfc(*title);
  if (const auto folder = fields.text("folder")) change.folder = to_nfc(*folder);
  if (fields.object("settings")) change.settings = json_text(fields.object("settings"));
  change.head = fields.text("head");
  change.pinned = fields.boolean("pinned");
  const std::string id = conversation_id(call);
  if (!store_of(call).change(owner_of(call), id, change, unix_seconds())) throw not_there(id);
  return whole(call, id);
}

std::unique_ptr<Job> delete_conversation(Call call) {
  const std::string id = conversation_id(call);
  if (!store_of(call).remove(owner_of(call), id)) throw not_there(id);
  return ready({.status = 204});
}

std::unique_ptr<Job> put_message(Call call) {
  const Json body = parse_body(call.request);
  const StoredMessage message = read_message(Fields(body), checked_id(call.params.find("message")->second, "message"));
  const std::string id = conversation_id(call);
  if (!store_of(call).put(owner_of(call), id, message, unix_seconds())) throw not_there(id);
  return ready(json_response(to_line({{"id", message.id}})));
}

std::unique_ptr<Job> export_conversations(Call call) { return std::make_unique<ExportJob>(std::move(call)); }

std::unique_ptr<Job> import_conversations(Call call) {
  if (call.request.file) call.request.body = read_file(call.request.file->path());
  const Json body = parse_body(call.request);
  const Fields fields(body);
  if (fields.integer("version", 1, INT32_MAX).value_or(kExportVersion) > kExportVersion)
    throw bad_field("version", "this program reads {}", kExportVersion);
  const Json* list = fields.list("conversations", kMostImported);
  if (!list) fields.missing("conversations");
  std::vector<StoredConversation> conversations;
  for (size_t i = 0; i < list->size(); ++i) {
    conversations.push_back(read_whole(Fields((*list)[i], fmt::format("conversations[{}]", i))));
  }
  const size_t added = store_of(call).add(owner_of(call), conversations);
  return ready(json_response(to_line({{"imported", added}, {"skipped", conversations.size() - added}})));
}

}  // namespace bantam
