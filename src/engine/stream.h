// The events of one request on their way from the engine's thread to whoever asked.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "engine/request.h"

namespace bantam {

// A bounded queue between two threads. The bound is on text: the last event always finds room.
class EventQueue {
 public:
  // `on_event`: see Request. `on_room` is called by the reader's thread when a full queue got room.
  EventQueue(size_t capacity, std::function<void()> on_event, std::function<void()> on_room);

  // By the engine. push() must not be called on a full queue but with the last event. Its result: whether the reader
  // had taken all there was and has to hear of this one, by announce().
  bool full() const;
  bool push(Event event);
  void announce() const;

  // By the reader. next() waits until there is an event or, given a time, until then; nothing: none came, or the last
  // one was taken before.
  std::optional<Event> try_next();
  std::optional<Event> next(std::optional<Clock::time_point> until = {});

  // True when the last event was pushed.
  bool ended() const;

 private:
  std::optional<Event> take(std::unique_lock<std::mutex> lock);

  const size_t capacity_;
  const std::function<void()> on_event_, on_room_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Event> events_;
  bool ended_ = false;
};

// The reader's end. A stream that is destroyed before its last event cancels its request. It must not outlive the
// engine. Movable, and used by one thread at a time.
class Stream {
 public:
  Stream(uint64_t id, std::shared_ptr<EventQueue> events, std::function<void(uint64_t)> cancel);
  ~Stream();
  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&&) noexcept;

  uint64_t id() const { return id_; }
  // As EventQueue's.
  std::optional<Event> try_next() { return events_->try_next(); }
  std::optional<Event> next(std::optional<Clock::time_point> until = {}) { return events_->next(until); }
  // Ends the request within one step of the engine; its last event says so. Any thread may call it, at any time.
  void cancel() const;

 private:
  uint64_t id_ = 0;
  std::shared_ptr<EventQueue> events_;  // two threads own it; null after a move
  std::function<void(uint64_t)> cancel_;
};

}  // namespace bantam
