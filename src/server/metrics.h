// What a running server counts, and the same as text for Prometheus.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "server/backend.h"
#include "server/prices.h"

namespace bantam {

class Histogram {
 public:
  static constexpr std::array kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                         0.25,  0.5,    1.0,   2.5,  5.0,   10.0, 30.0};

  void add(double seconds);
  // The lines of one metric; `labels` without braces.
  std::string text(const std::string& name, const std::string& labels) const;

 private:
  std::array<uint64_t, kBounds.size() + 1> counts_{};
  double sum_ = 0;
};

// May be used by several threads.
class Metrics {
 public:
  void add_response(const std::string& route, int status, double seconds);
  void add_first_token(const std::string& model, double seconds);
  void add_next_token(const std::string& model, double seconds);
  void add_tokens(const std::string& model, const TokenCounts& tokens);

  struct Gauges {
    uint64_t connections = 0, connections_total = 0, clients_gone = 0, timed_out = 0;
  };
  // The text format of Prometheus, version 0.0.4.
  std::string text(const BackendStats& backend, const Gauges& gauges) const;

 private:
  struct OfModel {
    Histogram first_token, next_token;
    TokenCounts tokens;
  };

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, uint64_t> responses_;  // by route and status
  Histogram seconds_;
  std::map<std::string, OfModel> models_;
};

}  // namespace bantam
