#include "engine/prefix_cache.h"

#include <gtest/gtest.h>

#include <numeric>

#include "model/test_model.h"

namespace bantam {
namespace {

using Tokens = std::vector<int32_t>;

class PrefixCacheTest : public testing::Test {
 protected:
  static Tokens count_from(int32_t first, int pages) {
    Tokens tokens(static_cast<size_t>(pages * kPageTokens));
    std::iota(tokens.begin(), tokens.end(), first);
    return tokens;
  }

  // A sequence that has run all of `tokens`.
  KvCache run(const Tokens& tokens) {
    KvCache kv(pool_, 8 * kPageTokens);
    EXPECT_TRUE(kv.reserve(static_cast<int>(tokens.size())));
    kv.advance(static_cast<int>(tokens.size()));
    return kv;
  }

  // One that ran, was kept and ended.
  void keep(const std::string& tenant, const Tokens& tokens) {
    KvCache kv = run(tokens);
    cache_.keep(tenant, tokens, kv);
  }

  KvPool pool_{Switches::config(0), 8};
  PrefixCache cache_;
};

TEST_F(PrefixCacheTest, what_begins_alike_is_found_page_by_page) {
  keep("a", count_from(0, 3));
  Tokens tokens = count_from(0, 3);
  EXPECT_EQ(cache_.find("a", tokens).size(), 3u);
  tokens[kPageTokens + 5] = -1;
  EXPECT_EQ(cache_.find("a", tokens).size(), 1u);
  EXPECT_EQ(cache_.find("a", std::span(tokens).first(kPageTokens - 1)).size(), 0u);
  EXPECT_EQ(cache_.find("a", count_from(kPageTokens, 2)).size(), 0u) << "a page is its tokens and all before them";
}

TEST_F(PrefixCacheTest, nothing_is_found_of_another_tenant) {
  keep("a", count_from(0, 2));
  EXPECT_TRUE(cache_.find("b", count_from(0, 2)).empty());
  keep("b", count_from(0, 2));
  EXPECT_EQ(cache_.pages(), 4);
}

TEST_F(PrefixCacheTest, a_sequence_that_ran_the_same_rows_gives_its_pages_back) {
  const Tokens tokens = count_from(0, 2);
  KvCache first = run(tokens), second = run(tokens);
  cache_.keep("a", tokens, first);
  EXPECT_EQ(pool_.free_pages(), 4);
  cache_.keep("a", tokens, second);
  EXPECT_EQ(pool_.free_pages(), 6);
  EXPECT_EQ(second.pages()[1].id(), first.pages()[1].id());
}

TEST_F(PrefixCacheTest, the_page_used_longest_ago_goes_first_and_none_before_its_continuation) {
  keep("a", count_from(0, 2));
  keep("a", count_from(1000, 1));
  cache_.find("a", count_from(0, 2));
  EXPECT_TRUE(cache_.evict());
  EXPECT_TRUE(cache_.find("a", count_from(1000, 1)).empty());
  EXPECT_TRUE(cache_.evict());
  EXPECT_EQ(cache_.find("a", count_from(0, 2)).size(), 1u);
  EXPECT_TRUE(cache_.evict());
  EXPECT_FALSE(cache_.evict());
  EXPECT_EQ(pool_.free_pages(), pool_.pages());
  EXPECT_TRUE(pool_.check_integrity());
}

TEST_F(PrefixCacheTest, pages_of_a_running_sequence_stay) {
  const Tokens tokens = count_from(0, 2);
  KvCache kv = run(tokens);
  cache_.keep("a", tokens, kv);
  EXPECT_EQ(cache_.evictable(), 0);
  EXPECT_FALSE(cache_.evict());
  kv.truncate(kPageTokens);
  EXPECT_EQ(cache_.evictable(), 1);
  EXPECT_TRUE(cache_.evict());
  EXPECT_EQ(cache_.find("a", tokens).size(), 1u);
}

}  // namespace
}  // namespace bantam
