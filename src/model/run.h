// Where activations live during one forward pass, and what the backward pass must remember.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/page_buffer.h"
#include "base/thread_pool.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

namespace bantam {

// Told of each product x[T, cols] * w^T before it is computed.
using LinearObserver = std::function<void(const Matrix& w, const Tensor& x)>;

// The parts of a pass that are timed together.
enum class Part : uint8_t { embed, norm, qkv, rope, attention, attention_out, add, up_gate, activation, down, head };
inline constexpr size_t kParts = 11;
std::string_view name_of(Part part);

// Where the time of passes goes, for benchmarks: what passes between two calls of lap() belongs to the part named
// second.
class PartTimes {
 public:
  using Clock = std::chrono::steady_clock;

  void begin() { last_ = Clock::now(); }
  void lap(Part part) {
    const Clock::time_point now = Clock::now();
    seconds_[static_cast<size_t>(part)] += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }
  double seconds(Part part) const { return seconds_[static_cast<size_t>(part)]; }

 private:
  Clock::time_point last_ = Clock::now();
  std::array<double, kParts> seconds_{};
};

// What ops compute with: threads, the kernel table, and the precision of training's dense products.
struct Compute {
  ThreadPool& pool;
  const Kernels& kernels;
  GemmPrecision precision = GemmPrecision::f32;
  const LinearObserver* on_linear = nullptr;  // for calibration
  PartTimes* times = nullptr;                 // for benchmarks
};

// Bump allocator, 64-byte aligned. Memory is reused with mark()/release(); it grows by whole slabs while a first pass
// finds out what it needs, and a pass of the same shape then allocates nothing.
class Arena {
 public:
  struct Mark {
    size_t slab = 0, used = 0;
  };

  std::byte* take(size_t bytes);
  template <class T>
  T* take_array(size_t n) {
    return reinterpret_cast<T*>(take(n * sizeof(T)));
  }
  Mark mark() const { return at_; }
  void release(Mark mark) { at_ = mark; }
  // Bytes held, used or not.
  size_t capacity() const;

 private:
  std::vector<PageBuffer> slabs_;
  Mark at_;
};

// Backward steps in the order their ops ran.
class Tape {
 public:
  void push(std::function<void()> step) { steps_.push_back(std::move(step)); }
  // Runs the steps last to first and forgets them. Gradients are added to, never overwritten.
  void backward();

 private:
  std::vector<std::function<void()>> steps_;
};

// Where a recorded tensor's gradient lives: in zeroed memory of its own, or, once nobody reads the values any more, in
// their place. The last op of a pass saves that way the memory of a second [T, vocab].
enum class Gradient { apart, in_place };

// One forward pass. Without a tape: inference, memory is reused layer by layer. With one: training, activations and
// their zeroed gradients stay until backward() has run and the caller releases the arena. Backward steps use the Run
// they were recorded by, so it must live until then.
class Run {
 public:
  Run(Arena& arena, const Compute& compute, Tape* tape = nullptr) : arena_(arena), compute_(compute), tape_(tape) {}

  Tensor make(int rows, int cols, Gradient gradient = Gradient::apart);
  // Uninitialised scratch of the same lifetime as tensors.
  template <class T>
  T* scratch(size_t n) {
    return arena_.take_array<T>(n);
  }

  template <class F>
  void on_backward(F&& step) {
    if (tape_) tape_->push(std::forward<F>(step));
  }
  bool recording() const { return tape_ != nullptr; }
  // What was computed since the last lap was this part.
  void lap(Part part) const {
    if (compute_.times) compute_.times->lap(part);
  }

  const Compute& compute() const { return compute_; }
  const Kernels& kernels() const { return compute_.kernels; }
  ThreadPool& pool() const { return compute_.pool; }

  // Memory taken inside is dropped at the end of the scope.
  class Temporary {
   public:
    explicit Temporary(Run& run, bool drop = true) : arena_(run.arena_), mark_(run.arena_.mark()), drop_(drop) {}
    ~Temporary() {
      if (drop_) arena_.release(mark_);
    }
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;

   private:
    Arena& arena_;
    Arena::Mark mark_;
    bool drop_;
  };

  // Activations made inside are dropped at the end of the scope, unless recording.
  class Scope : public Temporary {
   public:
    explicit Scope(Run& run) : Temporary(run, !run.recording()) {}
  };

 private:
  Arena& arena_;
  const Compute& compute_;
  Tape* tape_;
};

}  // namespace bantam
