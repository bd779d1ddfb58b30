#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/utf8.h"
#include "cli/terminal.h"

namespace bantam {
namespace {

using namespace std::chrono_literals;

constexpr auto kRedraw = 100ms;
constexpr auto kPlainLine = 5s;
constexpr int kBarCells = 24;

}  // namespace

std::string short_count(double value) {
  constexpr const char* kPrefixes[] = {"", "k", "M", "G", "T"};
  size_t i = 0;
  while (std::abs(value) >= 999.5 && i + 1 < std::size(kPrefixes)) {
    value /= 1000;
    ++i;
  }
  const int decimals = i == 0 && value == std::floor(value) ? 0 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f}{}", value, decimals, kPrefixes[i]);
}

std::string clock_time(double seconds) {
  const auto whole = static_cast<int64_t>(std::clamp(seconds, 0.0, 1e9) + 0.5);
  const int64_t hours = whole / 3600, minutes = whole / 60 % 60;
  return hours > 0 ? fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60)
                   : fmt::format("{}:{:02}", minutes, whole % 60);
}

Progress::Progress(std::string title, double total, std::string unit, double start)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      total_(total),
      start_(start),
      done_(start),
      on_terminal_(stderr_is_terminal()),
      began_(Clock::now()),
      drawn_(on_terminal_ ? Clock::time_point{} : began_) {}

Progress::~Progress() {
  if (bar_shown_) std::fputc('\n', stderr);
}

double Progress::elapsed() const { return std::chrono::duration<double>(Clock::now() - began_).count(); }

double Progress::rate() const { return (done_ - start_) / std::max(elapsed(), 1e-9); }

void Progress::update(double done, std::string_view note) {
  done_ = done;
  const auto now = Clock::now();
  const bool finished = on_terminal_ && done >= total_;
  if (!finished && now - drawn_ < (on_terminal_ ? Clock::duration(kRedraw) : Clock::duration(kPlainLine))) return;
  drawn_ = now;
  if (on_terminal_) {
    fmt::print(stderr, "\r\033[K{}", line(note));
    bar_shown_ = true;
  } else {
    fmt::print(stderr, "{}\n", line(note));
  }
  std::fflush(stderr);
}

void Progress::say(std::string_view text) {
  clear_bar();
  fmt::print(stderr, "{}\n", text);
  if (on_terminal_) drawn_ = {};
}

void Progress::clear_bar() {
  if (bar_shown_) std::fputs("\r\033[K", stderr);
  bar_shown_ = false;
}

std::string Progress::line(std::string_view note) const {
  const double part = total_ > 0 ? std::clamp(done_ / total_, 0.0, 1.0) : 0.0;
  std::string text = title_;
  if (on_terminal_) {
    const int full = static_cast<int>(part * kBarCells);
    text += fmt::format(" [{:=<{}}{: <{}}]", "", full, "", kBarCells - full);
  }
  text += fmt::format(" {:3.0f}%", std::floor(100 * part));
  if (!unit_.empty()) text += fmt::format("  {} {}/s", short_count(rate()), unit_);
  if (done_ > start_ && done_ < total_) text += fmt::format("  {} left", clock_time((total_ - done_) / rate()));
  if (!note.empty()) text += fmt::format("  {}", note);
  const auto columns = static_cast<size_t>(terminal_columns());
  if (on_terminal_ && text.size() >= columns)
    text.resize(whole_utf8_prefix(std::string_view(text).substr(0, columns - 1)));
  return text;
}

}  // namespace bantam
