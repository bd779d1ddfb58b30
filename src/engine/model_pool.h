// Several models by name: loaded when they are asked for, unloaded when memory is needed or nobody has asked for a
// while.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace bantam {

struct ModelPoolOptions {
  uint64_t memory_bytes = 0;                            // for all loaded models together, as memory_needed() counts
  std::chrono::milliseconds keep_alive{5 * 60 * 1000};  // after the last use; negative: for ever
};

class ModelPool {
 public:
  // A model by its name, and how to run it. `open` throws for a name that is not known; it reads no weights yet.
  struct Opened {
    std::shared_ptr<const Model> model;
    EngineOptions options;
  };
  using Open = std::function<Opened(const std::string& name)>;

  ModelPool(Open open, ModelPoolOptions options) : open_(std::move(open)), options_(options) {}
  ModelPool(const ModelPool&) = delete;
  ModelPool& operator=(const ModelPool&) = delete;

 private:
  struct Entry {
    std::unique_ptr<Engine> engine;  // null while it is being loaded
    uint64_t bytes = 0;
    int uses = 0;
    Clock::time_point last_use;
    std::chrono::milliseconds keep_alive;
  };

 public:
  // A use of a loaded model, which stays loaded meanwhile. Must not outlive the pool.
  class Lease {
   public:
    Lease(Lease&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), entry_(other.entry_) {}
    Lease& operator=(Lease&& other) noexcept;
    ~Lease();

    Engine& operator*() const { return *entry_->engine; }
    Engine* operator->() const { return entry_->engine.get(); }

   private:
    friend class ModelPool;
    Lease(ModelPool* pool, Entry* entry) : pool_(pool), entry_(entry) {}

    ModelPool* pool_;
    Entry* entry_;
  };

  // Any thread may call the following.

  // Loads the model where it is not loaded, which takes as long as it takes, first unloading those that were used
  // longest ago. `keep_alive` holds until the next use. Throws as `open` and Engine do, and UsageError with the numbers
  // when the models in use leave no room.
  Lease acquire(const std::string& name, std::optional<std::chrono::milliseconds> keep_alive = {});

  struct Loaded {
    std::string name;
    uint64_t bytes;
    int uses;
    std::optional<Clock::time_point> expires;  // nothing: in use, or kept for ever
    EngineStats stats;
  };
  std::vector<Loaded> loaded() const;
  // Whether some are loaded and none of them takes another request.
  bool full() const;

  // Unloads a model that is not in use; false when it is, or is not loaded.
  bool unload(const std::string& name);
  // Unloads those that have outlived their keep-alive. To be called now and then.
  void unload_expired(Clock::time_point now = Clock::now());

 private:
  void make_room(uint64_t bytes, const std::string& name, std::vector<std::unique_ptr<Engine>>& unloaded);
  std::optional<Clock::time_point> expiry(const Entry& entry) const;
  void release(Entry& entry);

  const Open open_;
  const ModelPoolOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable loaded_;
  std::map<std::string, Entry> entries_;
};

}  // namespace bantam
