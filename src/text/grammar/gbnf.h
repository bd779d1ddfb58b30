// Grammars in the notation of llama.cpp (GBNF): `root ::= "yes" | "no"`.
#pragma once

#include <string_view>

#include "text/grammar/grammar.h"

namespace bantam {

// Throws FormatError with line and column, UnsupportedError for what names tokens instead of characters.
Grammar compile_gbnf(std::string_view text);

}  // namespace bantam
