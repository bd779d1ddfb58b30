// A training run's state in one file that is whole or absent, with the one before it kept beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "train/data_stream.h"
#include "train/schedule.h"

namespace bantam {

// Everything but the large arrays.
struct TrainState {
  std::string recipe;   // as JSON: a resumed run must have the same
  std::string data;     // identities of vocabulary and token files
  int64_t step = 0;     // steps done
  uint64_t tokens = 0;  // trained on so far
  SchedulePlan plan;
  double elapsed_s = 0, step_s = 0;
  std::vector<DataStream::Position> positions;
};

// A named array in memory: saved from, or loaded into.
struct Section {
  std::string name;
  std::span<std::byte> bytes;
};

// Writes `path` after moving nothing: the former checkpoint stays under its name until the new one is on the disk, and
// then as previous_checkpoint(path) (where the file system has hard links). Throws IoError, on a full disk as well; the
// former checkpoint is then as it was.
void save_checkpoint(const std::filesystem::path& path, const TrainState& state, std::span<const Section> sections);

std::filesystem::path previous_checkpoint(const std::filesystem::path& path);

class CheckpointFile {
 public:
  // Checks the whole file. Throws IoError, or FormatError when it is cut short, damaged or of another version.
  explicit CheckpointFile(const std::filesystem::path& path);
  const TrainState& state() const { return state_; }
  // Fills every section. Throws FormatError naming the first that is missing or of another size.
  void read(std::span<const Section> sections) const;

 private:
  std::filesystem::path path_;
  MappedFile file_;
  TrainState state_;
  std::map<std::string, std::span<const std::byte>> sections_;
};

// The newest checkpoint that is whole: `path`, or else the previous one, then `why` says what was wrong with the first.
// Nothing when there is neither file. Throws FormatError when all that exist are damaged.
std::optional<CheckpointFile> open_newest_checkpoint(const std::filesystem::path& path, std::string& why);

}  // namespace bantam
