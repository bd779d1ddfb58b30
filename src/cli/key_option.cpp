#include "cli/key_option.h"

#include "base/error.h"
#include "cli/data_folder.h"

namespace bantam {

void add_keys_option(CLI::App& command, std::string& file) {
  command.add_option("--keys", file, "file of keys and usage (default: server.db in ~/.local/share/bantam)");
}

std::filesystem::path keys_path(const std::string& file) {
  if (!file.empty()) return file;
  if (const auto folder = find_data_folder()) return *folder / "server.db";
  throw UsageError("there is no home folder for the keys; name a file with --keys FILE");
}

}  // namespace bantam
