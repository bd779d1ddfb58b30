#include "server/ledger.h"

#include <utility>

namespace bantam {

void Ledger::append(UsageRow row) {
  Waiting own{std::move(row)};
  std::unique_lock lock(mutex_);
  waiting_.push_back(&own);
  written_.wait(lock, [&] { return own.done || !writing_; });
  if (!own.done) write_all(lock);
  if (own.error) std::rethrow_exception(own.error);
}

// All rows there are now, in one transaction.
void Ledger::write_all(std::unique_lock<std::mutex>& lock) {
  const std::vector<Waiting*> group = std::exchange(waiting_, {});
  writing_ = true;
  lock.unlock();
  std::exception_ptr error;
  try {
    std::vector<UsageRow> rows;
    for (Waiting* waiting : group) rows.push_back(std::move(waiting->row));
    store_.append(rows);
  } catch (...) {
    error = std::current_exception();
  }
  lock.lock();
  writing_ = false;
  for (Waiting* waiting : group) {
    waiting->error = error;
    waiting->done = true;
  }
  written_.notify_all();
}

}  // namespace bantam
