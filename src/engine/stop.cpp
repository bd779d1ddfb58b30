#include "engine/stop.h"

#include <algorithm>

#include "base/error.h"

namespace bantam {

StopMatcher::StopMatcher(std::vector<std::string> stops) {
  for (std::string& text : stops) {
    if (text.empty()) throw UsageError("a stop string is empty, expected at least one character");
    Pattern pattern{std::move(text), {0, 0}};
    for (size_t i = 1; i < pattern.text.size(); ++i) {
      size_t n = pattern.fallback[i];
      while (n > 0 && pattern.text[i] != pattern.text[n]) n = pattern.fallback[n];
      pattern.fallback.push_back(pattern.text[i] == pattern.text[n] ? n + 1 : 0);
    }
    patterns_.push_back(std::move(pattern));
  }
}

void StopMatcher::Pattern::advance(char c) {
  while (matched > 0 && c != text[matched]) matched = fallback[matched];
  if (c == text[matched]) ++matched;
}

bool StopMatcher::push(std::string_view piece, std::string& out) {
  for (const char c : piece) {
    held_ += c;
    for (Pattern& pattern : patterns_) {
      pattern.advance(c);
      if (pattern.matched == pattern.text.size() && pattern.matched > found_.size()) found_ = pattern.text;
    }
    if (!found_.empty()) {
      out.append(held_, 0, held_.size() - found_.size());
      held_.clear();
      return true;
    }
  }
  size_t open = 0;
  for (const Pattern& pattern : patterns_) open = std::max(open, pattern.matched);
  out.append(held_, 0, held_.size() - open);
  held_.erase(0, held_.size() - open);
  return false;
}

void StopMatcher::finish(std::string& out) {
  out += held_;
  held_.clear();
}

}  // namespace bantam
