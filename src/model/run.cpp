#include "model/run.h"

#include <algorithm>
#include <cstring>

namespace bantam {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kMinSlabBytes = size_t{8} << 20;

}  // namespace

std::string_view name_of(Part part) {
  static constexpr std::array<std::string_view, kParts> kNames = {"embedding",  "norms",         "q, k, v", "rotation",
                                                                  "attention",  "attention out", "sums",    "gate, up",
                                                                  "activation", "down",          "head"};
  return kNames[static_cast<size_t>(part)];
}

std::byte* Arena::take(size_t bytes) {
  bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  while (at_.slab < slabs_.size() && at_.used + bytes > slabs_[at_.slab].size()) at_ = {at_.slab + 1, 0};
  if (at_.slab == slabs_.size()) {
    slabs_.emplace_back(std::max({bytes, kMinSlabBytes, capacity() / 2}));
  }
  std::byte* start = slabs_[at_.slab].data() + at_.used;
  at_.used += bytes;
  return start;
}

size_t Arena::capacity() const {
  size_t total = 0;
  for (const PageBuffer& slab : slabs_) total += slab.size();
  return total;
}

void Tape::backward() {
  while (!steps_.empty()) {
    steps_.back()();
    steps_.pop_back();
  }
}

Tensor Run::make(int rows, int cols, Gradient gradient) {
  Tensor t{nullptr, nullptr, rows, cols};
  t.data = scratch<real>(t.size());
  if (!recording()) return t;
  if (gradient == Gradient::in_place) {
    t.grad = t.data;
    return t;
  }
  t.grad = scratch<real>(t.size());
  pool().parallel_for(rows, std::max(1, (1 << 16) / cols), [&](int64_t begin, int64_t end) {
    std::fill(t.grad_row(static_cast<int>(begin)), t.grad_row(static_cast<int>(end)), real{0});
  });
  return t;
}

}  // namespace bantam
