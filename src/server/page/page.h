// The page in the browser: what it is made of on the server, and the handlers of its routes (/bantam/...; README.md).
#pragma once

#include <memory>

#include "server/http.h"

namespace bantam {

struct Call;
struct Route;
class PageBundle;

// All outlive the server; null: it has none.
struct PageParts {
  const PageBundle* bundle = nullptr;
};

// page_files.cpp
std::unique_ptr<Job> page_file(Call call);
// Of the files of the page, which need no key; they are in no table because their names come from the build.
const Route& page_file_route();
// A browser that opens "/" wants the page; Ollama's clients want its text.
bool wants_page(const Call& call);

}  // namespace bantam
