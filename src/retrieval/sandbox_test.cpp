#include "retrieval/sandbox.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/error.h"
#include "base/test_folder.h"
#include "retrieval/parse_message.h"
#include "retrieval/sandbox_rules.h"
#include "retrieval/test_documents.h"

namespace bantam {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ParseOptions test_options() {
  ParseOptions options;
  options.child = {BANTAM_PARSE_CHILD, std::string(kParseCommand)};
  return options;
}

Document parse(const std::filesystem::path& path) { return parse_document(path, test_options()); }

std::string refusal(const std::filesystem::path& path, const ParseOptions& options = test_options()) {
  try {
    parse_document(path, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

bool has_pdftotext() { return std::system("pdftotext -v > /dev/null 2>&1") == 0; }

// An odd child that does what a hostile parser might.
ParseOptions shell_child(const char* script) {
  ParseOptions options;
  options.child = {"/bin/sh", "-c", script};
  return options;
}

TEST(ParseInChild, every_foreign_format_gives_the_same_document_as_in_this_process) {
  const TestFolder folder;
  const std::pair<const char*, std::string> files[] = {
      {"a.html", "<title>T</title><h1>One</h1><p>\xC7\xD1\xB1\xDB</p>"},
      {"b.csv", "name,age\nAda,3\n"},
      {"c.json", R"({"title":"T","x":[1,2]})"},
      {"d.docx", make_docx("<w:p><w:r><w:t>Hello</w:t></w:r></w:p>")},
  };
  for (const auto& [name, bytes] : files) {
    const auto path = folder.write(name, bytes);
    const Document here = parse_bytes(*format_of(path), bytes, path.string()), there = parse(path);
    EXPECT_EQ(message_of(there), message_of(here)) << name;
  }
}

TEST(ParseInChild, a_docx_file_reads_as_paragraphs_headings_and_rows) {
  const TestFolder folder;
  const Document document =
      parse(folder.write("farm.docx", make_docx(
                                          R"(<w:p><w:pPr><w:pStyle w:val="1"/></w:pPr><w:r><w:t>Hens</w:t></w:r></w:p>
         <w:p><w:r><w:t xml:space="preserve">Ada </w:t></w:r><w:del><w:r><w:delText>never </w:delText></w:r></w:del><w:r><w:t>lays.</w:t></w:r></w:p>
         <w:p><w:pPr><w:pStyle w:val="a"/></w:pPr><w:r><w:t>Numbers</w:t></w:r></w:p>
         <w:tbl><w:tr><w:tc><w:p><w:r><w:t>Hen</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Eggs</w:t></w:r></w:p></w:tc></w:tr>
         <w:tr><w:tc><w:p><w:r><w:t>닭</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>3</w:t></w:r></w:p></w:tc></w:tr></w:tbl>)")));
  EXPECT_EQ(document.title, "The Farm");
  EXPECT_EQ(document.text, "Hens\n\nAda lays.\n\nNumbers\n\nHen | Eggs\n닭 | 3\n");
  ASSERT_EQ(document.headings.size(), 2u);
  EXPECT_EQ(document.headings[0].level, 1);
  EXPECT_EQ(document.headings[1].level, 2);
}

TEST(ParseInChild, a_pdf_file_reads_as_pages_of_paragraphs) {
  if (!has_pdftotext()) GTEST_SKIP() << "skipped: no pdftotext";
  const TestFolder folder;
  std::vector<std::vector<std::string>> pages;
  for (const char* topic : {"hens", "eggs", "foxes", "corn", "rain"}) {
    const std::string number = std::to_string(pages.size() + 1);
    pages.push_back({"The Farm Almanac", number + " About " + topic,
                     "A long line about " + std::string(topic) + " that was broken for the width of the pa-",
                     "per it is printed on, and that ends here.", "Page " + number});
  }
  const Document document = parse(folder.write("almanac.pdf", make_pdf(pages)));
  EXPECT_EQ(document.title, "almanac");
  EXPECT_EQ(document.page_offsets.size(), 5u);
  EXPECT_THAT(document.text,
              HasSubstr("A long line about eggs that was broken for the width of the paper it is printed "
                        "on, and that ends here."));
  EXPECT_THAT(document.text, testing::Not(HasSubstr("Almanac"))) << "the header of every page";
  EXPECT_THAT(document.text, testing::Not(HasSubstr("Page"))) << "the footer of every page";
  EXPECT_THAT(document.text.substr(document.page_offsets[2], 40), HasSubstr("foxes"));
}

TEST(ParseInChild, broken_and_encrypted_pdf_files_are_named_as_such) {
  if (!has_pdftotext()) GTEST_SKIP() << "skipped: no pdftotext";
  const TestFolder folder;
  const std::string good = make_pdf({{"Hello"}});
  EXPECT_THAT(refusal(folder.write("broken.pdf", "%PDF-1.4\n" + std::string(500, 'x'))), HasSubstr("broken PDF file"));
  EXPECT_THAT(refusal(folder.write("not.pdf", "plain words")), HasSubstr("not a PDF file: %PDF- is missing"));
  EXPECT_THAT(refusal(folder.write("blank.pdf", make_pdf({{}}))), HasSubstr("holds no text"));
  const std::string keys(32, 'k');
  const std::string locked = make_pdf(
      {{"Hello"}}, "/ID [(0123456789abcdef)(0123456789abcdef)] /Encrypt << /Filter /Standard /V 1 /R 2 /P -44 /O (" +
                       keys + ") /U (" + keys + ") >>");
  EXPECT_THAT(refusal(folder.write("locked.pdf", locked)), HasSubstr("an encrypted PDF file"));
  EXPECT_EQ(parse(folder.write("good.pdf", good)).text, "Hello\n");
  EXPECT_EQ(parse(folder.write("paper.txt", good)).text, "Hello\n") << "what its first bytes say goes before its name";
}

TEST(ParseInChild, a_missing_pdftotext_is_an_error_that_names_the_package) {
  const TestFolder folder;
  const auto path = folder.write("a.pdf", make_pdf({{"Hello"}}));
  const std::string old_path = std::getenv("PATH") ? std::getenv("PATH") : "";
  ::setenv("PATH", folder.path().c_str(), 1);
  EXPECT_THAT(refusal(path), HasSubstr("install the package poppler-utils"));
  ::setenv("PATH", old_path.c_str(), 1);
}

TEST(ParseInChild, a_zip_bomb_is_refused_before_it_inflates) {
  const TestFolder folder;
  const std::string bomb = make_docx("<w:p>" + std::string(40 << 20, ' ') + "</w:p>");
  ASSERT_LT(bomb.size(), 100'000u);
  EXPECT_THAT(refusal(folder.write("bomb.docx", bomb)), HasSubstr("a zip bomb"));
  ParseOptions options = test_options();
  options.limits.text_bytes = 1 << 20;
  EXPECT_THAT(refusal(folder.write("bomb.docx", bomb), options), HasSubstr("inflates to more than the limit of 1 MiB"));
}

TEST(ParseInChild, files_that_are_no_docx_are_refused_with_what_they_are) {
  const TestFolder folder;
  EXPECT_THAT(refusal(folder.write("a.docx", "plain words")), HasSubstr("not a readable ZIP archive"));
  EXPECT_THAT(refusal(folder.write("b.docx", make_zip({{"x", "y"}}))), HasSubstr("holds no word/document.xml"));
  EXPECT_THAT(refusal(folder.write("c.docx", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")), HasSubstr("encrypted DOCX file"));
  EXPECT_THAT(refusal(folder.write("d.docx", make_docx("<w:p>"))), HasSubstr("broken DOCX file: word/document.xml"));
  const std::string good = make_docx("<w:p><w:r><w:t>Hello</w:t></w:r></w:p>");
  EXPECT_THAT(refusal(folder.write("e.docx", good.substr(0, good.size() / 2))),
              HasSubstr("not a readable ZIP archive"));
}

TEST(ParseInChild, half_a_surrogate_in_a_docx_becomes_a_replacement) {
  const TestFolder folder;
  const Document document = parse(folder.write("a.docx", make_docx("<w:p><w:r><w:t>a&#xD800;b</w:t></w:r></w:p>")));
  EXPECT_THAT(document.text, HasSubstr("\uFFFD"));
}

TEST(ParseInChild, a_deep_docx_costs_no_stack) {
  const TestFolder folder;
  std::string open, close;
  for (int i = 0; i < 100'000; ++i) open += "<w:sdt>", close += "</w:sdt>";
  EXPECT_EQ(parse(folder.write("a.docx", make_docx(open + "<w:p><w:r><w:t>deep</w:t></w:r></w:p>" + close))).text,
            "deep\n");
}

TEST(ParseInChild, time_and_output_of_the_child_are_limited) {
  const TestFolder folder;
  std::string rows = "name,eggs\n";
  while (rows.size() < (8 << 20)) rows += "Ada,3\n";
  const auto path = folder.write("a.csv", rows);
  ParseOptions options = test_options();
  options.limits.timeout_ms = 20;
  EXPECT_THAT(refusal(path, options), HasSubstr("parsing took more than 0.02 s"));
  options = test_options();
  options.limits.text_bytes = 1 << 20;
  EXPECT_THAT(refusal(path, options), HasSubstr("the limit of 1 MiB"));
  options.child = shell_child("exec cat /dev/zero").child;
  EXPECT_THAT(refusal(path, options), HasSubstr("the limit of 1 MiB"));
}

TEST(ParseInChild, memory_of_the_child_is_limited) {
  if (BANTAM_SANITIZED) GTEST_SKIP() << "skipped: a sanitizer's allocator ends the process where ours throws";
  const TestFolder folder;
  const auto path = folder.write("a.csv", "name,eggs\n\"" + std::string(8 << 20, 'x') + "\",3\n");
  ParseOptions options = test_options();
  options.limits.memory_bytes = 16 << 20;
  EXPECT_THAT(refusal(path, options), HasSubstr("parsing needs more than 16 MiB of memory"));
}

TEST(ParseInChild, whatever_the_child_does_is_an_error_for_this_document) {
  const TestFolder folder;
  const auto path = folder.write("a.csv", "name,eggs\nAda,3\n");
  EXPECT_THAT(refusal(path, shell_child("kill -SEGV $$")), HasSubstr("its parser crashed (signal 11)"));
  EXPECT_THAT(refusal(path, shell_child("exit 3")), HasSubstr("its parser failed with exit code 3"));
  EXPECT_THAT(refusal(path, shell_child("true")), HasSubstr("its parser's answer is not whole"));
  EXPECT_THAT(refusal(path, shell_child("echo DDDDDDDDDDDDDDDDDDDDDDDDDDDDDD")), HasSubstr("answer is not whole"));
  EXPECT_THAT(refusal(path, {.limits = {}, .child = {"/nonexistent/program"}}), HasSubstr("cannot start the parser"));
}

TEST(ParseInChild, a_timeout_ends_the_whole_group) {
  const TestFolder folder;
  const auto path = folder.write("a.csv", "name,eggs\nAda,3\n");
  const auto pid_file = folder.path() / "pid";
  const std::string script = "sleep 100 & echo $! > " + pid_file.string() + "; wait";
  ParseOptions options = shell_child(script.c_str());
  options.limits.timeout_ms = 300;
  EXPECT_THAT(refusal(path, options), HasSubstr("parsing took more than 0.3 s"));
  pid_t sleeper = 0;
  std::ifstream(pid_file) >> sleeper;
  ASSERT_GT(sleeper, 0);
  for (int tries = 0; tries < 100; ++tries) {  // until whoever inherits it has waited for it, or it is a zombie
    std::string state;
    std::ifstream stat("/proc/" + std::to_string(sleeper) + "/stat");
    if (!(stat >> state >> state >> state) || state == "Z") return;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ADD_FAILURE() << "process " << sleeper << " lives on";
}

TEST(ParseInChild, a_stop_does_not_wait_for_the_timeout) {
  const TestFolder folder;
  const auto path = folder.write("a.csv", "name,eggs\nAda,3\n");
  ParseOptions options = shell_child("sleep 100");
  options.stop = [asked = 0]() mutable { return ++asked > 2; };
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(refusal(path, options), HasSubstr("parsing was stopped"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(ParseInChild, threads_may_parse_at_the_same_time) {
  const TestFolder folder;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string name = "hen" + std::to_string(t);
      const auto path = folder.write(name + ".json", "{\"name\":\"" + name + "\"}");
      for (int i = 0; i < 5; ++i) EXPECT_EQ(parse(path).text, "name: " + name + "\n");
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(ParseDocument, files_that_cannot_be_read_are_refused_with_the_reason) {
  const TestFolder folder;
  EXPECT_THAT(refusal(folder.path() / "gone.txt"), HasSubstr("cannot be opened: No such file"));
  EXPECT_THAT(refusal(folder.path()), HasSubstr("not a regular file"));
  EXPECT_THAT(refusal(folder.write("empty.txt", "")), HasSubstr("the file is empty"));
  EXPECT_THAT(refusal(folder.write("elf.txt", std::string("\x7F"
                                                          "ELF\0\0\0",
                                                          7))),
              HasSubstr("binary file"));
  const auto pipe = folder.path() / "pipe.txt";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(refusal(pipe), HasSubstr("not a regular file"));
}

TEST(ParseDocument, a_file_past_the_limit_is_refused_with_the_flag_that_raises_it) {
  const TestFolder folder;
  const auto log = folder.write("big.log", "x");
  std::filesystem::resize_file(log, uint64_t{2} << 30);  // sparse
  EXPECT_THAT(refusal(log), HasSubstr("has 2048 MiB, the limit is 256 MiB; --max-file-mib raises it"));
}

TEST(ParseDocument, a_page_without_a_telling_name_is_known_by_its_first_bytes) {
  const TestFolder folder;
  EXPECT_EQ(parse(folder.write("page", "\n<!DOCTYPE HTML><p>Hello</p>")).text, "Hello\n");
  EXPECT_EQ(parse(folder.write("words.xyz", "<hello>")).text, "<hello>");
}

// Runs `attempt` in a process under `rules`; what it returns is that process's exit code.
template <class F>
int exit_code_inside(SandboxRules rules, F&& attempt) {
  rules.parent_pid = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      enter_sandbox(rules);
      ::_exit(attempt());
    } catch (const Error&) {
      ::_exit(99);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(Sandbox, everything_but_computing_is_denied) {
  const TestFolder folder;
  const std::string file = folder.write("a.txt", "text"), fresh = folder.path() / "fresh";
  const SandboxRules rules = {.memory_bytes = size_t{1} << 30, .cpu_seconds = 5};
  const auto denied = [&](auto&& attempt) {
    return exit_code_inside(rules, [&] { return attempt() < 0 && errno == EPERM ? 0 : 1; });
  };
  EXPECT_EQ(denied([] { return ::socket(AF_INET, SOCK_STREAM, 0); }), 0);
  EXPECT_EQ(denied([] { return ::socket(AF_UNIX, SOCK_STREAM, 0); }), 0);
  EXPECT_EQ(denied([] {
              sockaddr_in to{};
              return ::connect(0, reinterpret_cast<sockaddr*>(&to), sizeof(to));
            }),
            0);
  EXPECT_EQ(denied([&] { return ::open(file.c_str(), O_RDONLY); }), 0);
  EXPECT_EQ(denied([&] { return ::open(fresh.c_str(), O_WRONLY | O_CREAT, 0600); }), 0);
  EXPECT_EQ(denied([&] { return ::unlink(file.c_str()); }), 0);
  EXPECT_EQ(denied([&] { return ::rename(file.c_str(), fresh.c_str()); }), 0);
  EXPECT_EQ(denied([] { return static_cast<int>(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }), 0);
  EXPECT_EQ(denied([] { return ::fork(); }), 0);
  EXPECT_EQ(denied([] { return ::execl("/bin/true", "true", nullptr); }), 0);
  EXPECT_EQ(denied([] { return ::kill(::getppid(), 0); }), 0);
  EXPECT_EQ(denied([] {
              rlimit all{RLIM_INFINITY, RLIM_INFINITY};
              return ::setrlimit(RLIMIT_AS, &all);
            }),
            0);
  EXPECT_TRUE(std::filesystem::exists(file));
  EXPECT_FALSE(std::filesystem::exists(fresh));
}

TEST(Sandbox, it_holds_in_the_one_program_that_may_be_run) {
  const TestFolder folder;
  const std::string file = folder.write("a.txt", "text"), fresh = folder.path() / "fresh";
  const auto run = [&](const char* program, std::vector<const char*> arguments) {
    arguments.push_back(nullptr);
    const SandboxRules rules = {.memory_bytes = size_t{1} << 30, .cpu_seconds = 5, .program = program};
    return exit_code_inside(rules, [&] {
      ::execv(program, const_cast<char**>(arguments.data()));
      return 98;
    });
  };
  const auto runs = [&](const std::string& script) { return run("/bin/sh", {"sh", "-c", script.c_str()}); };
  EXPECT_EQ(run("/bin/grep", {"grep", "-q", "text", file.c_str()}), 0) << "reading is allowed";
  EXPECT_EQ(runs("exit 7"), 7);
  EXPECT_NE(runs("echo x > " + fresh), 0);
  EXPECT_NE(runs("exec /bin/true"), 0);
  EXPECT_NE(runs("/bin/true; exit 0"), 0);
  EXPECT_FALSE(std::filesystem::exists(fresh));
  const SandboxRules only_grep = {.memory_bytes = size_t{1} << 30, .cpu_seconds = 5, .program = "/bin/grep"};
  EXPECT_EQ(exit_code_inside(only_grep,
                             [] {
                               ::execl("/bin/true", "true", nullptr);
                               return errno == EPERM ? 0 : 1;
                             }),
            0)
      << "another program is not";
}

TEST(Sandbox, computing_too_long_ends_the_process) {
  const SandboxRules rules = {.memory_bytes = size_t{1} << 30, .cpu_seconds = 1};
  const auto compute = [] {
    while (::getpid() > 0) {
    }
    return 0;
  };
  EXPECT_EQ(exit_code_inside(rules, compute), -SIGXCPU);
}

}  // namespace
}  // namespace bantam
