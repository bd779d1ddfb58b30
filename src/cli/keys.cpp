// bantam keys: who may use the server, and how much.
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/key_option.h"
#include "cli/terminal.h"
#include "server/limits_json.h"
#include "server/tenants.h"

namespace bantam {
namespace {

struct LimitOptions {
  Limits limits;
  double budget = 0;
};

void add_limit_options(CLI::App& command, LimitOptions& options) {
  const auto add = [&](const char* flag, int64_t& value, const char* help) {
    command.add_option(flag, value, help)->check(CLI::NonNegativeNumber);
  };
  add("--rpm", options.limits.requests_per_minute, "most requests in a minute (0: no limit)");
  add("--tpm", options.limits.tokens_per_minute, "most tokens in a minute");
  add("--rpd", options.limits.requests_per_day, "most requests in a day of UTC");
  add("--tpd", options.limits.tokens_per_day, "most tokens in a day of UTC");
  add("--concurrent", options.limits.concurrent, "most requests at a time");
  command.add_option("--budget", options.budget, "most money in a month, in the currency of the server's --prices")
      ->check(CLI::Range(0.0, 1e9));
}

Limits limits_of(const LimitOptions& options) {
  Limits limits = options.limits;
  limits.budget_nano = std::llround(options.budget * 1e9);
  return limits;
}

struct CreateOptions {
  std::string file, name, scopes;
  LimitOptions limits;
  bool json = false;
};

void create(const CreateOptions& options) {
  TenantStore store(keys_path(options.file));
  const NewKey key = store.create(options.name, parse_scopes(options.scopes), limits_of(options.limits), unix_ms());
  if (options.json) return print(to_line({{"id", key.info.id}, {"name", key.info.name}, {"key", key.secret}}) + "\n");
  print(key.secret + "\n");
  notice(fmt::format("this is the key '{}' ({}); it is not kept, so it cannot be shown again", key.info.name,
                     key.info.id));
}

struct ListOptions {
  std::string file;
  bool json = false;
};

std::string limits_text(const Limits& l) {
  std::string out;
  const auto add = [&](int64_t most, const char* what) {
    if (most > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", most, what);
  };
  add(l.requests_per_minute, "requests/min");
  add(l.tokens_per_minute, "tokens/min");
  add(l.requests_per_day, "requests/day");
  add(l.tokens_per_day, "tokens/day");
  add(l.concurrent, "at a time");
  if (l.budget_nano > 0)
    out += fmt::format("{}{:.2f} a month", out.empty() ? "" : ", ", static_cast<double>(l.budget_nano) / 1e9);
  return out.empty() ? "no limits" : out;
}

void list(const ListOptions& options) {
  TenantStore store(keys_path(options.file));
  Json all = Json::array();
  for (const KeyInfo& key : store.keys()) {
    if (options.json) {
      all.push_back({{"id", key.id},
                     {"name", key.name},
                     {"scopes", key.scopes.names},
                     {"revoked", key.revoked},
                     {"created_ms", key.created_ms},
                     {"limits", limits_json(key.limits)}});
      continue;
    }
    print(fmt::format("{}  {:<20}  {:<8}  {}  {}\n", key.id, key.name, key.revoked ? "revoked" : "active",
                      key.scopes.names.empty() ? "everything" : to_string(key.scopes), limits_text(key.limits)));
  }
  if (options.json) print(to_line(all) + "\n");
}

struct RevokeOptions {
  std::string file, key;
};

void revoke(const RevokeOptions& options) {
  TenantStore(keys_path(options.file)).revoke(options.key);
  print(fmt::format("{}: revoked\n", options.key));
}

struct SetOptions {
  std::string file, key;
  LimitOptions limits;
};

void set_limits(const SetOptions& options) {
  TenantStore(keys_path(options.file)).set_limits(options.key, limits_of(options.limits));
  print(fmt::format("{}: {}\n", options.key, limits_text(limits_of(options.limits))));
}

void declare_create(CLI::App& command, CreateOptions& options) {
  command.add_option("name", options.name, "whose key it is")->required();
  command.add_option("--scopes", options.scopes,
                     "what it may do: models,chat,completions,embeddings,documents,metrics,admin (default: all)");
  command.add_flag("--json", options.json, "one JSON object on standard output");
  add_limit_options(command, options.limits);
  add_keys_option(command, options.file);
}

void declare_list(CLI::App& command, ListOptions& options) {
  command.add_flag("--json", options.json, "a JSON array");
  add_keys_option(command, options.file);
}

void declare_revoke(CLI::App& command, RevokeOptions& options) {
  command.add_option("key", options.key, "id or name, as bantam keys list shows it")->required();
  add_keys_option(command, options.file);
}

void declare_limit(CLI::App& command, SetOptions& options) {
  command.add_option("key", options.key, "id or name, as bantam keys list shows it")->required();
  add_limit_options(command, options.limits);
  add_keys_option(command, options.file);
}

}  // namespace

void add_keys(CLI::App& app) {
  CLI::App* keys = app.add_subcommand("keys", "Make, list, limit and revoke the keys of the server");
  keys->require_subcommand(1);
  keys->footer("Examples:\n  bantam keys create alice\n  bantam keys CMD --help\n");
  add_command<CreateOptions>(*keys, "create", "Make a key and show it once",
                             "  bantam keys create alice\n"
                             "  bantam keys create phone-app --scopes chat,models --rpm 60 --tpd 200000\n",
                             declare_create, create);
  add_command<ListOptions>(*keys, "list", "The keys there are", "  bantam keys list\n", declare_list, list);
  add_command<RevokeOptions>(*keys, "revoke", "Let a key open nothing any more", "  bantam keys revoke alice\n",
                             declare_revoke, revoke);
  add_command<SetOptions>(*keys, "limit", "Set all limits of a key; those not named go",
                          "  bantam keys limit alice --rpm 30 --concurrent 2 --budget 5\n", declare_limit, set_limits);
}

}  // namespace bantam
