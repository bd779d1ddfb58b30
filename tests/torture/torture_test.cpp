// Each class of bad files once, and the valid files they are made from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/test_folder.h"
#include "base_files.h"
#include "runner.h"

namespace bantam::torture {
namespace {

// These tests may run on a slow machine and beside others; `make torture` holds to the limit itself.
constexpr double kPatientMs = 5 * kMostMs;

TEST(Torture, valid_files_load_and_run_within_the_limits) {
  std::vector<Case> cases;
  for (const auto& [name, files] : all_base_files())
    cases.push_back({name, [files] { return BadFile{files}; }, kPatientMs});
  const TestFolder folder;
  const std::vector<Result> results = run_cases(cases, folder.path());
  for (size_t i = 0; i < cases.size(); ++i) EXPECT_STREQ(results[i].reason, "accepted") << cases[i].name;
}

TEST(Torture, there_are_120_classes_with_names_of_their_own) {
  std::set<std::string> names;
  for (const BadClass& bad : all_classes()) EXPECT_TRUE(names.insert(bad.name).second) << bad.name;
  EXPECT_GE(names.size(), 120u);
}

// The first and the last file of each class; `make torture` opens all of them.
TEST(Torture, every_class_is_refused_by_name_soon_and_in_little_memory) {
  std::vector<Case> cases;
  for (const BadClass& bad : all_classes()) {
    cases.push_back({bad.name, [bad] { return files_of(bad).front(); }, kPatientMs});
    cases.push_back({bad.name, [bad] { return files_of(bad).back(); }, kPatientMs});
  }
  const TestFolder folder;
  const std::vector<Result> results = run_cases(cases, folder.path());
  for (size_t i = 0; i < cases.size(); ++i) {
    EXPECT_NE(results[i].verdict, Verdict::failed) << cases[i].name << ": " << results[i].reason;
    EXPECT_NE(results[i].verdict, Verdict::not_run) << cases[i].name;
  }
}

}  // namespace
}  // namespace bantam::torture
