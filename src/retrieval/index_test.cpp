#include "retrieval/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "retrieval/sqlite.h"

namespace bantam {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
namespace fs = std::filesystem;

// A folder of documents and a place for an index, both gone at the end.
class IndexTest : public testing::Test {
 protected:
  IndexTest() {
    std::string name = (fs::temp_directory_path() / "bantam_index_XXXXXX").string();
    base_ = fs::canonical(::mkdtemp(name.data()));
    fs::create_directories(docs());
  }
  ~IndexTest() override { fs::remove_all(base_); }

  fs::path docs() const { return base_ / "docs"; }
  fs::path index_path() const { return base_ / "my.index"; }

  void write(const std::string& name, const std::string& text) {
    fs::create_directories((docs() / name).parent_path());
    std::ofstream(docs() / name) << text;
    // Times of files written within one tick of the clock are told apart.
    fs::last_write_time(docs() / name, fs::file_time_type::clock::now() + std::chrono::seconds(++age_));
  }

  UpdateOptions options() {
    UpdateOptions out;
    out.parse = [this](const fs::path& path) {
      ++parsed_;
      Document document{path.stem().string(), read_file(path), {}, {}};
      if (document.text.find("broken") != std::string::npos) throw FormatError("{}: is broken", path.string());
      return document;
    };
    out.threads = 2;
    return out;
  }

  UpdateReport update(Index& index) {
    const std::vector<fs::path> roots = {docs()};
    return index.update(roots, options());
  }

  std::atomic<int> parsed_ = 0;

 private:
  fs::path base_;
  int age_ = 0;
};

std::vector<std::string> files(Index& index, std::string_view query, size_t count = 5) {
  std::vector<std::string> out;
  for (const Hit& hit : index.search(query, count).passages) out.push_back(fs::path(hit.file).filename().string());
  return out;
}

GivenDocument given(const std::string& name, const std::string& text, const std::string& title = "") {
  return {name, {title, text, {}, {}}, {{0, text.size(), "", 0}}};
}

TEST_F(IndexTest, what_is_indexed_is_found_with_its_place) {
  write("birds.txt", "Penguins live in the south.\n\nThey cannot fly. The emperor penguin is the tallest of them.\n");
  write("서울.txt", "서울은 대한민국의 수도이다. 한강이 흐른다.\n");
  Index index = Index::open(index_path(), Index::Mode::write);
  const UpdateReport report = update(index);
  EXPECT_EQ(report.added, 2u);
  const Results found = index.search("Which penguin is tallest?", 5, 2);
  ASSERT_THAT(found.passages, SizeIs(1));
  EXPECT_EQ(found.passages[0].file, (docs() / "birds.txt").string());
  EXPECT_EQ(found.passages[0].title, "birds");
  ASSERT_FALSE(found.sentences.empty());
  EXPECT_EQ(found.text(found.sentences[0]), "The emperor penguin is the tallest of them.");
  const auto text = index.document_text(found.passages[0].file);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->substr(found.sentences[0].begin, found.sentences[0].end - found.sentences[0].begin),
            found.text(found.sentences[0]));
  EXPECT_THAT(files(index, "대한민국의 수도는 어디인가?"), ElementsAre("서울.txt"));
  EXPECT_EQ(index.document_frequency("penguin"), 1u);
  EXPECT_THAT(files(index, "what is the"), IsEmpty());
  EXPECT_THAT(files(index, ""), IsEmpty());
}

TEST_F(IndexTest, only_what_changed_is_read_again_and_what_is_gone_leaves) {
  write("a.txt", "Apples are red.");
  write("b.txt", "Bananas are yellow.");
  write("sub/c.txt", "Cherries are small.");
  Index index = Index::open(index_path(), Index::Mode::write);
  update(index);
  EXPECT_EQ(parsed_, 3);
  write("b.txt", "Blueberries are blue.");
  write("a.txt", "Apples are red.");  // touched, not changed
  fs::remove_all(docs() / "sub");
  const UpdateReport report = update(index);
  EXPECT_EQ(parsed_, 4);
  EXPECT_EQ(report.changed, 1u);
  EXPECT_EQ(report.unchanged, 1u);
  EXPECT_EQ(report.removed, 1u);
  EXPECT_THAT(files(index, "bananas"), IsEmpty());
  EXPECT_THAT(files(index, "cherries"), IsEmpty());
  EXPECT_THAT(files(index, "blueberries"), ElementsAre("b.txt"));
  EXPECT_EQ(index.stats().passages, 2);
  index.check();
  EXPECT_EQ(update(index).unchanged, 2u);
  EXPECT_EQ(parsed_, 4);
}

TEST_F(IndexTest, a_file_outside_the_roots_of_an_update_stays) {
  write("one/a.txt", "Apples are red.");
  write("one-more/b.txt", "Bananas are yellow.");
  Index index = Index::open(index_path(), Index::Mode::write);
  update(index);
  fs::remove(docs() / "one/a.txt");
  fs::remove(docs() / "one-more/b.txt");
  const std::vector<fs::path> one = {docs() / "one"};
  EXPECT_EQ(index.update(one, options()).removed, 1u);
  EXPECT_THAT(files(index, "bananas"), ElementsAre("b.txt"));
  EXPECT_THAT(index.roots(), ElementsAre(docs(), docs() / "one"));
}

TEST_F(IndexTest, a_broken_file_is_named_once_read_and_does_not_stop_the_others) {
  write("bad.txt", "this one is broken");
  write("good.txt", "Apples are red.");
  Index index = Index::open(index_path(), Index::Mode::write);
  for (int round = 0; round < 2; ++round) {
    const UpdateReport report = update(index);
    ASSERT_THAT(report.skipped, SizeIs(1));
    EXPECT_EQ(report.skipped[0].path, docs() / "bad.txt");
    EXPECT_THAT(report.skipped[0].reason, HasSubstr("is broken"));
    EXPECT_EQ(parsed_, 2);
  }
  EXPECT_THAT(files(index, "apples"), ElementsAre("good.txt"));
  EXPECT_EQ(index.stats().files, 1);
}

TEST_F(IndexTest, stopping_keeps_what_is_done_and_the_next_update_goes_on) {
  for (int i = 0; i < 20; ++i) write(fmt::format("{}.txt", i), fmt::format("Number{} is here.", i));
  Index index = Index::open(index_path(), Index::Mode::write);
  UpdateOptions until_five = options();
  size_t done = 0;
  until_five.progress = [&](const UpdateProgress& p) { done = p.done_files; };
  until_five.stop = [&] { return done >= 5; };
  const std::vector<fs::path> roots = {docs()};
  const UpdateReport first = index.update(roots, until_five);
  EXPECT_TRUE(first.stopped);
  EXPECT_EQ(first.added, 5u);
  index.check();
  const UpdateReport second = update(index);
  EXPECT_EQ(second.unchanged, 5u);
  EXPECT_EQ(second.added, 15u);
  EXPECT_EQ(index.stats().passages, 20);
}

// BANTAM_SOAK=200 kills as many.
TEST_F(IndexTest, a_killed_update_leaves_a_sound_index_that_the_next_one_finishes) {
  std::string filler;
  Rng rng(5);
  for (int i = 0; i < 60; ++i) {
    std::string text;
    for (int w = 0; w < 2000; ++w) text += fmt::format("word{} ", rng.below(5000));
    write(fmt::format("{}.txt", i), text);
  }
  const char* soak = std::getenv("BANTAM_SOAK");
  const int kills = soak != nullptr ? std::atoi(soak) : 12;
  for (int round = 0; round < kills; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        Index index = Index::open(index_path(), Index::Mode::write);
        for (;;) {
          update(index);
          const std::vector<GivenDocument> more = {given("extra", fmt::format("extra word{}", rng.below(5000)))};
          index.add(more);
        }
      } catch (const std::exception&) {
        ::_exit(1);
      }
    }
    ::usleep(static_cast<useconds_t>(rng.below(60'000)));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child failed by itself";
    Index::open(index_path(), Index::Mode::write).check();
  }
  Index index = Index::open(index_path(), Index::Mode::write);
  update(index);
  index.check();
  EXPECT_GE(index.stats().files, 60);
}

TEST_F(IndexTest, a_second_writer_is_refused_by_name_and_a_reader_is_not) {
  Index index = Index::open(index_path(), Index::Mode::write);
  try {
    Index::open(index_path(), Index::Mode::write);
    FAIL();
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), HasSubstr(fmt::format("process {} is writing", ::getpid())));
  }
  Index reader = Index::open(index_path(), Index::Mode::read);
  EXPECT_THAT(files(reader, "apples"), IsEmpty());
  write("a.txt", "Apples are red.");
  update(index);
  EXPECT_THAT(files(reader, "apples"), ElementsAre("a.txt"));
}

TEST_F(IndexTest, what_is_no_index_is_refused_with_the_fix) {
  const auto refusal = [&](Index::Mode mode) -> std::string {
    try {
      Index::open(index_path(), mode);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal(Index::Mode::read), HasSubstr("bantam index"));
  std::ofstream(index_path()) << std::string(100'000, 'x');
  EXPECT_THAT(refusal(Index::Mode::read), HasSubstr("is not an index"));
  EXPECT_THAT(refusal(Index::Mode::write), HasSubstr("is not an index"));
  fs::remove(index_path());
  Database(index_path(), Database::Mode::write).run("CREATE TABLE t(x)");
  EXPECT_THAT(refusal(Index::Mode::write), HasSubstr("of another program"));
  fs::remove(index_path());
  Index::open(index_path(), Index::Mode::write);
  Database(index_path(), Database::Mode::write).run("PRAGMA user_version = 99");
  EXPECT_THAT(refusal(Index::Mode::read), HasSubstr("version 99"));
}

TEST_F(IndexTest, a_damaged_index_is_an_error_and_never_a_crash) {
  for (int i = 0; i < 30; ++i)
    write(fmt::format("{}.txt", i), std::string("Apples and pears in text ") + std::to_string(i));
  {
    Index index = Index::open(index_path(), Index::Mode::write);
    update(index);
  }
  const std::string sound = read_file(index_path());
  Rng rng(9);
  int refused = 0;
  for (int round = 0; round < 60; ++round) {
    std::string damaged = sound;
    for (int n = 0; n < 40; ++n) damaged[rng.below(damaged.size())] = static_cast<char>(rng.below(256));
    std::ofstream(index_path(), std::ios::trunc) << damaged;
    try {
      Index index = Index::open(index_path(), Index::Mode::read);
      index.search("apples pears", 5, 3);
      index.check();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("my.index"));
      ++refused;
    }
  }
  EXPECT_GT(refused, 40);
}

TEST(IndexInMemory, nearly_equal_passages_are_shown_once) {
  Index index = Index::in_memory();
  const std::string text = "The quick brown fox jumps over the lazy dog near the old river bank every single morning. ";
  const std::vector<GivenDocument> documents = {given("1", text), given("2", text + "Indeed."), given("3", text),
                                                given("4", "A fox sleeps.")};
  index.add(documents);
  EXPECT_THAT(index.search("fox dog", 10).passages, SizeIs(2));
}

TEST(IndexInMemory, a_document_of_the_same_name_replaces_the_old) {
  Index index = Index::in_memory();
  const std::vector<GivenDocument> twice = {given("a", "Apples."), given("a", "Pears.")};
  index.add(twice);
  EXPECT_THAT(files(index, "apples"), IsEmpty());
  EXPECT_THAT(files(index, "pears"), ElementsAre("a"));
  index.check();
}

TEST(IndexInMemory, titles_and_headings_help_to_find_a_passage) {
  Index index = Index::in_memory();
  GivenDocument under_heading = given("heading", "It is large and grey.");
  under_heading.passages[0].heading = "Animals > Elephant";
  const std::vector<GivenDocument> documents = {given("none", "It is large and grey."), under_heading,
                                                given("title", "Its ears hang down.", "Elephant")};
  index.add(documents);
  EXPECT_THAT(files(index, "elephant"), testing::UnorderedElementsAre("heading", "title"));
}

TEST(IndexInMemory, many_small_additions_find_what_one_large_one_does) {
  Rng rng(21);
  std::vector<GivenDocument> documents;
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (int w = 0; w < 30; ++w) text += fmt::format("term{} ", rng.below(80) * rng.below(80) / 80);
    documents.push_back(given(std::to_string(i), text));
  }
  Index one = Index::in_memory(), many = Index::in_memory();
  one.add(documents);
  for (const GivenDocument& d : documents) many.add(std::span(&d, 1));
  EXPECT_LE(many.stats().segments, 8);
  many.check();
  for (int q = 0; q < 40; ++q) {
    const std::string query = fmt::format("term{} term{} term{}", rng.below(80), rng.below(80), rng.below(80));
    EXPECT_EQ(files(one, query, 10), files(many, query, 10)) << query;
  }
}

TEST(IndexInMemory, removals_leave_the_index_as_if_they_had_never_been) {
  Rng rng(22);
  Index index = Index::in_memory(), fresh = Index::in_memory();
  std::vector<GivenDocument> kept;
  for (int i = 0; i < 120; ++i) {
    std::string text;
    for (int w = 0; w < 30; ++w) text += fmt::format("term{} ", rng.below(60));
    const GivenDocument first = given(std::to_string(i % 60), text);
    index.add(std::span(&first, 1));
    if (i >= 60) kept.push_back(first);
  }
  fresh.add(kept);
  index.check();
  EXPECT_EQ(index.stats().passages, 60);
  for (int q = 0; q < 40; ++q) {
    const std::string query = fmt::format("term{}", rng.below(60));
    EXPECT_EQ(index.search(query, 5).passages.size(), fresh.search(query, 5).passages.size());
  }
}

TEST(Sqlite, a_full_disk_is_said_to_be_one) {
  Database database(":memory:", Database::Mode::write);
  database.run("CREATE TABLE t(x); PRAGMA max_page_count = 4");
  try {
    database.run("INSERT INTO t VALUES(zeroblob(1000000))");
    FAIL();
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the disk is full"));
  }
}

}  // namespace
}  // namespace bantam
