// The form an answer must have, and the automaton that holds to it. Used by the server and the command line.
#pragma once

#include <cstdint>
#include <string>

#include "text/grammar/automaton.h"

namespace bantam {

struct AnswerForm {
  // tool_call: the whole answer is one; text_with_calls: free text, with calls between the marks of text/call_marks.h.
  enum class Kind : uint8_t { free, json, json_schema, regex, grammar, choice, tool_call, text_with_calls };
  Kind kind = Kind::free;
  std::string definition;  // the schema, expression, grammar; a JSON list for choices and tools
};

// `writable`: the characters that the vocabulary can write; all others are left out. Throws UnsupportedError for a form
// that cannot be held to, FormatError for a definition that is none. Not for Kind::free; of Kind::text_with_calls what
// follows the mark that begins a call, up to the one that ends it.
Automaton compile_form(const AnswerForm& form, const CharSet& writable = CharSet::all());

}  // namespace bantam
