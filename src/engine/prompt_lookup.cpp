#include "engine/prompt_lookup.h"

#include <algorithm>

namespace bantam {
namespace {

constexpr size_t kMatch = 3;  // tokens that must have occurred before
constexpr int kMostDrafted = 8, kLongestPause = 1024;
// Fewer of the drafted tokens right than this, and drafting stops for a while.
constexpr double kLeastRate = 0.25;

}  // namespace

std::span<const int32_t> PromptLookup::draft(std::span<const int32_t> tokens, int most) {
  if (pause_ > 0) {
    --pause_;
    return {};
  }
  most = std::min(most, 1 + static_cast<int>(rate_ * (kMostDrafted - 1)));
  if (most <= 0 || tokens.size() <= kMatch) return {};
  const auto last = tokens.last(kMatch);
  for (size_t at = tokens.size() - kMatch; at-- > 0;) {  // the latest occurrence is the likeliest to go on alike
    if (!std::equal(last.begin(), last.end(), tokens.begin() + static_cast<ptrdiff_t>(at))) continue;
    const auto next = tokens.subspan(at + kMatch);
    return next.first(std::min(next.size(), static_cast<size_t>(most)));
  }
  return {};
}

void PromptLookup::observe(int drafted, int accepted) {
  rate_ = 0.75 * rate_ + 0.25 * accepted / drafted;
  if (rate_ >= kLeastRate) {
    if (accepted == drafted) next_pause_ = 16;
    return;
  }
  pause_ = next_pause_;
  next_pause_ = std::min(2 * next_pause_, kLongestPause);
  rate_ = 0.4;
}

}  // namespace bantam
