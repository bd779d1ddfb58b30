// Who may ask, how much, and what it has cost: keys, quotas and the ledger of a running server.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "server/energy.h"
#include "server/ledger.h"
#include "server/tenant_store.h"

namespace bantam {

// A request that may run. What it reserved is given back when it is destroyed without settle().
class Admission {
 public:
  virtual ~Admission() = default;
  // Puts the request's row on the disk and gives back what was reserved and not used. Once.
  virtual void settle(const TokenCounts& used, bool complete) = 0;
  virtual Quota::Left left() const = 0;  // when it was admitted
};

class QuotaError : public Error {
 public:
  QuotaError(const Quota::Refusal& refusal)
      : Error("the limit of {} {} is reached; try again in {} seconds", refusal.most, refusal.limit,
              (refusal.retry_after_ms + 999) / 1000),
        retry_after_ms(refusal.retry_after_ms) {}
  int64_t retry_after_ms;
};

// May be used by several threads.
class Tenants {
 public:
  using Now = std::function<int64_t()>;  // milliseconds of Unix time

  // `now` and `energy` are for tests. Throws as TenantStore.
  Tenants(const std::filesystem::path& database, PriceList prices, Now now = {}, EnergyCounter energy = {});
  ~Tenants();

  // False while there are no keys: then everybody is the tenant "local", who has no limits.
  bool needs_key();
  static KeyInfo local() { return {.id = "local", .name = "local", .scopes = {}, .limits = {}}; }
  // What another process has changed counts from now on.
  std::optional<KeyInfo> find(std::string_view secret);

  // Nothing for a key that was revoked.
  std::optional<KeyInfo> find_id(std::string_view id);

  struct Wanted {
    std::string model, route;
    TokenCounts most;  // tokens that it may use at most
  };
  // Throws QuotaError. Must not outlive this object.
  std::unique_ptr<Admission> admit(const KeyInfo& key, const Wanted& wanted);

  // What the owner's page shows and changes, as TenantStore has it.
  std::vector<KeyInfo> keys();
  NewKey create_key(const std::string& name, const Scopes& scopes, const Limits& limits);
  void set_limits(std::string_view id, const Limits& limits);
  void revoke_key(std::string_view id);
  std::vector<UsageTotal> totals(int64_t from_ms, int64_t to_ms);

  const PriceList& prices() const { return prices_; }

 private:
  class Reservation;
  Quota& quota_of(const std::string& key_id);
  void refresh();
  void changed() { version_ = -1; }  // by this object, which the file's version does not tell

  const PriceList prices_;
  const Now now_;
  Ledger ledger_;
  std::mutex mutex_;   // of all below; nobody waits for the ledger's disk with it
  TenantStore store_;  // of the keys, and to read the ledger
  EnergyMeter energy_;
  int64_t version_ = -1;
  bool needs_key_ = false;
  std::map<std::string, KeyInfo, std::less<>> known_;  // by SHA-256 of the key, as far as they were asked for
  std::map<std::string, Quota> quotas_;                // by id
};

int64_t unix_ms();

}  // namespace bantam
