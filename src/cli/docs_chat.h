// A conversation about documents: what `bantam chat` is unless it is one with a language model alone.
#pragma once

#include <memory>
#include <string>

#include "cli/library.h"
#include "cli/reader_option.h"
#include "cli/writer_option.h"

namespace bantam {

struct DocsChatOptions {
  LibraryOptions library;
  ReaderOptions reader;
  WriterOptions writer;
  std::optional<std::string> once;  // answer this and end
};

// On a terminal with line editing, otherwise a question a line. Throws as open_library() and open_reader().
void chat_about_documents(const DocsChatOptions& options);

}  // namespace bantam
