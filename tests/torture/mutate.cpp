#include "mutate.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace bantam::torture {
namespace {

size_t some_place(const std::string& bytes, Rng& rng) {
  const size_t near = std::min<size_t>(bytes.size(), rng.below(3) == 0 ? bytes.size() : 4096);
  return rng.below(near);
}

// Digits of a number in text, or a number in bytes, become one of kBoundaries.
void put_boundary(std::string& bytes, Rng& rng) {
  size_t at = some_place(bytes, rng);
  const uint64_t n = kBoundaries[rng.below(std::size(kBoundaries))];
  const size_t digit = bytes.find_first_of("0123456789", at);
  if (rng.below(2) == 0 && digit != std::string::npos && digit < at + 64) {
    bytes.replace(digit, bytes.find_first_not_of("0123456789", digit) - digit, std::to_string(n));
    return;
  }
  at = at / 4 * 4;
  const size_t width = std::min<size_t>(bytes.size() - at, rng.below(2) == 0 ? 4 : 8);
  bytes.replace(at, width, reinterpret_cast<const char*>(&n), width);
}

void change(std::string& bytes, Rng& rng) {
  if (bytes.empty()) return;
  const size_t at = some_place(bytes, rng), count = 1 + rng.below(std::min<size_t>(bytes.size() - at, 64));
  switch (rng.below(7)) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << rng.below(8)));
      break;
    case 1:
      bytes[at] = static_cast<char>(rng.below(256));
      break;
    case 2:
      bytes.resize(at);
      break;
    case 3:
      bytes.erase(at, count);
      break;
    case 4:
      bytes.insert(some_place(bytes, rng), bytes.substr(at, count));
      break;
    case 5: {
      const std::string part = bytes.substr(at, count);
      bytes.replace(std::min(some_place(bytes, rng), bytes.size() - part.size()), part.size(), part);
      break;
    }
    default:
      put_boundary(bytes, rng);
  }
}

}  // namespace

Files mutated(Files files, Rng& rng) {
  auto file = std::next(files.begin(), static_cast<std::ptrdiff_t>(rng.below(files.size())));
  for (uint64_t changes = 1 + rng.below(4); changes > 0; --changes) change(file->second, rng);
  return files;
}

}  // namespace bantam::torture
