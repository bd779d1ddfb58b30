#include "engine/model_pool.h"

#include "base/error.h"
#include "engine/memory.h"
#include "engine/session.h"

namespace bantam {
namespace {

uint64_t bytes_of(const ModelPool::Opened& opened) {
  const EngineOptions& options = opened.options;
  const int context = checked_context(opened.model->config(), options.context);
  const int rows = options.cache_tokens > 0 ? options.cache_tokens : context;
  return memory_needed(*opened.model, rows, options.cache_format).total();
}

}  // namespace

ModelPool::Lease& ModelPool::Lease::operator=(Lease&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(entry_, other.entry_);
  return *this;
}

ModelPool::Lease::~Lease() {
  if (pool_) pool_->release(*entry_);
}

void ModelPool::release(Entry& entry) {
  const std::lock_guard lock(mutex_);
  --entry.uses;
  entry.last_use = Clock::now();
}

ModelPool::Lease ModelPool::acquire(const std::string& name, std::optional<std::chrono::milliseconds> keep_alive) {
  std::vector<std::unique_ptr<Engine>> unloaded;  // destroyed after the lock is given back
  std::unique_lock lock(mutex_);
  // Whoever comes first loads; if that fails, the next one tries.
  auto known = entries_.find(name);
  while (known != entries_.end() && !known->second.engine) {
    loaded_.wait(lock);
    known = entries_.find(name);
  }
  if (known == entries_.end()) {
    known = entries_.emplace(name, Entry{nullptr, 0, 0, Clock::now(), options_.keep_alive}).first;
    try {
      lock.unlock();
      const Opened opened = open_(name);
      const uint64_t bytes = bytes_of(opened);
      lock.lock();
      make_room(bytes, name, unloaded);
      known->second.bytes = bytes;
      lock.unlock();
      unloaded.clear();
      auto engine = std::make_unique<Engine>(opened.model, opened.options);
      lock.lock();
      known->second.engine = std::move(engine);
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      entries_.erase(known);
      loaded_.notify_all();
      throw;
    }
    loaded_.notify_all();
  }
  Entry& entry = known->second;
  ++entry.uses;
  entry.last_use = Clock::now();
  entry.keep_alive = keep_alive.value_or(options_.keep_alive);
  return Lease(this, &entry);
}

// Takes models that nobody uses out of the pool until `bytes` more fit.
void ModelPool::make_room(uint64_t bytes, const std::string& name, std::vector<std::unique_ptr<Engine>>& unloaded) {
  const auto used = [&] {
    uint64_t total = 0;
    for (const auto& [other, entry] : entries_) total += entry.bytes;
    return total;
  };
  while (used() + bytes > options_.memory_bytes) {
    auto oldest = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      const Entry& entry = it->second;
      if (!entry.engine || entry.uses > 0) continue;
      if (oldest == entries_.end() || entry.last_use < oldest->second.last_use) oldest = it;
    }
    if (oldest == entries_.end()) {
      throw UsageError("{}: needs {} MiB, but models in use take {} of the {} MiB for models", name, bytes >> 20,
                       used() >> 20, options_.memory_bytes >> 20);
    }
    unloaded.push_back(std::move(oldest->second.engine));
    entries_.erase(oldest);
  }
}

std::optional<Clock::time_point> ModelPool::expiry(const Entry& entry) const {
  if (entry.uses > 0 || entry.keep_alive.count() < 0) return std::nullopt;
  return entry.last_use + entry.keep_alive;
}

std::vector<ModelPool::Loaded> ModelPool::loaded() const {
  const std::lock_guard lock(mutex_);
  std::vector<Loaded> all;
  for (const auto& [name, entry] : entries_) {
    if (entry.engine) all.push_back({name, entry.bytes, entry.uses, expiry(entry), entry.engine->stats()});
  }
  return all;
}

bool ModelPool::full() const {
  const std::lock_guard lock(mutex_);
  bool some = false;
  for (const auto& [name, entry] : entries_) {
    if (entry.engine && !entry.engine->full()) return false;
    some = some || entry.engine;
  }
  return some;
}

bool ModelPool::unload(const std::string& name) {
  std::unique_ptr<Engine> engine;  // destroyed after the lock is given back
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(name);
  if (it == entries_.end() || !it->second.engine || it->second.uses > 0) return false;
  engine = std::move(it->second.engine);
  entries_.erase(it);
  return true;
}

void ModelPool::unload_expired(Clock::time_point now) {
  std::vector<std::unique_ptr<Engine>> unloaded;  // destroyed after the lock is given back
  const std::lock_guard lock(mutex_);
  for (auto it = entries_.begin(); it != entries_.end();) {
    const auto expires = it->second.engine ? expiry(it->second) : std::nullopt;
    if (!expires || *expires > now) {
      ++it;
      continue;
    }
    unloaded.push_back(std::move(it->second.engine));
    it = entries_.erase(it);
  }
}

}  // namespace bantam
