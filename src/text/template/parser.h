// Reads a chat template: Jinja's grammar as transformers configures it (with break, continue and generation, without
// anything that reads other files).
#pragma once

#include <string_view>

#include "text/template/syntax.h"

namespace bantam::jinja {

// Throws FormatError naming the template, the line, what was found and what was expected.
Body parse_template(std::string_view source, std::string_view template_name);

}  // namespace bantam::jinja
