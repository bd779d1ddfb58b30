// The form an answer must have, and the automaton that holds to it. Used by the server and the command line.
#pragma once

#include <cstdint>
#include <string>

#include "text/grammar/automaton.h"

namespace bantam {

struct AnswerForm {
  enum class Kind : uint8_t { free, json, json_schema, regex, grammar, choice, tool_call };
  Kind kind = Kind::free;
  std::string definition;  // the schema, expression, grammar; a JSON list for choices and tools
};

// `writable`: the characters that the vocabulary can write; all others are left out. Throws UnsupportedError for a form
// that cannot be held to, FormatError for a definition that is none. Not for Kind::free.
Automaton compile_form(const AnswerForm& form, const CharSet& writable = CharSet::all());

}  // namespace bantam
