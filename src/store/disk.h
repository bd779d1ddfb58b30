// Room on the disk, asked for before bytes are fetched or copied.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace bantam {

// "2.39 GB", "812 kB": three digits, decimal units.
std::string size_text(uint64_t bytes);

// Throws IoError with both numbers unless the file system of `folder` has `bytes` free.
void require_space(const std::filesystem::path& folder, uint64_t bytes);

// Bytes of disk a file takes, which are fewer than its size where nothing has been written; 0 when there is no file.
uint64_t allocated_bytes(const std::filesystem::path& file);

}  // namespace bantam
