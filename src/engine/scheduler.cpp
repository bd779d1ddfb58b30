#include "engine/scheduler.h"

#include <algorithm>

#include "engine/session.h"

namespace bantam {
namespace {

constexpr int kLeastPrefillRows = 8;
// A step with a piece of a prompt may take this many times as long more than one without.
constexpr double kPrefillShare = 1.5;

// Which of two running sequences goes on when there is room for one.
bool goes_first(const Sequence& a, const Sequence& b) {
  return a.priority != b.priority ? a.priority > b.priority : a.id < b.id;
}

void follow(double& average, double value) { average = average == 0 ? value : 0.7 * average + 0.3 * value; }

}  // namespace

void Scheduler::add(Owned sequence) {
  served_.emplace(sequence->tenant, clock_);
  waiting_.push_back(std::move(sequence));
}

double& Scheduler::served(const std::string& tenant) { return served_.at(tenant); }

std::span<const Work> Scheduler::plan() {
  work_.clear();
  plan_decoding();
  plan_prefill(prefill_rows(static_cast<int>(work_.size())));
  decode_rows_ = prefill_rows_ = 0;
  for (const Work& work : work_) (work.sequence->decoding() ? decode_rows_ : prefill_rows_) += work.rows;
  return work_;
}

void Scheduler::plan_decoding() {
  paused_ = 0;
  // reserve() may take sequences out of running_ behind this one, and this one.
  for (size_t i = 0; i < running_.size(); ++i) {
    Sequence& sequence = *running_[i];
    if (!sequence.decoding()) continue;
    if (sequence.paused()) {
      ++paused_;
      continue;
    }
    if (!reserve(sequence, 1)) {
      --i;
      continue;
    }
    work_.push_back({&sequence, 1});
    served(sequence.tenant) += 1;
  }
}

void Scheduler::plan_prefill(int budget) {
  for (size_t i = 0; i < running_.size() && budget > 0; ++i) {
    Sequence& sequence = *running_[i];
    if (sequence.decoding() || sequence.paused()) continue;
    if (!add_prefill(sequence, budget)) --i;
  }
  admit(budget);
}

// False when the sequence had to give up its place.
bool Scheduler::add_prefill(Sequence& sequence, int& budget) {
  adopt_prefix(sequence);
  const int rows = std::min(sequence.pending(), budget);
  if (!reserve(sequence, rows)) return false;
  work_.push_back({&sequence, rows});
  budget -= rows;
  return true;
}

void Scheduler::admit(int& budget) {
  while (Sequence* next = budget > 0 ? next_waiting() : nullptr) {
    while (running() - paused_ >= options_.most_running || !room_for(*next)) {
      // Who does not read in time does not keep others waiting.
      if (running_.empty() || (!victim().paused() && victim().priority >= next->priority)) return;
      preempt(victim());
    }
    const auto from = std::ranges::find(waiting_, next, [](const Owned& o) { return o.get(); });
    Owned sequence = std::move(*from);
    waiting_.erase(from);
    clock_ = std::max(clock_, served(next->tenant));
    running_.insert(std::ranges::find_if(running_, [&](const Owned& o) { return goes_first(*next, *o); }),
                    std::move(sequence));
    adopt_prefix(*next);
    served(next->tenant) += next->pending();
    if (!add_prefill(*next, budget)) return;
  }
}

// Null when none can go on.
Sequence* Scheduler::next_waiting() const {
  Sequence* best = nullptr;
  const auto before = [&](const Sequence& a, const Sequence& b) {
    if (a.priority != b.priority) return a.priority > b.priority;
    const double x = served_.at(a.tenant), y = served_.at(b.tenant);
    return x != y ? x < y : a.id < b.id;
  };
  for (const Owned& sequence : waiting_) {
    if (!sequence->paused() && (!best || before(*sequence, *best))) best = sequence.get();
  }
  return best;
}

// The running sequence that gives up its pages when others need them.
Sequence& Scheduler::victim() const {
  const auto paused = std::find_if(running_.rbegin(), running_.rend(), [](const Owned& s) { return s->paused(); });
  return paused == running_.rend() ? *running_.back() : **paused;
}

// Pages for all its tokens and one more for each that runs: what has just given up its pages should not take them back
// from those that needed them.
bool Scheduler::room_for(const Sequence& sequence) const {
  if (running_.empty()) return true;
  const int needed = KvPool::pages_for(static_cast<int>(sequence.tokens.size()) + 1) + running();
  return pool_.free_pages() + prefixes_.evictable() >= needed;
}

// Takes what the prefix cache has beyond the rows that have run. The last token is always run: its logits are wanted.
void Scheduler::adopt_prefix(Sequence& sequence) {
  if (!options_.prefix_cache || !sequence.share_prefix) return;
  auto pages = prefixes_.find(sequence.tenant, std::span(sequence.tokens).first(sequence.tokens.size() - 1));
  const int rows = static_cast<int>(pages.size()) * kPageTokens;
  if (rows <= sequence.kv.size()) return;
  if (!sequence.preempted) sequence.usage.cached_tokens += rows - sequence.kv.size();
  sequence.kv.truncate(0);
  sequence.kv.adopt(std::move(pages));
  sequence.kept_pages = rows / kPageTokens;
}

// Takes pages for `rows` more rows; false when the sequence itself gave up its pages for that.
bool Scheduler::reserve(Sequence& sequence, int rows) {
  while (!sequence.kv.reserve(sequence.kv.size() + rows)) {
    if (prefixes_.evict()) continue;
    Sequence& last = victim();
    preempt(last);
    if (&last == &sequence) return false;
  }
  return true;
}

void Scheduler::preempt(Sequence& sequence) {
  ++preemptions_;
  sequence.kv.truncate(0);
  sequence.kept_pages = 0;
  sequence.preempted = true;
  std::erase_if(work_, [&](const Work& work) { return work.sequence == &sequence; });
  const auto at = std::find_if(running_.begin(), running_.end(), [&](const Owned& o) { return o.get() == &sequence; });
  waiting_.push_back(std::move(*at));
  running_.erase(at);
}

void Scheduler::keep_prefix(Sequence& sequence) {
  const int full = sequence.kv.size() / kPageTokens;
  if (!options_.prefix_cache || !sequence.share_prefix || full <= sequence.kept_pages) return;
  prefixes_.keep(sequence.tenant, sequence.tokens, sequence.kv);
  sequence.kept_pages = full;
}

std::vector<std::unique_ptr<Sequence>> Scheduler::remove_if(const std::function<bool(const Sequence&)>& ended) {
  std::vector<Owned> removed;
  for (std::vector<Owned>* all : {&waiting_, &running_}) {
    const auto kept = std::stable_partition(all->begin(), all->end(), [&](const Owned& s) { return !ended(*s); });
    std::move(kept, all->end(), std::back_inserter(removed));
    all->erase(kept, all->end());
  }
  for (const Owned& sequence : removed) sequence->kv.truncate(0);
  if (removed.empty()) return removed;
  work_.clear();
  std::erase_if(served_, [&](const auto& entry) {
    const auto of_tenant = [&](const Owned& s) { return s->tenant == entry.first; };
    return std::ranges::none_of(waiting_, of_tenant) && std::ranges::none_of(running_, of_tenant);
  });
  return removed;
}

std::optional<Clock::time_point> Scheduler::next_deadline() const {
  std::optional<Clock::time_point> earliest;
  for (const std::vector<Owned>* all : {&waiting_, &running_}) {
    for (const Owned& s : *all) {
      if (s->deadline && (!earliest || *s->deadline < *earliest)) earliest = s->deadline;
    }
  }
  return earliest;
}

void Scheduler::observe(double seconds) {
  const auto decoding = static_cast<size_t>(decode_rows_);
  if (decode_s_.size() <= decoding) decode_s_.resize(decoding + 1);
  if (prefill_rows_ == 0) {
    follow(decode_s_[decoding], seconds);
  } else if (decoding == 0) {
    return;
  } else if (const double alone = decode_s_[decoding]; alone > 0) {
    follow(row_s_, std::max(0.0, seconds - alone) / prefill_rows_);
  }
}

int Scheduler::prefill_rows(int decoding) const {
  if (decoding == 0) return kPrefillRows;
  const auto n = static_cast<size_t>(decoding);
  const double alone = n < decode_s_.size() ? decode_s_[n] : 0;
  const double rows = alone > 0 && row_s_ > 0 ? kPrefillShare * alone / row_s_ : 2.0 * decoding;
  return static_cast<int>(std::clamp(rows, double{kLeastPrefillRows}, double{kPrefillRows}));
}

}  // namespace bantam
