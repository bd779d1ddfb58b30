// Parsing in a child process that can do nothing but compute: what a broken or hostile file does there stays there.
#pragma once

#include <string>
#include <string_view>

#include "retrieval/document.h"
#include "retrieval/parse.h"

namespace bantam {

// The first argument by which a program becomes that child: its main() then returns run_parse_child(argc, argv).
inline constexpr std::string_view kParseCommand = "__parse";

// Parses the regular file open at `fd`, from its first byte, in a new child that options.child names. A child serves
// one document, so no document sees another's. Throws as parse_document() does: whatever happens to the child is a
// typed error for this document. What it returns comes from outside: check_document() it.
Document parse_in_child(DocumentFormat format, int fd, const std::string& name, const ParseOptions& options);

// The child: reads the file from standard input, gives up every right but computing (see enter_sandbox()), parses, and
// writes the document or the error to standard output. For PDF it becomes pdftotext, which keeps the same limits.
// argv is {program, "__parse", what parse_in_child() passes...}. Returns an exit code.
int run_parse_child(int argc, char** argv);

}  // namespace bantam
