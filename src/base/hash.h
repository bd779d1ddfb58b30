// A file's fingerprint: tells whether its content is what it was.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bantam {

using Hash = std::array<std::byte, 32>;

// SHA-256 (FIPS 180-4). Throws std::bad_alloc.
Hash sha256(std::string_view bytes);

}  // namespace bantam
