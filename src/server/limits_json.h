// A key's limits as the command line and the page show them. Include it from .cpp files only.
#pragma once

#include "base/json.h"
#include "server/quota.h"

namespace bantam {

inline Json limits_json(const Limits& l) {
  return {{"requests_per_minute", l.requests_per_minute},
          {"tokens_per_minute", l.tokens_per_minute},
          {"requests_per_day", l.requests_per_day},
          {"tokens_per_day", l.tokens_per_day},
          {"concurrent", l.concurrent},
          {"budget_month", static_cast<double>(l.budget_nano) / 1e9}};
}

}  // namespace bantam
