#include "store/disk.h"

#include <sys/stat.h>

#include <iterator>

#include "base/error.h"

namespace bantam {

std::string size_text(uint64_t bytes) {
  constexpr const char* kUnits[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, kUnits[unit]);
}

void require_space(const std::filesystem::path& folder, uint64_t bytes) {
  std::error_code error;
  const uint64_t available = std::filesystem::space(folder, error).available;
  if (error) throw IoError("{}: its free space cannot be read: {}", folder.string(), error.message());
  if (bytes > available) {
    throw IoError("{}: {} are needed, {} are free; remove files (bantam list, bantam rm) or set XDG_DATA_HOME",
                  folder.string(), size_text(bytes), size_text(available));
  }
}

uint64_t allocated_bytes(const std::filesystem::path& file) {
  struct stat info {};
  return ::stat(file.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_blocks) * 512 : 0;
}

}  // namespace bantam
