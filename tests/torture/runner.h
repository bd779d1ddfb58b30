// Opens many files in child processes, so that one which crashes or never ends is named and the rest goes on.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "bad_file.h"
#include "door.h"

namespace bantam::torture {

struct Case {
  std::string name;  // of its class
  std::function<BadFile()> make;
  double most_ms = kMostMs;
};

enum class Verdict : uint8_t { not_run, refused, loaded, failed };

struct Result {
  Verdict verdict = Verdict::not_run;
  char reason[400] = {};  // of a failure, else the error's message; cut off
  double cpu_ms = 0;
  size_t peak_bytes = 0;
};

using Progress = std::function<void(size_t done)>;

// Runs the cases in order, with their files in `folder`, where those of failures stay under the number of the case. A
// case fails when it is accepted though it must not be, refused without a typed error that says what it must, takes
// more than door.h allows, or ends the process.
std::vector<Result> run_cases(std::span<const Case> cases, const std::filesystem::path& folder,
                              const Progress& progress = {});

}  // namespace bantam::torture
