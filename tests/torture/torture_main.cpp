// `make torture`: every file of every class, and random changes of valid files, each opened as a user would. Prints how
// it goes and a summary; exit code 1 when a file fails, which is then kept.
// usage: torture FOLDER [COUNT [SEED [CLASS]]]   FOLDER: where files of failures go; CLASS: a part of names of classes
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base_files.h"
#include "mutate.h"
#include "runner.h"

namespace {

using namespace bantam;
using namespace bantam::torture;

std::vector<Case> cases_of_classes(const std::string& part) {
  std::vector<Case> cases;
  for (const BadClass& bad : all_classes()) {
    if (bad.name.find(part) == std::string::npos) continue;
    const size_t count = files_of(bad).size();
    for (size_t i = 0; i < count; ++i) {
      cases.push_back({bad.name, [bad, i] { return files_of(bad)[i]; }});
    }
  }
  return cases;
}

void add_mutations(std::vector<Case>& cases, size_t count, uint64_t seed, const std::string& part) {
  const auto base = std::make_shared<const std::vector<std::pair<std::string, Files>>>(all_base_files());
  for (uint64_t i = 0; cases.size() < count; ++i) {
    const size_t which = i % base->size();
    const std::string name = fmt::format("random changes: {}", (*base)[which].first);
    if (name.find(part) == std::string::npos) {
      if (i >= base->size() && cases.empty()) return;
      continue;
    }
    cases.push_back({name, [=] {
                       Rng rng(seed * 1'000'003 + i);
                       return BadFile{mutated((*base)[which].second, rng), "", Expect::either};
                     }});
  }
}

struct Summary {
  size_t files = 0, refused = 0, loaded = 0, failed = 0, most_bytes = 0;
  double most_ms = 0;

  void add(const Result& result) {
    ++files;
    refused += result.verdict == Verdict::refused;
    loaded += result.verdict == Verdict::loaded;
    failed += result.verdict == Verdict::failed || result.verdict == Verdict::not_run;
    most_ms = std::max(most_ms, result.cpu_ms);
    most_bytes = std::max(most_bytes, result.peak_bytes);
  }
  void print(const std::string& name) const {
    fmt::print("{:7} {:7} {:7} {:6} {:8.1f} {:8.1f}  {}\n", files, refused, loaded, failed, most_ms,
               static_cast<double>(most_bytes) / (1 << 20), name);
  }
};

void print_summary(const std::vector<Case>& cases, const std::vector<Result>& results) {
  std::map<std::string, Summary> by_class;
  Summary all;
  for (size_t i = 0; i < cases.size(); ++i) {
    by_class[cases[i].name].add(results[i]);
    all.add(results[i]);
  }
  fmt::print("\n{:>7} {:>7} {:>7} {:>6} {:>8} {:>8}  class\n", "files", "refused", "loaded", "failed", "most ms",
             "most MiB");
  for (const auto& [name, summary] : by_class) summary.print(name);
  all.print(fmt::format("all {} classes", by_class.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: torture FOLDER [COUNT [SEED [CLASS]]]\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  const size_t count = argc > 2 ? std::stoull(argv[2]) : 12'000;
  const uint64_t seed = argc > 3 ? std::stoull(argv[3]) : 1;
  const std::string part = argc > 4 ? argv[4] : "";
  std::filesystem::create_directories(folder);

  std::vector<Case> cases = cases_of_classes(part);
  add_mutations(cases, count, seed, part);
  fmt::print("{} files, seed {}\n", cases.size(), seed);
  const std::vector<Result> results = run_cases(cases, folder, [&](size_t done) {
    fmt::print("\r{} of {}", done, cases.size());
    std::fflush(stdout);
  });
  print_summary(cases, results);

  size_t failed = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    if (results[i].verdict == Verdict::refused || results[i].verdict == Verdict::loaded) continue;
    ++failed;
    fmt::print("FAILED {:06} {}: {}\n", i, cases[i].name, results[i].reason);
  }
  if (failed > 0) fmt::print("{} files failed; they are kept in {}\n", failed, folder.string());
  return failed > 0 ? 1 : 0;
}
