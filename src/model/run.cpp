#include "model/run.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace bantam {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kMinSlabBytes = size_t{8} << 20;

}  // namespace

std::byte* Arena::take(size_t bytes) {
  bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  while (at_.slab < slabs_.size() && at_.used + bytes > slabs_[at_.slab].size) at_ = {at_.slab + 1, 0};
  if (at_.slab == slabs_.size()) {
    const size_t size = std::max({bytes, kMinSlabBytes, capacity() / 2});
    slabs_.push_back({{static_cast<std::byte*>(::operator new (size, std::align_val_t{kAlignment})),
                       [](std::byte* p) { ::operator delete (p, std::align_val_t{kAlignment}); }},
                      size});
  }
  std::byte* start = slabs_[at_.slab].bytes.get() + at_.used;
  at_.used += bytes;
  return start;
}

size_t Arena::capacity() const {
  size_t total = 0;
  for (const Slab& slab : slabs_) total += slab.size;
  return total;
}

void Tape::backward() {
  while (!steps_.empty()) {
    steps_.back()();
    steps_.pop_back();
  }
}

Tensor Run::make(int rows, int cols) {
  Tensor t{nullptr, nullptr, rows, cols};
  t.data = scratch<real>(t.size());
  if (!recording()) return t;
  t.grad = scratch<real>(t.size());
  pool().parallel_for(rows, std::max(1, (1 << 16) / cols), [&](int64_t begin, int64_t end) {
    std::fill(t.grad_row(static_cast<int>(begin)), t.grad_row(static_cast<int>(end)), real{0});
  });
  return t;
}

}  // namespace bantam
