#include "base/hash.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "base/error.h"

namespace bantam {
namespace {

// FIPS 180-2, appendix B.
TEST(Hash, agrees_with_the_standards_examples) {
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(to_hex(sha256("abc"), 4), "ba7816bf");
}

TEST(Hash, pieces_hash_as_the_whole) {
  const std::string text(1000, 'x');
  for (const size_t piece : {1u, 63u, 64u, 65u, 999u}) {
    Sha256 sum;
    for (size_t at = 0; at < text.size(); at += piece) sum.add(std::string_view(text).substr(at, piece));
    EXPECT_EQ(sum.finish(), sha256(text)) << piece;
  }
}

TEST(Hash, a_file_hashes_as_its_bytes_and_the_reading_can_be_stopped) {
  std::string path = (std::filesystem::temp_directory_path() / "bantam-hash-XXXXXX").string();
  ::close(::mkstemp(path.data()));
  const std::string bytes((size_t{1} << 22) + 17, 'y');
  std::ofstream(path, std::ios::binary) << bytes;
  uint64_t last = 0;
  EXPECT_EQ(sha256_file(path, [&](uint64_t done) { last = done; }), sha256(bytes));
  EXPECT_EQ(last, bytes.size());
  EXPECT_THROW(sha256_file(path, [](uint64_t) { throw 1; }), int);
  std::filesystem::remove(path);
  EXPECT_THROW(sha256_file(path), IoError);
}

}  // namespace
}  // namespace bantam
