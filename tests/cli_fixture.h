// Runs the program in a folder of its own, for the tests that see it from outside.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/test_folder.h"
#include "engine/test_text_model.h"

namespace bantam {

struct Result {
  int code;
  std::string out, err;
};

class CliTest : public testing::Test {
 protected:
  CliTest() { write_test_text_model(folder_ / "m.gguf"); }

  // Runs `bantam ARGUMENTS` in the test's folder through the shell.
  Result bantam(const std::string& arguments, const std::string& input = "") const {
    return shell(fmt::format("{} {} < in", BANTAM_BINARY, arguments), input);
  }

  Result shell(const std::string& command, const std::string& input = "") const {
    write("in", input);
    const std::string line = fmt::format("cd '{}' && {{ {} ; }} > out 2> err", folder_.path().string(), command);
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(folder_ / "out"), read_file(folder_ / "err")};
  }

  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }

  // Bad input: exit code 2, nothing on standard output, one paragraph that names the thing.
  void expect_refusal(const std::string& arguments, const std::string& reason) const {
    const Result result = bantam(arguments);
    EXPECT_EQ(result.code, 2) << arguments;
    EXPECT_EQ(result.out, "") << arguments;
    EXPECT_THAT(result.err, testing::AllOf(testing::StartsWith("bantam: "), testing::HasSubstr(reason))) << arguments;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << arguments << "\n" << result.err;
  }

  TestFolder folder_;
};

}  // namespace bantam
