#include "cli/index_option.h"

#include <cstdlib>

#include "base/error.h"

namespace bantam {

void add_index_option(CLI::App& command, std::string& index) {
  command.add_option("--index", index, "the index file (default: library.index in ~/.local/share/bantam)");
}

std::filesystem::path index_path(const std::string& index) {
  if (!index.empty()) return index;
  const char* data = std::getenv("XDG_DATA_HOME");
  if (data != nullptr && *data == '/') return std::filesystem::path(data) / "bantam/library.index";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0')
    throw UsageError("there is no home folder for the index; name it with --index FILE");
  return std::filesystem::path(home) / ".local/share/bantam/library.index";
}

}  // namespace bantam
