// Decides which rows run next: one of every sequence that is being written, and pieces of prompts. Knows no model.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/prefix_cache.h"
#include "engine/sequence.h"

namespace bantam {

struct SchedulerOptions {
  int most_running = 16;
  bool prefix_cache = true;
};

// `rows` tokens of the sequence after those in its cache, for which its pages are reserved.
struct Work {
  Sequence* sequence;
  int rows;
};

// Sequences of a higher priority start first. Those whose readers do not keep up are passed over. Among equals the
// tenant whose rows were served least comes next (virtual token counters, arXiv 2401.00588), and of one tenant the
// oldest. When pages run out, cached prefixes go first; then the running sequence that would start last gives up its
// pages, waits, and later runs its rows again.
class Scheduler {
 public:
  Scheduler(KvPool& pool, const SchedulerOptions& options) : pool_(pool), options_(options) {}

  void add(std::unique_ptr<Sequence> sequence);
  // Decodes first, then at most prefill_rows() of prompts. Valid until the next change; empty when nothing can run.
  std::span<const Work> plan();
  // The rows of plan() have run and took so long.
  void observe(double seconds);
  // Offers the sequence's full pages to the prefix cache.
  void keep_prefix(Sequence& sequence);

  // Takes out those that `ended` says so of, waiting or running. Their pages are free, or kept as prefixes.
  std::vector<std::unique_ptr<Sequence>> remove_if(const std::function<bool(const Sequence&)>& ended);

  bool empty() const { return waiting_.empty() && running_.empty(); }
  int waiting() const { return static_cast<int>(waiting_.size()); }
  int running() const { return static_cast<int>(running_.size()); }
  int paused() const { return paused_; }
  uint64_t preemptions() const { return preemptions_; }
  PrefixCache& prefixes() { return prefixes_; }
  // The earliest deadline of all sequences.
  std::optional<Clock::time_point> next_deadline() const;

  // Rows of prompts that run beside so many decoding sequences: as many as make a step take about twice as long again,
  // as far as steps have been measured.
  int prefill_rows(int decoding) const;

 private:
  using Owned = std::unique_ptr<Sequence>;

  void plan_decoding();
  void plan_prefill(int budget);
  void admit(int& budget);
  bool add_prefill(Sequence& sequence, int& budget);
  void adopt_prefix(Sequence& sequence);
  bool reserve(Sequence& sequence, int rows);
  Sequence* next_waiting() const;
  Sequence& victim() const;
  bool room_for(const Sequence& sequence) const;
  void preempt(Sequence& sequence);
  double& served(const std::string& tenant);

  KvPool& pool_;
  const SchedulerOptions options_;
  PrefixCache prefixes_;
  std::vector<Owned> waiting_, running_;  // running: in the order they should go on
  std::vector<Work> work_;
  std::map<std::string, double> served_;  // rows, of tenants with sequences here
  double clock_ = 0;                      // what the tenant served last had been served
  int paused_ = 0;
  uint64_t preemptions_ = 0;

  int decode_rows_ = 0, prefill_rows_ = 0;  // of the last plan
  std::vector<double> decode_s_;            // [number of decoding sequences], lately; 0: not known
  double row_s_ = 0;                        // of one row of a prompt beside them, lately
};

}  // namespace bantam
