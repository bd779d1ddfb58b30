// What a request of one of the APIs can get instead of an answer, and how each API says it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/http.h"

namespace bantam {

// Whose names, paths and error bodies a route speaks.
enum class Dialect : uint8_t { openai, azure, ollama, anthropic };

struct ApiError : Error {
  ApiError(int http_status, std::string error_code, std::string parameter, const std::string& text)
      : Error("{}", text), status(http_status), code(std::move(error_code)), param(std::move(parameter)) {}

  int status;
  std::string code;        // a word for programs, as OpenAI's API has them; may be empty
  std::string param;       // the field at fault: "messages[0].content"; may be empty
  int retry_after_ms = 0;  // when another try may succeed; 0: not known
};

// 400 for a field.
template <class... Args>
ApiError bad_field(std::string_view field, fmt::format_string<Args...> format, Args&&... args) {
  return ApiError(400, "invalid_value", std::string(field),
                  fmt::format("{}: {}", field, fmt::format(format, std::forward<Args>(args)...)));
}

// 400 for what is well formed and asks for what this build does not do.
ApiError not_supported(std::string_view field, std::string_view what);

HttpResponse error_response(const ApiError& error, Dialect dialect);
// The object alone, for the event of a stream that fails.
std::string error_json(const ApiError& error, Dialect dialect);

}  // namespace bantam
