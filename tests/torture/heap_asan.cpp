#include <atomic>
#include <cstdint>

#include "heap.h"

// As in <sanitizer/allocator_interface.h>, which GCC does not bring.
extern "C" {
size_t __sanitizer_get_allocated_size(const volatile void* memory);
int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void*, size_t),
                                              void (*freed)(const volatile void*));
}

namespace {

std::atomic<int64_t> in_use, most;

void allocated(const volatile void*, size_t size) {
  const int64_t now = in_use += static_cast<int64_t>(size);
  int64_t before = most;
  while (now > before && !most.compare_exchange_weak(before, now)) {
  }
}

void freed(const volatile void* memory) { in_use -= static_cast<int64_t>(__sanitizer_get_allocated_size(memory)); }

const int kInstalled = __sanitizer_install_malloc_and_free_hooks(allocated, freed);

}  // namespace

// Freed memory waits in a quarantine, where using it is found; a long one costs page faults that the program without
// the sanitizer does not have, and more of them than the work that is timed here.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "quarantine_size_mb=4:malloc_context_size=8"; }

namespace bantam::torture {

Heap::Heap() : begin_(in_use) { most = begin_; }
size_t Heap::peak() const { return kInstalled == 0 ? SIZE_MAX : static_cast<size_t>(most - begin_); }

}  // namespace bantam::torture
