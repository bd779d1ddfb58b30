// Continues one prompt and waits for the end. Used by the command line.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace bantam {

struct Generation {
  std::vector<int32_t> tokens;  // as sampled, without the token that ended the text
  std::string text;             // all pieces together
  FinishReason finish = FinishReason::cancelled;
  Usage usage;
};

struct GenerateEvents {
  std::function<void(std::string_view piece)> on_text = nullptr;  // whole UTF-8 characters
  std::function<bool()> cancelled = nullptr;                      // asked several times a second
};

// Streams the continuation of request.prompt. Throws as Engine::submit(), and Error when the request failed.
Generation generate(Engine& engine, Request request, const GenerateEvents& events = {});

}  // namespace bantam
