#include "base/page_buffer.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <new>
#include <string>
#include <utility>

namespace bantam {
namespace {

std::byte* map(size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(memory);
}

// The kernel only uses large pages inside aligned ranges: maps more than needed and gives the ends back.
std::byte* map_aligned(size_t bytes) {
  std::byte* memory = map(bytes + kLargePageBytes);
  const size_t before = (kLargePageBytes - reinterpret_cast<uintptr_t>(memory) % kLargePageBytes) % kLargePageBytes;
  if (before > 0) ::munmap(memory, before);
  ::munmap(memory + before + bytes, kLargePageBytes - before);
  ::madvise(memory + before, bytes, MADV_HUGEPAGE);  // a wish; without it the memory works as well
  return memory + before;
}

}  // namespace

void want_large_pages(const void* at, size_t bytes) {
  const auto begin = (reinterpret_cast<uintptr_t>(at) + kLargePageBytes - 1) / kLargePageBytes * kLargePageBytes;
  const auto end = (reinterpret_cast<uintptr_t>(at) + bytes) / kLargePageBytes * kLargePageBytes;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // a wish
}

void put_heap_on_large_pages() {
  constexpr int kStep = 32 << 20, kMost = 64 << 20;
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TOP_PAD, kStep);
  // What glibc sets itself to once something large was freed, unless it is told one of these.
  mallopt(M_MMAP_THRESHOLD, kMost / 2);
  mallopt(M_TRIM_THRESHOLD, kMost);
  // More than a heap begins with, so that it grows by a step.
  void* volatile first = std::malloc(size_t{256} << 10);
  const auto begin = reinterpret_cast<uintptr_t>(first);
  const auto end = reinterpret_cast<uintptr_t>(::sbrk(0));
  if (begin < end) want_large_pages(first, end - begin);
  std::free(first);
}

size_t file_bytes_on_large_pages() {
  std::ifstream maps("/proc/self/smaps_rollup");
  for (std::string name; maps >> name;) {
    size_t kilobytes = 0;
    if (name == "FilePmdMapped:" && maps >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

PageBuffer::PageBuffer(size_t bytes) {
  if (bytes == 0) return;
  const size_t unit = bytes < kLargePageBytes ? size_t{4096} : kLargePageBytes;
  size_ = (bytes + unit - 1) / unit * unit;
  data_ = bytes < kLargePageBytes ? map(size_) : map_aligned(size_);
}

PageBuffer::~PageBuffer() {
  if (data_) ::munmap(data_, size_);
}

PageBuffer::PageBuffer(PageBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

PageBuffer& PageBuffer::operator=(PageBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace bantam
