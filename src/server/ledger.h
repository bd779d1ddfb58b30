// Rows of usage on their way to the disk. Used by Tenants only.
#pragma once

#include <condition_variable>
#include <exception>
#include <filesystem>
#include <mutex>
#include <vector>

#include "server/tenant_store.h"

namespace bantam {

// A disk takes as long for ten rows as for one, so what ends while others are being written goes there together. Has a
// connection of its own to the file: who asks for a key or a quota meanwhile does not wait.
class Ledger {
 public:
  explicit Ledger(const std::filesystem::path& database) : store_(database) {}

  // Any thread. The row is durable on return; throws as TenantStore, and then it is not there.
  void append(UsageRow row);

 private:
  struct Waiting {
    UsageRow row;
    bool done = false;
    std::exception_ptr error = {};
  };
  void write_all(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable written_;
  std::vector<Waiting*> waiting_;
  bool writing_ = false;
  TenantStore store_;  // of the thread that is writing
};

}  // namespace bantam
