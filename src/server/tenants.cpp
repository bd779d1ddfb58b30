#include "server/tenants.h"

#include <algorithm>
#include <chrono>

#include "base/hash.h"

namespace bantam {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr size_t kMostKnown = 10'000;

}  // namespace

int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

class Tenants::Reservation final : public Admission {
 public:
  Reservation(Tenants& tenants, UsageRow row, Amount reserved, Quota::Left left_then, double energy)
      : tenants_(tenants), row_(std::move(row)), reserved_(reserved), left_(left_then), energy_begin_(energy) {}

  ~Reservation() override {
    if (settled_) return;
    const std::lock_guard lock(tenants_.mutex_);
    tenants_.energy_.end();
    tenants_.quota_of(row_.key_id).settle(row_.admitted_ms, reserved_, {});
  }

  void settle(const TokenCounts& used, bool complete) override {
    settle_quota(used, complete);
    tenants_.ledger_.append(row_);
  }

  Quota::Left left() const override { return left_; }

 private:
  // Before the row is written: when the disk is full the request fails, and nothing stays reserved.
  void settle_quota(const TokenCounts& used, bool complete) {
    const std::lock_guard lock(tenants_.mutex_);
    settled_ = true;
    const std::optional<double> joules = tenants_.energy_.end();
    row_.ended_ms = tenants_.now_();
    row_.tokens = used;
    row_.cost_nano = tenants_.prices_.cost_nano(row_.model, used);
    row_.complete = complete;
    if (joules) row_.millijoules = static_cast<int64_t>((*joules - energy_begin_) * 1000);
    tenants_.quota_of(row_.key_id).settle(row_.admitted_ms, reserved_, {used.prompt + used.completion, row_.cost_nano});
  }

  Tenants& tenants_;
  UsageRow row_;
  Amount reserved_;
  Quota::Left left_;
  double energy_begin_;
  bool settled_ = false;
};

Tenants::Tenants(const std::filesystem::path& database, PriceList prices, Now now, EnergyCounter energy)
    : prices_(std::move(prices)),
      now_(now ? std::move(now) : Now(unix_ms)),
      ledger_(database),
      store_(database),
      energy_(std::move(energy)) {
  refresh();
}

Tenants::~Tenants() = default;

void Tenants::refresh() {
  const int64_t version = store_.version();
  if (version == version_) return;
  version_ = version;
  known_.clear();
  needs_key_ = store_.has_keys();
}

bool Tenants::needs_key() {
  const std::lock_guard lock(mutex_);
  refresh();
  return needs_key_;
}

std::optional<KeyInfo> Tenants::find(std::string_view secret) {
  const std::string hash = to_hex(sha256(secret));
  const std::lock_guard lock(mutex_);
  refresh();
  if (const auto found = known_.find(hash); found != known_.end()) return found->second;
  std::optional<KeyInfo> key = store_.find_secret(secret);
  if (key && known_.size() < kMostKnown) known_.emplace(hash, *key);
  return key;
}

std::vector<KeyInfo> Tenants::keys() {
  const std::lock_guard lock(mutex_);
  return store_.keys();
}

NewKey Tenants::create_key(const std::string& name, const Scopes& scopes, const Limits& limits) {
  const std::lock_guard lock(mutex_);
  changed();
  return store_.create(name, scopes, limits, now_());
}

void Tenants::set_limits(std::string_view id, const Limits& limits) {
  const std::lock_guard lock(mutex_);
  changed();
  store_.set_limits(id, limits);
}

void Tenants::revoke_key(std::string_view id) {
  const std::lock_guard lock(mutex_);
  changed();
  store_.revoke(id);
}

std::vector<UsageTotal> Tenants::totals(int64_t from_ms, int64_t to_ms) {
  const std::lock_guard lock(mutex_);
  return store_.totals(from_ms, to_ms);
}

// After a restart it begins with what the ledger says of the running month.
Quota& Tenants::quota_of(const std::string& key_id) {
  const auto [found, added] = quotas_.try_emplace(key_id);
  if (added) {
    const int64_t now = now_();
    const int64_t from = std::min(month_begin_ms(month_of(now)), now / kDayMs * kDayMs);
    for (const UsageRow& row : store_.rows_since(key_id, from)) {
      found->second.restore(row.admitted_ms, {row.tokens.prompt + row.tokens.completion, row.cost_nano});
    }
  }
  return found->second;
}

std::optional<KeyInfo> Tenants::find_id(std::string_view id) {
  if (!needs_key()) return id == local().id ? std::optional(local()) : std::nullopt;
  const std::lock_guard lock(mutex_);
  for (KeyInfo& key : store_.keys()) {
    if (key.id == id && !key.revoked) return std::move(key);
  }
  return std::nullopt;
}

std::unique_ptr<Admission> Tenants::admit(const KeyInfo& key, const Wanted& wanted) {
  const Amount reserved{wanted.most.prompt + wanted.most.completion, prices_.cost_nano(wanted.model, wanted.most)};
  const std::lock_guard lock(mutex_);
  const int64_t now = now_();
  Quota& quota = quota_of(key.id);
  if (const auto refusal = quota.admit(key.limits, now, reserved)) throw QuotaError(*refusal);
  const double energy = energy_.begin();
  UsageRow row;
  row.admitted_ms = now;
  row.key_id = key.id;
  row.model = wanted.model;
  row.route = wanted.route;
  return std::make_unique<Reservation>(*this, std::move(row), reserved, quota.left(key.limits, now), energy);
}

}  // namespace bantam
