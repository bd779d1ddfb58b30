// What Ollama's routes share. Include it from .cpp files only.
#pragma once

#include <string>

#include "server/call.h"
#include "server/fields.h"

namespace bantam {

// The field "model", or "name" as older clients send. "NAME:latest" is NAME where there is no such name.
std::string ollama_name(const Call& call, const Fields& fields);

// "2026-11-26T12:00:00.000Z"
std::string rfc3339_now();
std::string rfc3339(int64_t unix_s);

}  // namespace bantam
