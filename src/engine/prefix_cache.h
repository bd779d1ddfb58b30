// Pages of keys and values that are kept when their sequence goes on or ends, for prompts that begin with the same
// tokens. Nothing is ever shared between tenants: not even how long a prompt takes tells one what another has asked.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/kv_cache.h"

namespace bantam {

// A tree of full pages for each tenant. Tokens are compared, not only their hashes.
class PrefixCache {
 public:
  // The longest run of cached pages that begins `tokens`, oldest first. Counts as a use of them.
  std::vector<KvPage> find(const std::string& tenant, std::span<const int32_t> tokens);

  // Keeps the full pages of a sequence with these tokens, of which the first kv.size() have rows. Where the cache has a
  // page with the same tokens already, the sequence takes that one and gives its own back: the rows are the same.
  void keep(const std::string& tenant, std::span<const int32_t> tokens, KvCache& kv);

  // Gives up the page used longest ago that no sequence uses and no other cached page continues; false when there is
  // none.
  bool evict();
  // How many pages evict() could give up one after the other.
  int evictable() const;
  int pages() const { return static_cast<int>(nodes_.size() - unused_.size()); }
  void clear();

 private:
  using Tokens = std::array<int32_t, kPageTokens>;
  struct Node {
    uint64_t key = 0;  // of this node in `children_`
    int parent = -1;   // -1: the tenant's first page
    std::string tenant;
    Tokens tokens{};
    KvPage page;  // empty: this node is unused
    int children = 0;
    uint64_t used = 0;  // when, by `clock_`
  };

  static uint64_t key_of(const std::string& tenant, int parent, std::span<const int32_t> tokens);
  int child(const std::string& tenant, int parent, std::span<const int32_t> tokens) const;
  int add(const std::string& tenant, int parent, std::span<const int32_t> tokens, const KvPage& page);

  std::vector<Node> nodes_;
  std::vector<int> unused_;
  std::unordered_multimap<uint64_t, int> children_;  // by tenant, parent and tokens
  uint64_t clock_ = 0;
};

}  // namespace bantam
