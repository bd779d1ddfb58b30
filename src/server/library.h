// The models kept on this machine, as the routes that change them see it. Behind it is src/store.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace bantam {

struct PullProgress {
  uint64_t done = 0, total = 0;  // bytes; total is 0 until it is known
  std::string status;
};

// May be used by several threads. Every function throws what the store does.
class ModelLibrary {
 public:
  virtual ~ModelLibrary() = default;
  // Fetches a model by its alias or source. Takes long: `progress` is called now and then, and may throw to stop.
  virtual void pull(const std::string& source, const std::function<void(const PullProgress&)>& progress) = 0;
  virtual void copy(const std::string& from, const std::string& to) = 0;
  virtual void remove(const std::string& name) = 0;
};

}  // namespace bantam
