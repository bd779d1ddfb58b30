#include "text/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include "base/error.h"
#include "base/file.h"

namespace bantam {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

std::string compressed(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

class Corpus : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              (std::string("bantam_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path write(const char* name, std::string_view bytes) const {
    AtomicFile file(folder_ / name);
    file.write(bytes);
    file.commit();
    return folder_ / name;
  }

  std::vector<std::string> read(const char* name, std::string_view bytes) const {
    CorpusReader reader(write(name, bytes));
    std::vector<std::string> documents;
    while (auto document = reader.next()) documents.push_back(std::move(*document));
    return documents;
  }

  template <class ErrorType>
  void expect_error(const char* name, std::string_view bytes, const std::string& part) const {
    EXPECT_THAT([&] { read(name, bytes); },
                testing::ThrowsMessage<ErrorType>(testing::AllOf(HasSubstr(name), HasSubstr(part))));
  }

  fs::path folder_;
};

constexpr std::string_view kLines =
    "{\"title\": \"Cat\", \"text\": \"A cat.\"}\n"
    "\n"
    "{\"text\": \"\\ud55c\\uae00\", \"other\": 1}\r\n"
    "{\"title\": null, \"text\": \"last\"}";

TEST_F(Corpus, a_text_file_is_one_document) {
  EXPECT_THAT(read("a.txt", "one\ntwo\n"), ElementsAre("one\ntwo\n"));
  EXPECT_THAT(read("a.md", "# one\n"), ElementsAre("# one\n"));
  EXPECT_THAT(read("empty.txt", ""), ElementsAre());
}

TEST_F(Corpus, a_line_of_json_is_a_document_with_its_title) {
  EXPECT_THAT(read("a.jsonl", kLines), ElementsAre("Cat\n\nA cat.", "한글", "last"));
}

TEST_F(Corpus, compressed_files_read_as_the_plain_ones_do) {
  EXPECT_THAT(read("a.jsonl.zst", compressed(kLines)), ElementsAre("Cat\n\nA cat.", "한글", "last"));
  EXPECT_THAT(read("b.jsonl.zst", compressed(kLines.substr(0, 30)) + compressed(kLines.substr(30))),
              ElementsAre("Cat\n\nA cat.", "한글", "last"));
  EXPECT_THAT(read("a.txt.zst", compressed("text")), ElementsAre("text"));
}

TEST_F(Corpus, documents_longer_than_the_blocks_read_are_whole) {
  std::string lines;
  std::vector<std::string> expected;
  for (size_t i = 0; i < 20; ++i) {
    expected.push_back(std::string(i * 20'011, static_cast<char>('a' + i % 26)) + "한");
    lines += "{\"text\": \"" + expected.back() + "\"}\n";
  }
  EXPECT_EQ(read("long.jsonl", lines), expected);
  EXPECT_EQ(read("long.jsonl.zst", compressed(lines)), expected);
}

TEST_F(Corpus, bytes_that_are_not_utf8_are_refused_with_their_place) {
  expect_error<FormatError>("a.txt", "ab\xFF", "byte 2 is not UTF-8");
  expect_error<FormatError>("a.jsonl", "{\"text\": \"x\"}\n{\"text\": \"\xC3\"}\n", "line 2: byte 10");
}

TEST_F(Corpus, lines_that_are_not_documents_are_refused_with_their_number) {
  expect_error<FormatError>("a.jsonl", "{\"text\": \"x\"}\n{\"text\": ", "line 2");
  expect_error<FormatError>("a.jsonl", "[1]", "line 1: found array");
  expect_error<FormatError>("a.jsonl", "\n{\"title\": \"x\"}", "line 2: the key \"text\" is missing");
  expect_error<FormatError>("a.jsonl", "{\"text\": 5}", "\"text\" is number");
  expect_error<FormatError>("a.jsonl", "{\"text\": \"x\", \"title\": []}", "\"title\" is array");
}

TEST_F(Corpus, broken_compression_is_refused) {
  expect_error<FormatError>("a.txt.zst", "not zstd at all", "not valid zstd");
  const std::string whole = compressed(std::string(100'000, 'x'));
  expect_error<FormatError>("a.txt.zst", whole.substr(0, whole.size() - 3), "ends inside a frame");
}

TEST_F(Corpus, other_kinds_of_files_and_missing_ones_are_refused) {
  expect_error<UsageError>("a.pdf", "", ".jsonl");
  expect_error<UsageError>("a.zst", "", ".jsonl");
  EXPECT_THROW(CorpusReader(folder_ / "missing.txt"), IoError);
}

}  // namespace
}  // namespace bantam
