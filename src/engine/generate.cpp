#include "engine/generate.h"

#include "base/error.h"

namespace bantam {
namespace {

constexpr std::chrono::milliseconds kAskEvery{50};

// Takes in what an event says; true when it is the last one.
bool take(const Event& event, const GenerateEvents& events, Generation& result) {
  if (const auto* error = std::get_if<ErrorEvent>(&event)) throw Error("{}", error->message);
  if (const auto* finish = std::get_if<FinishEvent>(&event)) {
    result.finish = finish->reason;
    result.usage = finish->usage;
    return true;
  }
  const auto& text = std::get<TextEvent>(event);
  for (const SampledToken& sampled : text.tokens) result.tokens.push_back(sampled.token);
  result.text += text.text;
  if (events.on_text && !text.text.empty()) events.on_text(text.text);
  return false;
}

}  // namespace

Generation generate(Engine& engine, Request request, const GenerateEvents& events) {
  Generation result;
  if (events.cancelled && events.cancelled()) return result;
  Stream stream = engine.submit(std::move(request));
  while (true) {
    std::optional<Event> event;
    if (events.cancelled) {
      event = stream.next(Clock::now() + kAskEvery);
      if (events.cancelled()) stream.cancel();
    } else {
      event = stream.next();
    }
    if (event && take(*event, events, result)) return result;
  }
}

}  // namespace bantam
