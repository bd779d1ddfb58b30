// Where the server's keys and its ledger are: the --keys flag of serve, keys and usage.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

namespace bantam {

void add_keys_option(CLI::App& command, std::string& file);

// `file`, or server.db in bantam's folder of the user's data. Throws UsageError where there is no such folder.
std::filesystem::path keys_path(const std::string& file);

}  // namespace bantam
