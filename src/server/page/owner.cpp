// What the page tells about the server, and what only its owner may see and change there: keys, usage, models, load.
#include <algorithm>
#include <cmath>

#include "server/fields.h"
#include "server/grounded.h"
#include "server/limits_json.h"
#include "server/page/document_library.h"
#include "server/page/load_meter.h"
#include "server/page/page.h"
#include "server/page/query.h"
#include "server/wire.h"

namespace bantam {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr uint64_t kMostDays = 3660, kUsualDays = 30;
constexpr double kMostBudget = 1e9;

// Those that are named; the others are as in `limits`.
Limits read_limits(const Fields& fields, Limits limits) {
  const Json* object = fields.object("limits");
  if (!object) return limits;
  const Fields named(*object, "limits");
  const auto read = [&](const char* name, int64_t& value) {
    value = named.integer(name, 0, int64_t{1} << 50).value_or(value);
  };
  read("requests_per_minute", limits.requests_per_minute);
  read("tokens_per_minute", limits.tokens_per_minute);
  read("requests_per_day", limits.requests_per_day);
  read("tokens_per_day", limits.tokens_per_day);
  read("concurrent", limits.concurrent);
  if (const auto budget = named.number("budget_month", 0, kMostBudget))
    limits.budget_nano = std::llround(*budget * 1e9);
  return limits;
}

Json key_json(const KeyInfo& key) {
  return {{"id", key.id},
          {"name", key.name},
          {"scopes", key.scopes.names},
          {"created", key.created_ms / 1000},
          {"revoked", key.revoked},
          {"limits", limits_json(key.limits)}};
}

bool is_owner(const KeyInfo& key) { return key.scopes.allow("admin"); }

KeyInfo find_key(Call& call) {
  const std::string& id = call.params.find("key")->second;
  const std::vector<KeyInfo> keys = call.parts.tenants.keys();
  const auto found = std::ranges::find(keys, id, &KeyInfo::id);
  if (found == keys.end())
    throw ApiError(404, "key_not_found", "", fmt::format("there is no key '{}'", id.substr(0, 100)));
  return *found;
}

Scopes read_scopes(const Fields& fields) {
  std::string names;
  const Json* list = fields.list("scopes", 20);
  if (!list) return {};
  for (const Json& name : *list) {
    if (!name.is_string()) throw bad_field("scopes", "holds {}, expected names of scopes", describe(name));
    names += (names.empty() ? "" : ",") + name.get<std::string>();
  }
  return parse_scopes(names);
}

Json model_json(const ModelCard& card) {
  return {{"name", card.name},       {"bytes", card.bytes},           {"memory", card.memory},
          {"context", card.context}, {"loaded", card.loaded},         {"format", card.format},
          {"licence", card.licence}, {"parameters", card.parameters}, {"embedded", card.embedded}};
}

ModelCard card_of(Call& call, const std::string& name) {
  const std::vector<ModelCard> cards = call.parts.backend.models();
  const auto found = std::ranges::find(cards, name, &ModelCard::name);
  if (found == cards.end())
    throw ApiError(404, "model_not_found", "model", fmt::format("there is no model '{}'", name.substr(0, 100)));
  return *found;
}

Json documents_json(const ServerParts& parts) {
  IndexStats sum;
  for (const std::string& name : parts.documents ? parts.documents->collections() : std::vector<std::string>{}) {
    if (name == GroundedAnswers::kManual) continue;
    const IndexStats stats = parts.documents->stats(name);
    sum.files += stats.files;
    sum.passages += stats.passages;
  }
  const bool indexing = parts.page.documents && parts.page.documents->status().progress.running;
  return {{"files", sum.files},
          {"passages", sum.passages},
          {"indexing", indexing},
          {"index", parts.documents ? Json(parts.documents->usual_collection()) : Json(nullptr)}};
}

}  // namespace

std::unique_ptr<Job> page_info(Call call) {
  Json models = Json::array();
  for (const ModelCard& card : call.parts.backend.described_models()) {
    Json model = model_json(card);
    model["default"] = models.empty();
    models.push_back(std::move(model));
  }
  return ready(json_response(to_line({{"version", call.parts.version},
                                      {"keys", call.parts.tenants.needs_key()},
                                      {"owner", is_owner(call.key)},
                                      {"models", std::move(models)},
                                      {"documents", documents_json(call.parts)}})));
}

std::unique_ptr<Job> list_keys(Call call) {
  Json keys = Json::array();
  for (const KeyInfo& key : call.parts.tenants.keys()) keys.push_back(key_json(key));
  return ready(json_response(to_line({{"keys", std::move(keys)}})));
}

std::unique_ptr<Job> create_key(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  KeyInfo wanted{.id = {}, .name = fields.required_text("name"), .scopes = read_scopes(fields), .limits = {}};
  wanted.limits = read_limits(fields, {});
  // From the first key on every request needs one, also those of who makes it.
  if (!call.parts.tenants.needs_key() && !is_owner(wanted)) {
    throw bad_field("scopes",
                    "the first key must be the owner's and have the scope admin; with it the others are made");
  }
  const NewKey key = call.parts.tenants.create_key(wanted.name, wanted.scopes, wanted.limits);
  Json out = key_json(key.info);
  out["key"] = key.secret;
  HttpResponse response = json_response(to_line(out));
  response.status = 201;
  response.headers.push_back({"Cache-Control", "no-store"});
  return ready(std::move(response));
}

std::unique_ptr<Job> change_key(Call call) {
  const Json body = parse_body(call.request);
  const KeyInfo key = find_key(call);
  call.parts.tenants.set_limits(key.id, read_limits(Fields(body), key.limits));
  return ready(json_response(to_line(key_json(find_key(call)))));
}

std::unique_ptr<Job> revoke_key(Call call) {
  const KeyInfo key = find_key(call);
  const std::vector<KeyInfo> keys = call.parts.tenants.keys();
  const auto owns = [&](const KeyInfo& k) { return k.id != key.id && !k.revoked && is_owner(k); };
  if (!key.revoked && is_owner(key) && std::ranges::none_of(keys, owns)) {
    throw ApiError(409, "last_owner", "", "this is the last key of an owner; make another with the scope admin first");
  }
  call.parts.tenants.revoke_key(key.id);
  return ready({.status = 204});
}

std::unique_ptr<Job> usage_by_day(Call call) {
  const auto days = static_cast<int64_t>(query_number(call.request, "days", 1, kMostDays).value_or(kUsualDays));
  std::map<std::string, std::string> names;
  for (const KeyInfo& key : call.parts.tenants.keys()) names[key.id] = key.name;
  Json rows = Json::array();
  for (const UsageTotal& row : call.parts.tenants.totals((unix_ms() / kDayMs - days + 1) * kDayMs, INT64_MAX)) {
    rows.push_back({{"day", row.day},
                    {"key", row.key_id},
                    {"name", names.contains(row.key_id) ? names[row.key_id] : row.key_id},
                    {"model", row.model},
                    {"requests", row.requests},
                    {"prompt_tokens", row.tokens.prompt},
                    {"completion_tokens", row.tokens.completion},
                    {"cost", static_cast<double>(row.cost_nano) / 1e9}});
  }
  return ready(json_response(
      to_line({{"rows", std::move(rows)}, {"days", days}, {"currency", call.parts.tenants.prices().currency}})));
}

std::unique_ptr<Job> described_models(Call call) {
  Json models = Json::array();
  for (const ModelCard& card : call.parts.backend.described_models()) models.push_back(model_json(card));
  return ready(json_response(to_line(models)));
}

std::unique_ptr<Job> load_model(Call call) {
  const std::string& name = call.params.find("model")->second;
  open_model(call, name);
  return ready(json_response(to_line(model_json(card_of(call, name)))));
}

std::unique_ptr<Job> unload_model(Call call) {
  const std::string& name = call.params.find("model")->second;
  card_of(call, name);
  call.parts.backend.unload(name);
  const ModelCard card = card_of(call, name);
  if (card.loaded)
    throw ApiError(409, "model_in_use", "model", fmt::format("'{}' is answering; try again later", name));
  return ready(json_response(to_line(model_json(card))));
}

std::unique_ptr<Job> server_load(Call call) {
  const BackendStats s = call.parts.backend.stats();
  const double rate = call.parts.page.load ? call.parts.page.load->rate(s.completion_tokens) : 0;
  return ready(json_response(to_line({{"waiting", s.waiting},
                                      {"running", s.running},
                                      {"pages_used", s.pages_used},
                                      {"pages_total", s.pages_total},
                                      {"tokens_per_second", rate},
                                      {"prompt_tokens", s.prompt_tokens},
                                      {"completion_tokens", s.completion_tokens},
                                      {"prefix_hits", s.cached_tokens},
                                      {"drafted_tokens", s.drafted_tokens},
                                      {"accepted_tokens", s.accepted_tokens}})));
}

}  // namespace bantam
