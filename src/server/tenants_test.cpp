#include "server/tenants.h"

#include <gmock/gmock.h>

#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/test_folder.h"
#include "retrieval/sqlite.h"

namespace bantam {
namespace {

constexpr int64_t kNow = 1'790'000'000'000;

class TenantsTest : public testing::Test {
 protected:
  Tenants open() {
    return Tenants(
        path_, prices_, [this] { return now_; }, [this] { return joules_; });
  }

  TestFolder folder_;
  std::filesystem::path path_ = folder_ / "keys.db";
  PriceList prices_{.currency = "USD", .models = {{"m", {150, 75, 600}}}};
  int64_t now_ = kNow;
  std::optional<double> joules_ = 0.0;
};

TEST_F(TenantsTest, a_key_is_found_by_its_secret_until_it_is_revoked) {
  TenantStore store(path_);
  Tenants tenants = open();
  EXPECT_FALSE(tenants.needs_key());
  const NewKey key = store.create("team", parse_scopes("chat,models"), {.requests_per_minute = 5}, kNow);
  EXPECT_TRUE(tenants.needs_key());
  const auto found = tenants.find(key.secret);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, key.info.id);
  EXPECT_EQ(found->limits.requests_per_minute, 5);
  EXPECT_TRUE(found->scopes.allow("chat"));
  EXPECT_FALSE(found->scopes.allow("admin"));
  EXPECT_FALSE(tenants.find(key.secret + "0"));
  EXPECT_FALSE(tenants.find(""));
  store.set_limits("team", {.requests_per_minute = 9});
  EXPECT_EQ(tenants.find(key.secret)->limits.requests_per_minute, 9);
  store.revoke(key.info.id);
  EXPECT_FALSE(tenants.find(key.secret));
  EXPECT_TRUE(tenants.needs_key()) << "revoking the last key opens nothing";
}

TEST_F(TenantsTest, the_file_holds_no_key_and_is_its_owners) {
  const std::string secret = TenantStore(path_).create("team", {}, {}, kNow).secret;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_EQ(read_file(entry.path()).find(secret.substr(3)), std::string::npos) << entry.path();
    EXPECT_EQ(entry.status().permissions() & std::filesystem::perms(077), std::filesystem::perms::none) << entry.path();
  }
}

TEST_F(TenantsTest, names_that_two_keys_have_and_unknown_scopes_are_refused) {
  TenantStore store(path_);
  store.create("a", {}, {}, kNow);
  store.create("a", {}, {}, kNow);
  EXPECT_THROW(store.get("a"), UsageError);
  EXPECT_THROW(store.revoke("b"), UsageError);
  EXPECT_THROW(store.create("", {}, {}, kNow), UsageError);
  EXPECT_THROW(parse_scopes("chat,everything"), UsageError);
}

TEST_F(TenantsTest, two_hundred_requests_at_once_never_exceed_a_quota) {
  for (const Limits& limits :
       {Limits{.requests_per_minute = 50}, Limits{.tokens_per_minute = 500}, Limits{.concurrent = 50},
        Limits{.tokens_per_day = 500}, Limits{.budget_nano = 50 * 10 * 600}}) {
    Tenants tenants = open();
    const KeyInfo key{
        .id = fmt::format("k{}", limits.requests_per_minute + 2 * limits.tokens_per_minute + 3 * limits.concurrent),
        .name = "",
        .scopes = {},
        .limits = limits};
    std::vector<std::unique_ptr<Admission>> admitted(200);
    std::vector<std::thread> threads;
    for (size_t t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        for (size_t i = t; i < 200; i += 8) {
          try {
            admitted[i] = tenants.admit(key, {"m", "chat", {.prompt = 0, .completion = 10}});
          } catch (const QuotaError&) {
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(std::count_if(admitted.begin(), admitted.end(), [](const auto& a) { return a != nullptr; }), 50);
    admitted.clear();  // given back
    now_ += 61'000;
    EXPECT_NO_THROW(tenants.admit(key, {"m", "chat", {.prompt = 0, .completion = 500}}));
    now_ += 86'400'000;
  }
}

TEST_F(TenantsTest, the_ledger_has_what_was_used_and_a_restart_remembers_it) {
  const KeyInfo key{.id = "k", .name = "", .scopes = {}, .limits = {.tokens_per_day = 100}};
  {
    Tenants tenants = open();
    tenants.admit(key, {"m", "chat", {.prompt = 10, .completion = 50}})
        ->settle({.prompt = 10, .cached = 4, .completion = 20}, true);
    tenants.admit(key, {"m", "chat", {.prompt = 30, .completion = 20}})
        ->settle({.prompt = 30, .cached = 0, .completion = 5}, false);
    tenants.admit(key, {"m", "chat", {.prompt = 35}});  // its client left before anything was computed
  }
  const std::vector<UsageTotal> totals = TenantStore(path_).totals(0, kNow * 2);
  ASSERT_EQ(totals.size(), 1u);
  EXPECT_EQ(totals[0].requests, 2);
  EXPECT_EQ(totals[0].incomplete, 1);
  EXPECT_EQ(totals[0].tokens, (TokenCounts{40, 4, 25}));
  EXPECT_EQ(totals[0].cost_nano, 36 * 150 + 4 * 75 + 25 * 600);
  EXPECT_EQ(totals[0].day, "2026-09-21");
  Tenants tenants = open();
  EXPECT_THROW(tenants.admit(key, {"m", "chat", {.prompt = 36}}), QuotaError);
  EXPECT_NO_THROW(tenants.admit(key, {"m", "chat", {.prompt = 35}}));
}

TEST_F(TenantsTest, keys_and_quotas_do_not_wait_for_the_ledgers_disk) {
  Tenants tenants = open();
  const NewKey key = tenants.create_key("team", {}, {.tokens_per_minute = 100});
  auto admission = tenants.admit(key.info, {"m", "chat", {.prompt = 90}});
  Database other(path_, Database::Mode::write);
  other.run("BEGIN IMMEDIATE");  // as long as this lasts, no row can be written
  std::thread ending([&] { admission->settle({.prompt = 10}, true); });
  const auto left = [&] { return tenants.admit(key.info, {"m", "chat", {}})->left().tokens; };
  while (left() == 10) std::this_thread::yield();  // until what it reserved is given back
  EXPECT_EQ(left(), 90);
  EXPECT_TRUE(tenants.find(key.secret));
  EXPECT_THROW(tenants.admit(key.info, {"m", "chat", {.prompt = 91}}), QuotaError);
  EXPECT_THAT(tenants.totals(0, kNow + 1), testing::IsEmpty());
  other.run("COMMIT");
  ending.join();
  EXPECT_EQ(tenants.totals(0, kNow + 1).size(), 1u);
}

TEST_F(TenantsTest, requests_that_end_together_are_each_in_the_ledger_once) {
  constexpr int kThreads = 8, kEach = 25;
  Tenants tenants = open();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) tenants.admit(Tenants::local(), {"m", "chat", {}})->settle({.prompt = t}, true);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<int64_t> found(kThreads);
  for (const UsageRow& row : TenantStore(path_).rows_since("local", 0)) {
    ++found[static_cast<size_t>(row.tokens.prompt)];
  }
  EXPECT_THAT(found, testing::Each(kEach));
}

TEST_F(TenantsTest, energy_is_shared_by_the_requests_that_run) {
  Tenants tenants = open();
  const KeyInfo key = Tenants::local();
  joules_ = 10;  // before any request: nobody's
  auto a = tenants.admit(key, {"m", "a", {}});
  joules_ = 14;
  auto b = tenants.admit(key, {"m", "b", {}});
  joules_ = 20;
  a->settle({}, true);
  joules_ = 21;
  b->settle({}, true);
  const auto rows = TenantStore(path_).rows_since("local", 0);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].millijoules, 7000);
  EXPECT_EQ(rows[1].millijoules, 4000);
  joules_ = std::nullopt;
  tenants.admit(key, {"m", "c", {}})->settle({}, true);
  EXPECT_EQ(TenantStore(path_).rows_since("local", 0)[2].millijoules, -1);
}

TEST(Energy, reads_the_packages_of_the_machine_and_their_wrap_around) {
  const TestFolder folder;
  const auto write = [&](const std::string& file, const std::string& text) {
    std::filesystem::create_directories((folder / ("class/powercap/" + file)).parent_path());
    std::ofstream(folder / ("class/powercap/" + file)) << text;
  };
  EXPECT_FALSE(rapl_counter(folder.path())());
  for (const std::string domain : {"intel-rapl:0", "intel-rapl:1"}) {
    write(domain + "/energy_uj", "1000000\n");
    write(domain + "/max_energy_range_uj", "8000000\n");
  }
  const EnergyCounter counter = rapl_counter(folder.path());
  EXPECT_EQ(counter(), 0);
  write("intel-rapl:0/energy_uj", "3000000\n");
  EXPECT_EQ(counter(), 2);
  write("intel-rapl:0/energy_uj", "500000\n");
  EXPECT_EQ(counter(), 7.5);
}

TEST(Prices, are_whole_numbers_and_add_up) {
  const TestFolder folder;
  const auto path = folder / "prices.json";
  std::ofstream(path)
      << R"({"currency": "EUR", "models": {"a": {"prompt": 0.15, "completion": 0.6}, "*": {"prompt": 1}}})";
  const PriceList prices = read_prices(path);
  EXPECT_EQ(prices.cost_nano("a", {1'000'000, 0, 0}), 150'000'000);
  EXPECT_EQ(prices.cost_nano("a", {10, 10, 1}), 10 * 150 + 600);
  EXPECT_EQ(prices.cost_nano("other", {2, 0, 5}), 2000);
  EXPECT_EQ(money(prices.cost_nano("a", {1'000'000, 0, 1'000'000}), "EUR"), "0.750000 EUR");
  for (const char* bad : {"[]", "{}", R"({"models": {"a": 3}})", R"({"models": {"a": {"prompt": -1}}})",
                          R"({"models": {}, "currency": 3})"}) {
    std::ofstream(path) << bad;
    EXPECT_THROW(read_prices(path), FormatError) << bad;
  }
}

}  // namespace
}  // namespace bantam
