// A token of a reading example in one byte: its type, and what its row is to the answer's span.
#pragma once

#include <cstdint>

#include "model/ops.h"
#include "text/reading.h"

namespace bantam {

static_assert(kReadingTypes <= 32);
constexpr uint8_t reading_tag(int type, int labels) { return static_cast<uint8_t>(type | labels << 5); }
constexpr int type_of_tag(uint8_t tag) { return tag & 31; }
constexpr uint8_t labels_of_tag(uint8_t tag) { return static_cast<uint8_t>(tag >> 5); }

}  // namespace bantam
