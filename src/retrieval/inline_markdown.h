// The marks inside a paragraph of Markdown: links, emphasis, code spans, tags.
#pragma once

#include <string>
#include <string_view>

namespace bantam {

// A paragraph as it is shown: links and images are their texts, emphasis, code spans and escapes lose their marks, HTML
// tags go. Line ends become spaces; those left are hard ones. Linear time for any text.
std::string without_markup(std::string_view paragraph);

}  // namespace bantam
