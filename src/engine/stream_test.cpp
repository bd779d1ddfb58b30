#include "engine/stream.h"

#include <gtest/gtest.h>

#include <thread>

namespace bantam {
namespace {

TEST(EventQueue, events_come_in_order_and_nothing_comes_after_the_last) {
  EventQueue queue(4, {}, [] {});
  queue.push(TextEvent{"a", {}});
  queue.push(FinishEvent{FinishReason::max_tokens, {}, {}});
  EXPECT_TRUE(queue.ended());
  EXPECT_EQ(std::get<TextEvent>(*queue.next()).text, "a");
  EXPECT_EQ(std::get<FinishEvent>(*queue.next()).reason, FinishReason::max_tokens);
  EXPECT_FALSE(queue.next());
}

TEST(EventQueue, a_full_queue_tells_when_there_is_room_and_still_takes_the_last_event) {
  int rooms = 0;
  EventQueue queue(2, {}, [&] { ++rooms; });
  queue.push(TextEvent{"a", {}});
  EXPECT_FALSE(queue.full());
  queue.push(TextEvent{"b", {}});
  EXPECT_TRUE(queue.full());
  queue.try_next();
  EXPECT_EQ(rooms, 1);
  queue.try_next();
  EXPECT_EQ(rooms, 1);
  queue.push(TextEvent{"c", {}});
  queue.push(TextEvent{"d", {}});
  queue.push(ErrorEvent{"e", {}});
  while (queue.try_next()) {
  }
  EXPECT_EQ(rooms, 1) << "what ended needs no room";
}

TEST(EventQueue, its_reader_is_called_when_an_event_comes_to_an_empty_queue) {
  int calls = 0;
  EventQueue queue(
      8, [&] { ++calls; }, [] {});
  EXPECT_TRUE(queue.push(TextEvent{"a", {}}));
  EXPECT_FALSE(queue.push(TextEvent{"b", {}}));
  EXPECT_EQ(calls, 0) << "not before the engine says so";
  queue.announce();
  EXPECT_EQ(calls, 1);
  while (queue.try_next()) {
  }
  EXPECT_TRUE(queue.push(TextEvent{"c", {}}));
}

TEST(EventQueue, a_reader_waits_no_longer_than_it_wants_to) {
  EventQueue queue(1, {}, [] {});
  EXPECT_FALSE(queue.next(Clock::now()));
}

TEST(EventQueue, two_threads_lose_nothing) {
  std::mutex mutex;
  std::condition_variable room;
  bool has_room = false;
  EventQueue queue(3, {}, [&] {
    const std::lock_guard lock(mutex);
    has_room = true;
    room.notify_one();
  });
  std::thread writer([&] {
    for (int i = 0; i < 1000; ++i) {
      std::unique_lock lock(mutex);
      room.wait(lock, [&] { return !queue.full() || std::exchange(has_room, false); });
      lock.unlock();
      if (queue.full()) {
        --i;
        continue;
      }
      queue.push(TextEvent{std::to_string(i), {}});
    }
    queue.push(FinishEvent{FinishReason::cancelled, {}, {}});
  });
  int expected = 0;
  for (auto event = queue.next(); std::holds_alternative<TextEvent>(*event); event = queue.next()) {
    EXPECT_EQ(std::get<TextEvent>(*event).text, std::to_string(expected++));
  }
  EXPECT_EQ(expected, 1000);
  writer.join();
}

TEST(Stream, one_that_is_dropped_before_the_end_cancels_its_request) {
  std::vector<uint64_t> cancelled;
  const auto stream = [&](uint64_t id, bool end) {
    auto queue = std::make_shared<EventQueue>(1, std::function<void()>{}, [] {});
    if (end) queue->push(FinishEvent{FinishReason::cancelled, {}, {}});
    return Stream(id, queue, [&](uint64_t which) { cancelled.push_back(which); });
  };
  {
    Stream first = stream(1, false), second = stream(2, true), third = stream(3, false);
    Stream moved = std::move(first);
  }
  EXPECT_EQ(cancelled, (std::vector<uint64_t>{1, 3}));
}

}  // namespace
}  // namespace bantam
