// Citations as programs read them: of `bantam ask --json` and of grounded chat. For .cpp files only, as JSON is.
#pragma once

#include "base/json.h"
#include "retrieval/answer.h"

namespace bantam {

// An array, best first. Offsets are bytes of the file's extracted text; page and answer are null where there is none.
Json citations_json(const Answer& answer);

}  // namespace bantam
