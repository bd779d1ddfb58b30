#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/checked.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mapped_file.h"
#include "base/metadata.h"
#include "base/rng.h"
#include "base/shared_library.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  FileTest() { fs::create_directories(folder_); }
  ~FileTest() override { fs::remove_all(folder_); }
  size_t files() const { return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {})); }

  fs::path folder_ = fs::path(testing::TempDir()) / fmt::format("bantam_base_{}", ::getpid());
};

TEST_F(FileTest, a_committed_file_is_whole_and_an_abandoned_one_leaves_nothing) {
  {
    AtomicFile file(folder_ / "a");
    file.write("12345");
    file.pad_to(8);
    file.write(std::string(3 << 20, 'x'));
    file.commit();
  }
  EXPECT_EQ(read_file(folder_ / "a"), std::string("12345\0\0\0", 8) + std::string(3 << 20, 'x'));
  {
    AtomicFile file(folder_ / "a");
    file.write("other");
  }
  EXPECT_EQ(read_file(folder_ / "a").size(), 8u + (3 << 20));
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileTest, a_locked_folder_keeps_others_out_and_what_a_killed_writer_left_is_removed) {
  std::ofstream(folder_ / "checkpoint.bin.123.tmp") << "half";
  std::ofstream(folder_ / "notes.tmp") << "a user's";
  {
    const FolderLock lock(folder_);
    EXPECT_FALSE(fs::exists(folder_ / "checkpoint.bin.123.tmp"));
    EXPECT_TRUE(fs::exists(folder_ / "notes.tmp"));
    EXPECT_THAT([&] { FolderLock second(folder_); },
                testing::ThrowsMessage<IoError>(testing::HasSubstr("another process")));
  }
  EXPECT_NO_THROW(FolderLock{folder_});
  EXPECT_THROW(FolderLock{"/proc/none/at/all"}, IoError);
}

TEST_F(FileTest, a_full_disk_is_an_error_that_names_the_file) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "skipped: no /dev/full";
  fs::create_symlink("/dev/full", folder_ / fmt::format("out.{}.tmp", ::getpid()));
  AtomicFile file(folder_ / "out");
  EXPECT_THAT([&] { file.write(std::string(2 << 20, 'x')); },
              testing::ThrowsMessage<IoError>(testing::AllOf(testing::HasSubstr("out"), testing::HasSubstr("space"))));
}

TEST_F(FileTest, a_mapped_file_shows_its_bytes_and_a_folder_or_missing_file_is_refused) {
  std::ofstream(folder_ / "m") << "hello";
  const MappedFile mapped(folder_ / "m");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size()), "hello");
  EXPECT_THROW(MappedFile(folder_ / "absent"), IoError);
  EXPECT_THROW(MappedFile{folder_}, IoError);
}

TEST(SharedLibrary, finds_what_it_has_and_names_what_is_missing) {
  const SharedLibrary math("libm.so.6", "libc6");
  double (*cosine)(double) = math.find("cos");
  EXPECT_EQ(cosine(0), 1);
  EXPECT_THAT([&] { math.find("bantam_none"); },
              testing::ThrowsMessage<Error>(
                  testing::AllOf(testing::HasSubstr("libm.so.6"), testing::HasSubstr("bantam_none"))));
  EXPECT_THAT([] { SharedLibrary("libbantam_none.so.1", "bantam-none"); },
              testing::ThrowsMessage<Error>(testing::AllOf(testing::HasSubstr("libbantam_none.so.1"),
                                                           testing::HasSubstr("install bantam-none"))));
}

TEST(Checked, sums_and_products_that_do_not_fit_are_absent) {
  EXPECT_EQ(checked_add<uint64_t>(UINT64_MAX - 1, 1), UINT64_MAX);
  EXPECT_FALSE(checked_add<uint64_t>(UINT64_MAX, 1));
  EXPECT_EQ(checked_mul<uint32_t>(65535, 65537), UINT32_MAX);
  EXPECT_FALSE(checked_mul<uint32_t>(65536, 65536));
}

TEST(Rng, the_first_values_of_a_seed_are_fixed_and_a_saved_state_continues) {
  Rng rng(42);
  EXPECT_EQ(rng.next(), 1546998764402558742u);
  EXPECT_EQ(rng.next(), 6990951692964543102u);
  Rng copy(0);
  copy.set_state(rng.state());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(rng.next(), copy.next());
}

TEST(Rng, normal_values_have_mean_zero_and_variance_one) {
  Rng rng(7);
  double sum = 0, squares = 0;
  const int n = 100000;
  for (int i = 0; i < n; ++i) {
    const double x = rng.normal();
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / n, 0, 0.02);
  EXPECT_NEAR(squares / n, 1, 0.02);
}

TEST(Json, nesting_past_the_limit_and_broken_text_are_format_errors) {
  EXPECT_EQ(to_line(parse_json(R"({"b":1,"a":[true,"x"]})", "t")), R"({"b":1,"a":[true,"x"]})");
  EXPECT_THROW(parse_json(std::string(100000, '['), "t"), FormatError);
  EXPECT_THROW(parse_json("{\"a\":", "t"), FormatError);
  EXPECT_NO_THROW(parse_json("\"" + std::string(1000, '[') + "\"", "t"));
}

TEST(Metadata, a_wrong_type_or_range_is_named_with_its_key) {
  Metadata meta("file.gguf");
  meta.set("n", int64_t{5});
  meta.set("s", std::string("x"));
  EXPECT_EQ(meta.integer("n", 0, 10), 5);
  EXPECT_EQ(meta.number("n"), 5.0);
  EXPECT_EQ(meta.integer_or("absent", 3, 0, 10), 3);
  EXPECT_THAT([&] { meta.integer("n", 6, 10); }, testing::ThrowsMessage<FormatError>(testing::HasSubstr("'n' is 5")));
  EXPECT_THAT([&] { meta.integer("s", 0, 1); }, testing::ThrowsMessage<FormatError>(testing::HasSubstr("file.gguf")));
  EXPECT_THROW(meta.string("absent"), FormatError);
  EXPECT_THROW(meta.flag_or("s", true), FormatError);
}

}  // namespace
}  // namespace bantam
