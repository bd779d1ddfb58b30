// What a chat template may use: it comes with a model file, so nobody has read it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/error.h"

namespace bantam::jinja {

// Why rendering stopped. Internal: ChatTemplate::render() adds the template's name and line and throws the public type.
class Fault : public Error {
 public:
  enum class Kind : uint8_t { error, limit, refusal };

  template <class... Args>
  explicit Fault(fmt::format_string<Args...> format, Args&&... args) : Error(format, std::forward<Args>(args)...) {}
  template <class... Args>
  Fault(Kind kind, fmt::format_string<Args...> format, Args&&... args)
      : Error(format, std::forward<Args>(args)...), kind_(kind) {}

  Kind kind() const { return kind_; }

 private:
  Kind kind_ = Kind::error;
};

// Counts down as a template runs. Every operation pays before it works or allocates, so what is left bounds both the
// time and the memory that rendering can still take.
class Budget {
 public:
  // `context_bytes`: the size of what is rendered; long conversations may cost more.
  explicit Budget(size_t context_bytes)
      : steps_(kSteps + kStepsPerByte * static_cast<int64_t>(context_bytes)),
        bytes_(kBytes + kBytesPerByte * static_cast<int64_t>(context_bytes)) {}

  // `count` expressions, statements, or elements looked at.
  void step(size_t count = 1) {
    steps_ -= static_cast<int64_t>(count);
    if (steps_ < 0) throw Fault(Fault::Kind::limit, "the template takes too many steps; does it loop without an end?");
  }

  // `count` bytes made or scanned, summed over the whole run and never given back.
  void bytes(size_t count) {
    if (count > static_cast<size_t>(bytes_)) {
      throw Fault(Fault::Kind::limit, "the template makes too much text; does it print without an end?");
    }
    bytes_ -= static_cast<int64_t>(count);
  }

  // One level of nested evaluation.
  class Level {
   public:
    explicit Level(Budget& budget) : budget_(budget) {
      if (++budget_.depth_ > kDepth) {
        throw Fault(Fault::Kind::limit,
                    "the template nests deeper than {} levels; does a macro call itself without an end?", kDepth);
      }
    }
    ~Level() { --budget_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Budget& budget_;
  };

 private:
  // 150,000 steps and 4 MiB take less than 100 ms under the sanitizers; the largest template of a known model takes
  // 10,000 steps for a conversation of ten messages.
  static constexpr int64_t kSteps = 150'000, kStepsPerByte = 16;
  static constexpr int64_t kBytes = int64_t{4} << 20, kBytesPerByte = 64;
  static constexpr int kDepth = 600;

  int64_t steps_, bytes_;
  int depth_ = 0;
};

}  // namespace bantam::jinja
