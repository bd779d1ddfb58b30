#include "server/energy.h"

#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace bantam {
namespace {

struct Domain {
  std::filesystem::path file;
  double range = 0, last = 0, total = 0;  // microjoules: where the counter begins anew; at the last look; so far
};

std::optional<double> read_number(const std::filesystem::path& path) {
  std::ifstream file(path);
  double value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

std::vector<Domain> find_domains(const std::filesystem::path& root) {
  std::vector<Domain> found;
  for (int n = 0;; ++n) {
    const std::filesystem::path folder = root / "class" / "powercap" / ("intel-rapl:" + std::to_string(n));
    const auto now = read_number(folder / "energy_uj"), range = read_number(folder / "max_energy_range_uj");
    if (!now || !range) return found;
    found.push_back({folder / "energy_uj", *range, *now, 0});
  }
}

}  // namespace

EnergyCounter rapl_counter(const std::filesystem::path& root) {
  return [domains = find_domains(root)]() mutable -> std::optional<double> {
    if (domains.empty()) return std::nullopt;
    double joules = 0;
    for (Domain& domain : domains) {
      if (const auto now = read_number(domain.file)) {
        domain.total += *now >= domain.last ? *now - domain.last : *now + domain.range - domain.last;
        domain.last = *now;
      }
      joules += domain.total / 1e6;
    }
    return joules;
  };
}

bool EnergyMeter::advance() {
  const auto now = counter_ ? counter_() : std::nullopt;
  if (!now) return false;
  if (running_ > 0) per_request_ += (*now - last_) / running_;
  last_ = *now;
  return true;
}

double EnergyMeter::begin() {
  advance();
  ++running_;
  return per_request_;
}

std::optional<double> EnergyMeter::end() {
  const bool known = advance();
  --running_;
  if (!known) return std::nullopt;
  return per_request_;
}

}  // namespace bantam
