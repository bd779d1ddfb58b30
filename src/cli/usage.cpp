// bantam usage: what was used with which key, and what it cost.

#include "base/error.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/key_option.h"
#include "cli/terminal.h"
#include "server/tenants.h"

namespace bantam {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr double kJoulesPerKilowattHour = 3.6e6;

struct Options {
  std::string file, compare;
  int days = 30;
  double power_price = 0;
  bool json = false;
};

void declare(CLI::App& command, Options& options) {
  command.add_option("--days", options.days, "of the last days, today included")
      ->check(CLI::Range(1, 36'500))
      ->capture_default_str();
  command.add_option("--compare", options.compare, "price list of a cloud: what the same tokens would have cost there");
  command.add_option("--power-price", options.power_price, "price of a kilowatt-hour, in the list's currency")
      ->check(CLI::Range(0.0, 1000.0));
  command.add_flag("--json", options.json, "one JSON object on standard output");
  add_keys_option(command, options.file);
}

std::string key_name(const std::vector<KeyInfo>& keys, const std::string& id) {
  for (const KeyInfo& key : keys) {
    if (key.id == id) return key.name;
  }
  return id;
}

Json row_json(const UsageTotal& row, const std::string& name, const std::optional<PriceList>& cloud) {
  Json out = {{"key", row.key_id},
              {"name", name},
              {"model", row.model},
              {"day", row.day},
              {"requests", row.requests},
              {"incomplete", row.incomplete},
              {"prompt_tokens", row.tokens.prompt},
              {"cached_tokens", row.tokens.cached},
              {"completion_tokens", row.tokens.completion},
              {"cost", static_cast<double>(row.cost_nano) / 1e9},
              {"joules", static_cast<double>(row.millijoules) / 1e3}};
  if (cloud) out["cloud_cost"] = static_cast<double>(cloud->cost_nano(row.model, row.tokens)) / 1e9;
  return out;
}

void print_table(const std::vector<UsageTotal>& rows, const std::vector<KeyInfo>& keys, const Options& options,
                 const std::optional<PriceList>& cloud) {
  TokenCounts tokens;
  int64_t cost = 0, cloud_cost = 0, millijoules = 0;
  print(fmt::format("{:<10}  {:<16}  {:<24}  {:>8}  {:>10}  {:>10}  {:>12}\n", "DAY", "KEY", "MODEL", "REQUESTS",
                    "PROMPT", "ANSWER", "COST"));
  for (const UsageTotal& row : rows) {
    print(fmt::format("{:<10}  {:<16}  {:<24}  {:>8}  {:>10}  {:>10}  {:>12.6f}\n", row.day, key_name(keys, row.key_id),
                      row.model, row.requests, row.tokens.prompt, row.tokens.completion,
                      static_cast<double>(row.cost_nano) / 1e9));
    tokens += row.tokens;
    cost += row.cost_nano;
    millijoules += row.millijoules;
    if (cloud) cloud_cost += cloud->cost_nano(row.model, row.tokens);
  }
  print(fmt::format("all: {} prompt and {} answer tokens, cost {:.6f}\n", tokens.prompt, tokens.completion,
                    static_cast<double>(cost) / 1e9));
  if (cloud) print(fmt::format("the same tokens in the cloud: {}\n", money(cloud_cost, cloud->currency)));
  if (millijoules > 0 && tokens.completion > 0) {
    const double joules = static_cast<double>(millijoules) / 1e3;
    print(fmt::format("electricity: {:.0f} J, {:.2f} J for a token of an answer", joules,
                      joules / static_cast<double>(tokens.completion)));
    if (options.power_price > 0)
      print(fmt::format(", {:.6f} at the price given", joules / kJoulesPerKilowattHour * options.power_price));
    print("\n");
  }
}

void run(const Options& options) {
  const auto path = keys_path(options.file);
  if (!std::filesystem::exists(path))
    throw IoError("{}: no such file; bantam serve and bantam keys create make it", path.string());
  TenantStore store(path);
  const int64_t from = (unix_ms() / kDayMs - options.days + 1) * kDayMs;
  const std::vector<UsageTotal> rows = store.totals(from, INT64_MAX);
  const std::vector<KeyInfo> keys = store.keys();
  const auto cloud = options.compare.empty() ? std::nullopt : std::optional(read_prices(options.compare));
  if (!options.json) return print_table(rows, keys, options, cloud);
  Json all = Json::array();
  for (const UsageTotal& row : rows) all.push_back(row_json(row, key_name(keys, row.key_id), cloud));
  print(to_line({{"from_ms", from}, {"rows", all}}) + "\n");
}

}  // namespace

void add_usage(CLI::App& app) {
  add_command<Options>(app, "usage", "What was used with which key, model and day, and what it cost",
                       "  bantam usage\n"
                       "  bantam usage --days 7 --compare cloud-prices.json --power-price 0.30\n"
                       "  bantam usage --json\n",
                       declare, run);
}

}  // namespace bantam
