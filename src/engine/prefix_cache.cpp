#include "engine/prefix_cache.h"

#include <algorithm>

namespace bantam {

// FNV-1a over the tenant's name and the numbers.
uint64_t PrefixCache::key_of(const std::string& tenant, int parent, std::span<const int32_t> tokens) {
  uint64_t hash = 0xCBF29CE484222325u;
  const auto mix = [&](uint64_t value) { hash = (hash ^ value) * 0x100000001B3u; };
  for (const char c : tenant) mix(static_cast<unsigned char>(c));
  mix(static_cast<uint64_t>(parent) + 0x100);
  for (const int32_t token : tokens) mix(static_cast<uint32_t>(token));
  return hash;
}

int PrefixCache::child(const std::string& tenant, int parent, std::span<const int32_t> tokens) const {
  const auto [first, last] = children_.equal_range(key_of(tenant, parent, tokens));
  for (auto it = first; it != last; ++it) {
    const Node& node = nodes_[static_cast<size_t>(it->second)];
    if (node.parent == parent && node.tenant == tenant && std::ranges::equal(node.tokens, tokens)) return it->second;
  }
  return -1;
}

std::vector<KvPage> PrefixCache::find(const std::string& tenant, std::span<const int32_t> tokens) {
  std::vector<KvPage> pages;
  ++clock_;
  int at = -1;
  for (; tokens.size() >= kPageTokens; tokens = tokens.subspan(kPageTokens)) {
    at = child(tenant, at, tokens.first(kPageTokens));
    if (at < 0) break;
    nodes_[static_cast<size_t>(at)].used = clock_;
    pages.push_back(nodes_[static_cast<size_t>(at)].page);
  }
  return pages;
}

void PrefixCache::keep(const std::string& tenant, std::span<const int32_t> tokens, KvCache& kv) {
  ++clock_;
  int at = -1;
  for (int i = 0; i < kv.size() / kPageTokens; ++i) {
    const auto page = tokens.subspan(static_cast<size_t>(i) * kPageTokens, kPageTokens);
    const KvPage& own = kv.pages()[static_cast<size_t>(i)];
    const int parent = at;
    at = child(tenant, parent, page);
    if (at < 0) at = add(tenant, parent, page, own);
    Node& node = nodes_[static_cast<size_t>(at)];
    node.used = clock_;
    if (node.page.id() != own.id()) kv.replace(i, node.page);
  }
}

int PrefixCache::add(const std::string& tenant, int parent, std::span<const int32_t> tokens, const KvPage& page) {
  if (unused_.empty()) {
    unused_.push_back(static_cast<int>(nodes_.size()));
    nodes_.emplace_back();
  }
  const int id = unused_.back();
  unused_.pop_back();
  Node& node = nodes_[static_cast<size_t>(id)];
  node = {key_of(tenant, parent, tokens), parent, tenant, {}, page, 0, 0};
  std::ranges::copy(tokens, node.tokens.begin());
  if (parent >= 0) ++nodes_[static_cast<size_t>(parent)].children;
  children_.emplace(node.key, id);
  return id;
}

bool PrefixCache::evict() {
  int oldest = -1;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    if (!node.page || node.children > 0 || node.page.references() > 1) continue;
    if (oldest < 0 || node.used < nodes_[static_cast<size_t>(oldest)].used) oldest = static_cast<int>(i);
  }
  if (oldest < 0) return false;
  Node& node = nodes_[static_cast<size_t>(oldest)];
  if (node.parent >= 0) --nodes_[static_cast<size_t>(node.parent)].children;
  const auto [first, last] = children_.equal_range(node.key);
  children_.erase(std::find_if(first, last, [&](const auto& entry) { return entry.second == oldest; }));
  node = {};
  unused_.push_back(oldest);
  return true;
}

// A sequence that uses a page uses all before it, so whatever nobody uses can go, the last page of a run first.
int PrefixCache::evictable() const {
  return static_cast<int>(
      std::ranges::count_if(nodes_, [](const Node& node) { return node.page && node.page.references() == 1; }));
}

void PrefixCache::clear() {
  nodes_.clear();
  unused_.clear();
  children_.clear();
}

}  // namespace bantam
