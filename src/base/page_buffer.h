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

}  // namespace bantam
