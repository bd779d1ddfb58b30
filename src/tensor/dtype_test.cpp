#include "tensor/dtype.h"

#include <gtest/gtest.h>

namespace bantam {
namespace {

TEST(DType, every_known_format_is_found_by_its_id_and_its_name) {
  for (const DTypeTraits& t : all_dtypes()) {
    EXPECT_EQ(dtype_from_id(static_cast<uint32_t>(t.dtype)), t.dtype);
    EXPECT_EQ(dtype_from_name(t.name), t.dtype);
  }
  EXPECT_FALSE(dtype_from_id(999));
  EXPECT_FALSE(dtype_from_name("q9_9"));
}

}  // namespace
}  // namespace bantam
