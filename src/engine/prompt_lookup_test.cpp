#include "engine/prompt_lookup.h"

#include <gtest/gtest.h>

#include <vector>

namespace bantam {
namespace {

using Tokens = std::vector<int32_t>;

Tokens drafted(PromptLookup& lookup, const Tokens& tokens, int most = 8) {
  const auto draft = lookup.draft(tokens, most);
  return {draft.begin(), draft.end()};
}

TEST(PromptLookup, a_text_goes_on_as_it_did_the_last_time) {
  PromptLookup lookup;
  EXPECT_EQ(drafted(lookup, {1, 2, 3, 4, 5, 9, 1, 2, 3, 6, 7, 1, 2, 3}, 2), (Tokens{6, 7}));
  EXPECT_TRUE(drafted(lookup, {1, 2, 3, 4, 5, 6}).empty());
  EXPECT_TRUE(drafted(lookup, {1, 2}).empty());
  EXPECT_TRUE(drafted(lookup, {1, 1, 1, 1}, 0).empty());
}

TEST(PromptLookup, more_is_drafted_where_more_was_right) {
  PromptLookup lookup;
  const Tokens tokens(50, 7);
  const size_t before = drafted(lookup, Tokens{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3}).size();
  for (int i = 0; i < 10; ++i) lookup.observe(8, 8);
  EXPECT_GT(drafted(lookup, Tokens{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3}).size(), before);
}

TEST(PromptLookup, it_pauses_longer_each_time_that_guesses_were_wrong) {
  PromptLookup lookup;
  const Tokens tokens{1, 2, 3, 4, 5, 1, 2, 3};
  const auto pause = [&] {
    while (!drafted(lookup, tokens).empty()) lookup.observe(4, 0);
    int calls = 1;
    while (drafted(lookup, tokens).empty()) ++calls;
    return calls;
  };
  const int first = pause(), second = pause();
  EXPECT_GE(first, 16);
  EXPECT_GT(second, first);
}

}  // namespace
}  // namespace bantam
