// Small PDF and DOCX files, made in memory for tests.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bantam {

// A PDF file of one page per text; lines are set in Helvetica, one below the other. `trailer_extra` goes into the
// trailer's dictionary.
std::string make_pdf(const std::vector<std::vector<std::string>>& pages, std::string_view trailer_extra = "");

// A ZIP file of these members (name, contents), deflated.
std::string make_zip(const std::vector<std::pair<std::string, std::string>>& members);

// A DOCX file with this XML in its body.
std::string make_docx(std::string_view body_xml);

}  // namespace bantam
