#include "retrieval/support.h"

#include <gtest/gtest.h>

namespace bantam {
namespace {

constexpr std::string_view kMill =
    "The Sheffield mill opened in 1887. It has 12 looms and does not use steam. Ann Cooper runs the night shift.";
constexpr std::string_view kLeave =
    "정규 직원의 연차 휴가는 15일이다. 신청은 3일 전에 해야 한다. 주말 근무는 허용되지 않는다.";

TEST(Support, a_sentence_in_other_words_and_inflections_is_supported) {
  for (const std::string_view s : {"The mill in Sheffield opened in 1887.", "The mill has 12 looms.",
                                   "Ann Cooper runs the night shifts.", "It does not use steam."}) {
    EXPECT_TRUE(support(s, kMill).holds()) << s;
  }
  for (const std::string_view s :
       {"연차 휴가는 15일입니다.", "3일 전에 신청해야 합니다.", "주말 근무는 허용되지 않습니다."}) {
    EXPECT_TRUE(support(s, kLeave).holds()) << s;
  }
}

TEST(Support, another_number_or_name_is_not_supported) {
  for (const std::string_view s :
       {"The mill has 13 looms.", "The Sheffield mill opened in 1888.", "The night shift is run by Bob Cooper."}) {
    EXPECT_FALSE(support(s, kMill).holds()) << s;
  }
  EXPECT_FALSE(support("연차 휴가는 20일입니다.", kLeave).holds());
}

TEST(Support, the_opposite_is_not_supported) {
  EXPECT_FALSE(support("The mill uses steam.", kMill).holds());
  EXPECT_FALSE(support("The mill does not have 12 looms.", kMill).holds());
  EXPECT_FALSE(support("주말 근무는 허용됩니다.", kLeave).holds());
}

TEST(Support, words_that_the_passage_lacks_are_tolerated_only_as_few) {
  EXPECT_TRUE(support("In total the mill has 12 working looms.", kMill).holds());
  EXPECT_FALSE(support("The factory employs many skilled weavers from the region.", kMill).holds());
  EXPECT_FALSE(support("", kMill).holds());
  EXPECT_FALSE(support("It is.", kMill).holds());
}

TEST(Support, the_closest_sentence_is_the_one_that_shares_most) {
  const Support found = support("The night shift is run by Ann Cooper.", kMill);
  EXPECT_EQ(kMill.substr(found.closest.begin, found.closest.size()), "Ann Cooper runs the night shift.");
}

TEST(Support, the_title_counts_as_part_of_the_passage) {
  EXPECT_FALSE(support("Abbeydale has 12 looms.", "It has 12 looms.").holds() &&
               support("The mill of Abbeydale has 12 looms.", "It has 12 looms.").holds());
  EXPECT_TRUE(support("The mill of Abbeydale has 12 looms.", "It has 12 looms.", "Abbeydale mill").holds());
}

}  // namespace
}  // namespace bantam
