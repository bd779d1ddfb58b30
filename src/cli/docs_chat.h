// A conversation about documents: what `bantam chat` is without a language model.
#pragma once

#include <optional>
#include <string>

#include "cli/library.h"
#include "cli/reader_option.h"

namespace bantam {

struct DocsChatOptions {
  LibraryOptions library;
  ReaderOptions reader;
  std::optional<std::string> once;  // answer this and end
};

// On a terminal with line editing, otherwise a question a line. Throws as open_library() and open_reader().
void chat_about_documents(const DocsChatOptions& options);

}  // namespace bantam
