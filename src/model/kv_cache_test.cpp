#include "model/kv_cache.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "model/batch.h"
#include "model/test_model.h"

namespace bantam {
namespace {

TEST(KvPool, pages_come_back_when_the_last_reference_goes) {
  KvPool pool(Switches::config(0), 3);
  std::optional<KvPage> a = pool.take(), b = pool.take();
  EXPECT_NE(a->id(), b->id());
  KvPage copy = *a;
  EXPECT_EQ(copy.references(), 2);
  a.reset();
  EXPECT_EQ(pool.free_pages(), 1);
  copy = KvPage();
  EXPECT_EQ(pool.free_pages(), 2);
  EXPECT_TRUE(pool.check_integrity());
}

TEST(KvPool, an_empty_pool_gives_no_page) {
  KvPool pool(Switches::config(0), 1);
  const auto page = pool.take();
  EXPECT_FALSE(pool.take());
  EXPECT_TRUE(pool.check_integrity());
}

TEST(KvCache, it_holds_as_many_pages_as_its_rows_need) {
  KvPool pool(Switches::config(0), 4);
  KvCache kv(pool, 4 * kPageTokens);
  EXPECT_TRUE(kv.reserve(kPageTokens + 1));
  kv.advance(kPageTokens + 1);
  EXPECT_EQ(pool.free_pages(), 2);
  kv.truncate(kPageTokens);
  EXPECT_EQ(pool.free_pages(), 3);
  kv.truncate(0);
  EXPECT_EQ(pool.free_pages(), 4);
}

TEST(KvCache, sequences_share_full_pages) {
  KvPool pool(Switches::config(0), 4);
  KvCache a(pool, 3 * kPageTokens), b(pool, 3 * kPageTokens);
  a.reserve(2 * kPageTokens);
  a.advance(2 * kPageTokens);
  b.adopt({a.pages()[0]});
  EXPECT_EQ(b.size(), kPageTokens);
  EXPECT_TRUE(b.reserve(2 * kPageTokens));
  EXPECT_EQ(pool.free_pages(), 1);
  a.truncate(0);
  EXPECT_EQ(pool.free_pages(), 2);
  EXPECT_TRUE(pool.check_integrity());
}

TEST(KvCache, rows_that_find_no_page_are_refused) {
  KvPool pool(Switches::config(0), 1);
  KvCache a(pool, 2 * kPageTokens);
  const std::vector<int32_t> tokens(kPageTokens + 1, 1);
  Batch batch;
  EXPECT_THROW(batch.append(a, tokens, Logits::none), UsageError);
}

}  // namespace
}  // namespace bantam
