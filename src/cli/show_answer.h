// How an answer looks on a terminal, through a pipe, and as JSON.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "retrieval/answer.h"

namespace bantam {

// The answer, the quotes with the answer marked in them, and numbered sources; links where the terminal opens them.
// `question` decides the language of what the program itself says.
std::string answer_text(const Answer& answer, std::string_view question, bool colour);

Json answer_json(const Answer& answer, std::string_view question);

}  // namespace bantam
