#include "server/page/load_meter.h"

namespace bantam {
namespace {

constexpr auto kWindow = std::chrono::seconds(5);
constexpr auto kLeast = std::chrono::milliseconds(200);  // between two samples: several pages may ask at once

}  // namespace

double LoadMeter::rate(uint64_t tokens, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  // A model that was unloaded has taken its counts along.
  if (!samples_.empty() && tokens < samples_.back().tokens) samples_.clear();
  while (samples_.size() > 1 && now - samples_.front().at > kWindow) samples_.pop_front();
  const bool first = samples_.empty();
  const double seconds = first ? 0 : std::chrono::duration<double>(now - samples_.front().at).count();
  const double made = first ? 0 : static_cast<double>(tokens - samples_.front().tokens);
  if (first || now - samples_.back().at >= kLeast) samples_.push_back({now, tokens});
  return seconds > 0 ? made / seconds : 0;
}

}  // namespace bantam
