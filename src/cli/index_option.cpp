#include "cli/index_option.h"

#include "base/error.h"
#include "cli/data_folder.h"

namespace bantam {

void add_index_option(CLI::App& command, std::string& index) {
  command.add_option("--index", index, "the index file (default: library.index in ~/.local/share/bantam)");
}

std::filesystem::path index_path(const std::string& index) {
  if (!index.empty()) return index;
  if (const auto folder = find_data_folder()) return *folder / "library.index";
  throw UsageError("there is no home folder for the index; name it with --index FILE");
}

}  // namespace bantam
