// JSON schemas (draft 2020-12, what older drafts have in its place, and OpenAPI's "nullable") as parts of a grammar.
// Every text that is written is valid for the schema; some that are valid are not written: other orders of properties,
// properties that a schema with "properties" does not speak of, numbers of very many digits. A keyword that cannot be
// held to is refused, never ignored.
#pragma once

#include "base/json.h"
#include "text/grammar/grammar.h"

namespace bantam {

// Throws UnsupportedError with the keyword's place ("#/properties/age/not"), FormatError for what is no schema.
Grammar::NodeId compile_json_schema(Grammar& grammar, const Json& schema);

}  // namespace bantam
