#include "cli/served_documents.h"

#include <algorithm>

#include "base/error.h"
#include "cli/data_folder.h"
#include "cli/library.h"
#include "cli/reader_option.h"
#include "cli/terminal.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

bool is_named(const std::string& text) { return text.find('=') != std::string::npos && !fs::exists(text); }

std::pair<std::string, std::string> named(const std::string& flag, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    throw UsageError("{} is '{}', wanted NAME=PATH", flag, text);
  return {text.substr(0, equals), text.substr(equals + 1)};
}

Collection opened(const fs::path& index) {
  return {Index::open(index, Index::Mode::read), Index::open(index, Index::Mode::read)};
}

GroundedAnswers::Collections open_collections(const ServedDocumentsOptions& options, const fs::path& library) {
  GroundedAnswers::Collections out;
  out.emplace(GroundedAnswers::kManual, Collection{open_library({}), open_library({})});
  if (!library.empty()) out.emplace(GroundedAnswers::kLibrary, opened(library));
  const auto add = [&](const std::string& flag, const std::string& text, bool folder) {
    const auto [name, path] = named(flag, text);
    LibraryOptions wanted;
    wanted.threads = options.threads;
    if (folder) wanted.docs = {path};
    if (!folder) wanted.index = path;
    open_library(wanted);  // reads what is new
    if (!out.emplace(name, opened(library_path(wanted))).second)
      throw UsageError("{}: the name '{}' is taken", flag, name);
  };
  for (const std::string& text : options.docs) {
    if (is_named(text)) add("--docs", text, true);
  }
  for (const std::string& text : options.indexes) add("--index", text, false);
  return out;
}

// The documents of the page. Without a folder of the user's data there are none; while another process has them they
// are read as they are.
std::unique_ptr<DocumentLibrary> open_page_library(const ServedDocumentsOptions& options) {
  const auto data = find_data_folder();
  DocumentLibraryOptions wanted;
  for (const std::string& text : options.docs) {
    if (!is_named(text)) wanted.allowed.emplace_back(text);
  }
  if (!data && wanted.allowed.empty()) return nullptr;
  if (!data) throw UsageError("--docs FOLDER: there is no home folder for its index; set HOME or XDG_DATA_HOME");
  wanted.folder = *data / "documents";
  const bool needed = !wanted.allowed.empty();
  wanted.threads = std::max(1, options.threads / 2);  // answers go on meanwhile
  try {
    return std::make_unique<DocumentLibrary>(std::move(wanted));
  } catch (const IoError& error) {
    if (needed) throw;
    notice(fmt::format("{}; the page takes no documents", error.what()));
    return nullptr;
  }
}

// The index of the page's documents, also when another process has them; empty where there is none.
fs::path page_index(const DocumentLibrary* library) {
  if (library) return library->index_path();
  const auto data = find_data_folder();
  const fs::path path = data ? *data / "documents/documents.index" : fs::path();
  return !path.empty() && fs::exists(path) ? path : fs::path();
}

}  // namespace

ServedDocuments::ServedDocuments(const ServedDocumentsOptions& options)
    : reader_(open_reader({.model = {}, .threads = options.threads})), library_(open_page_library(options)) {
  answers_.emplace(open_collections(options, page_index(library_.get())), reading_with(reader_));
}

}  // namespace bantam
