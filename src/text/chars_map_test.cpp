#include "text/chars_map.h"

#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "base/rng.h"
#include "text/test_vocabularies.h"

namespace bantam {
namespace {

const std::map<std::string, std::string> kTable = {
    {"A", "a"}, {"A\u0301", "\u00E1"}, {"\uFB01", "fi"}, {"\u00AD", ""}, {"\t", " "}};

using testing_text::chars_map_bytes;

TEST(CharsMap, the_longest_string_of_the_table_is_replaced) {
  const CharsMap map(chars_map_bytes(kTable), "test");
  EXPECT_EQ(map.normalize("A bA\u0301\tA\u0302 \uFB01\u00ADx\uFB00"), "a b\u00E1 a\u0302 fix\uFB00");
}

TEST(CharsMap, bytes_that_are_not_utf8_become_the_replacement_character) {
  EXPECT_EQ(CharsMap().normalize("a\xFF\xC3z\u00E9"), "a\uFFFD\uFFFDz\u00E9");
}

TEST(CharsMap, a_table_that_does_not_fit_its_bytes_is_refused) {
  const std::string good = chars_map_bytes(kTable);
  for (const std::string& bad : {std::string("\1"), good.substr(0, 40), std::string(16, '\xFF'), good + "x"}) {
    EXPECT_THROW(CharsMap(bad, "test"), FormatError);
  }
}

TEST(CharsMap, a_broken_table_changes_text_but_reads_nothing_outside_it) {
  const std::string good = chars_map_bytes(kTable);
  Rng rng(6);
  for (int round = 0; round < 2000; ++round) {
    std::string broken = good;
    for (int n = 0; n < 8; ++n) broken[4 + rng.below(good.size() - 5)] = static_cast<char>(rng.below(256));
    EXPECT_FALSE(CharsMap(broken, "test").normalize("A\u0301 A\t\uFB01 b").empty());
  }
}

}  // namespace
}  // namespace bantam
