#include "engine/stream.h"

#include <cassert>

namespace bantam {

EventQueue::EventQueue(size_t capacity, std::function<void()> on_event, std::function<void()> on_room)
    : capacity_(capacity), on_event_(std::move(on_event)), on_room_(std::move(on_room)) {}

bool EventQueue::full() const {
  const std::lock_guard lock(mutex_);
  return events_.size() >= capacity_;
}

bool EventQueue::push(Event event) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    assert(!ended_);
    first = events_.empty();
    ended_ = !std::holds_alternative<TextEvent>(event);
    events_.push_back(std::move(event));
  }
  ready_.notify_one();
  return first && on_event_;
}

void EventQueue::announce() const {
  if (on_event_) on_event_();
}

std::optional<Event> EventQueue::try_next() { return take(std::unique_lock(mutex_)); }

std::optional<Event> EventQueue::next(std::optional<Clock::time_point> until) {
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return !events_.empty() || ended_; };
  if (until) {
    ready_.wait_until(lock, *until, ready);
  } else {
    ready_.wait(lock, ready);
  }
  return take(std::move(lock));
}

std::optional<Event> EventQueue::take(std::unique_lock<std::mutex> lock) {
  if (events_.empty()) return std::nullopt;
  const bool was_full = events_.size() >= capacity_;
  Event event = std::move(events_.front());
  events_.pop_front();
  const bool wake = was_full && !ended_;  // what ended needs no room, and its engine may be gone
  lock.unlock();
  if (wake) on_room_();
  return event;
}

bool EventQueue::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

Stream::Stream(uint64_t id, std::shared_ptr<EventQueue> events, std::function<void(uint64_t)> cancel)
    : id_(id), events_(std::move(events)), cancel_(std::move(cancel)) {}

Stream::~Stream() {
  if (events_) cancel();
}

Stream& Stream::operator=(Stream&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(events_, other.events_);
  std::swap(cancel_, other.cancel_);
  return *this;
}

void Stream::cancel() const {
  if (!events_->ended()) cancel_(id_);
}

}  // namespace bantam
