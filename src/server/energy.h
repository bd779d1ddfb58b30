// The electricity that requests take, as far as the machine's counters can be read (RAPL: the processor's packages).
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

namespace bantam {

// Joules so far, or nothing where they cannot be read. Never decreases.
using EnergyCounter = std::function<std::optional<double>()>;

// Of `root`/class/powercap/intel-rapl:N/energy_uj, all N together; the counters' wrap-around is taken care of. Linux
// lets only root read them unless it is told otherwise.
EnergyCounter rapl_counter(const std::filesystem::path& root = "/sys");

// Shares what is used while requests run equally among those that run at the time; what is used between requests
// belongs to none. The difference of two results of one request, at its end and its beginning, is its share.
class EnergyMeter {
 public:
  explicit EnergyMeter(EnergyCounter counter) : counter_(std::move(counter)) {}
  double begin();
  std::optional<double> end();

 private:
  bool advance();

  EnergyCounter counter_;
  double last_ = 0, per_request_ = 0;  // joules: at the last look; of a request that has run all the time
  int running_ = 0;
};

}  // namespace bantam
