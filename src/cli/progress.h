// How long commands say how far they are, on standard error: a bar on a terminal, otherwise a plain line now and then.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace bantam {

// "12.3k", "4.56M": three digits and a decimal prefix.
std::string short_count(double value);

// "2:05:09" or "3:07": hours, minutes, seconds.
std::string clock_time(double seconds);

class Progress {
 public:
  // `total` counts `unit`s ("tokens", "MB"; "" shows no rate); work begins at `start`, which is above 0 after a resume.
  Progress(std::string title, double total, std::string unit, double start = 0);
  // Ends the bar's line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Call as often as you like: draws ten times a second on a terminal, prints every five seconds otherwise. `note` is
  // shown last ("loss 2.31"). `total` may move, for work bounded by time.
  void update(double done, std::string_view note = {});
  void set_total(double total) { total_ = total; }
  // A line of its own above the bar ("step 500: 1.92 bits/byte").
  void say(std::string_view line);

  // Units per second and seconds since construction.
  double rate() const;
  double elapsed() const;

 private:
  std::string line(std::string_view note) const;
  void clear_bar();

  using Clock = std::chrono::steady_clock;
  std::string title_, unit_;
  double total_, start_, done_;
  bool on_terminal_, bar_shown_ = false;
  Clock::time_point began_, drawn_;
};

}  // namespace bantam
