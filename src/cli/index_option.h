// The --index flag of the commands that work on documents, and where the index is without it.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

namespace bantam {

void add_index_option(CLI::App& command, std::string& index);

// `index`, or when it is empty library.index in bantam's folder of the user's data: $XDG_DATA_HOME/bantam, else
// ~/.local/share/bantam. Throws UsageError when neither variable is set.
std::filesystem::path index_path(const std::string& index);

}  // namespace bantam
