// Memory for large arrays, straight from the kernel and on large pages where it has them.
#pragma once

#include <cstddef>

namespace bantam {

// Zeroed, aligned to at least 4 KiB. Large pages spare the address translation that strided reads of matrices miss:
// 2 MiB instead of 4 KiB each.
class PageBuffer {
 public:
  PageBuffer() = default;
  // Throws std::bad_alloc.
  explicit PageBuffer(size_t bytes);
  ~PageBuffer();
  PageBuffer(PageBuffer&& other) noexcept;
  PageBuffer& operator=(PageBuffer&& other) noexcept;

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// Asks for large pages where `bytes` from `at`, memory of any origin, are about to be written for the first time. The
// kernel gives such pages only to whole 2 MiB; a page given costs a fault, which some virtual machines make dear.
void want_large_pages(const void* at, size_t bytes);

constexpr size_t kLargePageBytes = size_t{2} << 20;

// Bytes of mapped files that this process sees through large pages; 0 where the kernel does not say.
size_t file_bytes_on_large_pages();

// At the start of a program: has malloc() take memory on large pages and in steps of many, and all threads share it. A
// vocabulary is some hundred thousand strings; on small pages, a fault for each, they took half the time in which a
// model was ready.
void put_heap_on_large_pages();

// Room for n values of a vector that is empty, on large pages where they are many.
template <class Vector>
void reserve_large(Vector& vector, size_t n) {
  vector.reserve(n);
  want_large_pages(vector.data(), n * sizeof(typename Vector::value_type));
}

}  // namespace bantam
