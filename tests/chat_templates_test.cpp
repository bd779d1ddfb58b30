// Chat templates against Python's jinja2: recorded results, and where jinja2 is installed generated ones.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "text/template.h"

namespace bantam {
namespace {

const std::string kFolder = std::string(BANTAM_SOURCE_DIR) + "/tests/data/templates";

// The clock of jinja_cases.py.
std::tm sunday_morning() {
  std::tm now{};
  now.tm_year = 126;
  now.tm_mon = 6;
  now.tm_mday = 26;
  now.tm_hour = 9;
  now.tm_min = 5;
  now.tm_sec = 3;
  now.tm_isdst = -1;
  std::mktime(&now);
  return now;
}

struct Outcome {
  std::string text, error, message;
};

Outcome outcome_of(const std::string& source, const std::string& context) {
  try {
    const ChatTemplate chat_template(source, "template");
    return {
        chat_template.render(TemplateValue::from_json(context, "context", TextOrigin::outside), sunday_morning()).text,
        "", ""};
  } catch (const TemplateRefusal& refusal) {
    return {"", "refusal", refusal.what()};
  } catch (const TemplateLimitError& limit) {
    return {"", "limit", limit.what()};
  } catch (const Error& error) {
    return {"", "error", error.what()};
  }
}

// Compares with what jinja2 said; `line` as jinja_cases.py prints it.
void check_case(std::string_view line, const std::string& folder) {
  const Json expected = parse_json(line, "case");
  const std::string context = expected["context"].dump();
  std::string source = expected.value("source", ""), what = source;
  if (expected.contains("file")) {
    what = expected["file"].get<std::string>();
    source = read_file(folder + "/" + what);
    what += " " + context;
  }
  const Outcome outcome = outcome_of(source, context);
  if (expected.contains("text")) {
    EXPECT_EQ(outcome.error, "") << what << "\nwe say: " << outcome.message << "\njinja2: " << expected["text"];
    if (outcome.error.empty()) {
      EXPECT_EQ(outcome.text, expected["text"].get<std::string>()) << what;
    }
  } else if (expected["error"] == "refusal") {
    EXPECT_EQ(outcome.error, "refusal") << what << "\nwe say: " << outcome.message << outcome.text;
    EXPECT_EQ(outcome.message, expected["message"].get<std::string>()) << what;
  } else {
    EXPECT_EQ(outcome.error, "error") << what << "\nwe say: " << outcome.message << outcome.text
                                      << "\njinja2: " << expected["error"] << expected["message"];
  }
}

int check_lines(std::string_view lines, const std::string& folder) {
  int count = 0;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    if (end > 0) check_case(lines.substr(0, end), folder);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    ++count;
  }
  return count;
}

TEST(ChatTemplates, print_what_jinja2_printed) {
  const std::string goldens = read_file(kFolder + "/goldens.jsonl");
  EXPECT_GE(check_lines(goldens, kFolder), 100);
}

// BANTAM_TEMPLATE_DIR names another folder of templates, BANTAM_TEMPLATE_SEED another beginning.
TEST(ChatTemplates, print_what_jinja2_prints_for_generated_conversations_and_templates) {
  const char* const other = std::getenv("BANTAM_TEMPLATE_DIR");
  const char* const seed = std::getenv("BANTAM_TEMPLATE_SEED");
  const std::string folder = other ? other : kFolder;
  const std::string command =
      fmt::format("/usr/bin/python3 '{}/jinja_cases.py' random {} '{}'", kFolder, seed ? seed : "1", folder);
  FILE* const pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string lines;
  char buffer[65536];
  for (size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) lines.append(buffer, n);
  const int status = pclose(pipe);
  if (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127) GTEST_SKIP() << "skipped: needs python3-jinja2";
  ASSERT_EQ(status, 0);
  EXPECT_GE(check_lines(lines, folder), 2000);
}

}  // namespace
}  // namespace bantam
