// How much heap is in use at most: heap_new.cpp counts through operator new, heap_asan.cpp through the hooks of
// AddressSanitizer's allocator, C libraries too. CMake takes one of them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bantam::torture {

// Counts from its construction on.
class Heap {
 public:
  Heap();
  // Most bytes in use at once, beyond those in use at the beginning.
  size_t peak() const;

 private:
  int64_t begin_;
};

}  // namespace bantam::torture
