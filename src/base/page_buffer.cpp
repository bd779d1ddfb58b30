#include "base/page_buffer.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>
#include <utility>

namespace bantam {
namespace {

constexpr size_t kLargePage = size_t{2} << 20;

std::byte* map(size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(memory);
}

// The kernel only uses large pages inside aligned ranges: maps more than needed and gives the ends back.
std::byte* map_aligned(size_t bytes) {
  std::byte* memory = map(bytes + kLargePage);
  const size_t before = (kLargePage - reinterpret_cast<uintptr_t>(memory) % kLargePage) % kLargePage;
  if (before > 0) ::munmap(memory, before);
  ::munmap(memory + before + bytes, kLargePage - before);
  ::madvise(memory + before, bytes, MADV_HUGEPAGE);  // a wish; without it the memory works as well
  return memory + before;
}

}  // namespace

void want_large_pages(const void* at, size_t bytes) {
  const auto begin = (reinterpret_cast<uintptr_t>(at) + kLargePage - 1) / kLargePage * kLargePage;
  const auto end = (reinterpret_cast<uintptr_t>(at) + bytes) / kLargePage * kLargePage;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // a wish
}

PageBuffer::PageBuffer(size_t bytes) {
  if (bytes == 0) return;
  const size_t unit = bytes < kLargePage ? size_t{4096} : kLargePage;
  size_ = (bytes + unit - 1) / unit * unit;
  data_ = bytes < kLargePage ? map(size_) : map_aligned(size_);
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
