#include "formats/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/test_folder.h"

namespace bantam {
namespace {

using testing::ElementsAre;

std::vector<std::byte> counting_bytes(size_t n) {
  std::vector<std::byte> bytes(n);
  for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>(i * 7 + 1);
  return bytes;
}

TEST(Gguf, every_weight_format_survives_a_round_trip) {
  const TestFolder folder;
  std::vector<std::vector<std::byte>> data;
  std::vector<NamedTensor> tensors;
  data.reserve(all_dtypes().size());
  for (const DTypeTraits& t : all_dtypes()) {
    data.push_back(counting_bytes(3 * row_bytes(t.dtype, 256)));
    tensors.push_back({std::string("blk.0.") + std::string(t.name), t.dtype, {3, 256}, data.back()});
  }
  write_gguf(folder / "a.gguf", Metadata(), sources_of(tensors));

  const ModelFile file = read_gguf(folder / "a.gguf");
  ASSERT_EQ(file.tensors().size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const NamedTensor& read = file.tensors()[i];
    EXPECT_EQ(read.name, tensors[i].name);
    EXPECT_EQ(read.dtype, tensors[i].dtype);
    EXPECT_THAT(read.shape, ElementsAre(3, 256));
    EXPECT_TRUE(std::ranges::equal(read.bytes, tensors[i].bytes)) << read.name;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(read.bytes.data()) % 32, 0u);
    EXPECT_EQ(file.find(read.name), &read);
  }
  EXPECT_EQ(file.find("blk.0"), nullptr);
}

TEST(Gguf, every_kind_of_metadata_survives_a_round_trip) {
  const TestFolder folder;
  const std::vector<std::pair<std::string, MetaValue>> values = {
      {"a.true", true},
      {"a.false", false},
      {"a.zero", int64_t{0}},
      {"a.u32", int64_t{UINT32_MAX}},
      {"a.u64", int64_t{INT64_MAX}},
      {"a.i32", int64_t{INT32_MIN}},
      {"a.i64", int64_t{INT64_MIN}},
      {"a.beyond", uint64_t{UINT64_MAX}},
      {"a.half", 0.5},
      {"a.huge", 1e300},
      {"a.text", std::string("a\0b \xEA\xB0\x80", 7)},
      {"a.empty", std::string()},
      {"a.flags", std::vector<bool>{true, false, true}},
      {"a.ints", std::vector<int64_t>{-1, 0, INT32_MAX}},
      {"a.longs", std::vector<int64_t>{INT64_MIN, INT64_MAX}},
      {"a.ulongs", std::vector<uint64_t>{1, UINT64_MAX}},
      {"a.numbers", std::vector<double>{0.25, -1024}},
      {"a.doubles", std::vector<double>{1e300}},
      {"a.strings", std::vector<std::string>{"", "x", std::string(100, 'y')}},
      {"a.none", std::vector<std::string>{}},
  };
  Metadata metadata;
  for (const auto& [key, value] : values) metadata.set(key, value);
  write_gguf(folder / "a.gguf", metadata, {});

  const ModelFile file = read_gguf(folder / "a.gguf");
  EXPECT_TRUE(file.tensors().empty());
  EXPECT_EQ(file.metadata.size(), values.size());
  for (const auto& [key, value] : values) {
    ASSERT_TRUE(file.metadata.has(key)) << key;
    EXPECT_EQ(*file.metadata.find(key), value) << key;
  }
}

TEST(Gguf, every_alignment_from_8_to_65536_is_read) {
  for (const uint64_t alignment : {8, 16, 32, 64, 4096, 65536}) {
    std::string file = "GGUF";
    const auto put = [&file](auto value) { file.append(reinterpret_cast<const char*>(&value), sizeof value); };
    const auto put_text = [&](std::string_view text) {
      put(uint64_t{text.size()});
      file += text;
    };
    put(uint32_t{3}), put(uint64_t{1}), put(uint64_t{1});
    put_text("general.alignment"), put(uint32_t{10}), put(alignment);  // an unsigned integer of 64 bits
    put_text("a"), put(uint32_t{1}), put(uint64_t{2}), put(uint32_t{0}), put(uint64_t{0});  // two floats
    file.resize((file.size() + alignment - 1) / alignment * alignment, '\0');
    file.append(8, '\x11');
    EXPECT_EQ(read_gguf(std::as_bytes(std::span(file)), "x.gguf").find("a")->bytes[0], std::byte{0x11}) << alignment;
  }
}

TEST(Gguf, what_a_reader_would_refuse_is_not_written) {
  const TestFolder folder;
  const std::vector<std::byte> bytes(64);
  const auto write = [&](const NamedTensor& t, size_t copies = 1) {
    write_gguf(folder / "m.gguf", Metadata(), std::vector<TensorSource>(copies, source_of(t)));
  };
  EXPECT_THROW(write({"", DType::f32, {16}, bytes}), FormatError);
  EXPECT_THROW(write({"a\n", DType::f32, {16}, bytes}), FormatError);
  EXPECT_THROW(write({"a", DType::f32, {}, bytes}), FormatError);
  EXPECT_THROW(write({"a", DType::f32, {1, 1, 1, 1, 16}, bytes}), FormatError);
  EXPECT_THROW(write({"a", DType::f32, {0}, bytes}), FormatError);
  EXPECT_THROW(write({"a", DType::f32, {-1}, bytes}), FormatError);
  EXPECT_THROW(write({"a", DType::f32, {int64_t{1} << 31}, bytes}), FormatError);
  EXPECT_THROW(write({"a", DType::q8_0, {16}, bytes}), FormatError);
  EXPECT_THROW(write({"a", DType::f32, {16}, bytes}, 2), FormatError);
  EXPECT_THROW(write({"a", DType::f32, {15}, bytes}), Error);
  EXPECT_THROW(write({"a", DType::f32, {17}, bytes}), Error);
  Metadata metadata;
  metadata.set("a\n", true);
  EXPECT_THROW(write_gguf(folder / "m.gguf", metadata, {}), FormatError);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  write({"a", DType::f32, {16}, bytes});
  EXPECT_EQ(read_gguf(folder / "m.gguf").tensors().size(), 1u);
}

TEST(Gguf, published_files_can_be_read_and_written_again_unchanged) {
  const std::filesystem::path shared = BANTAM_SHARED_DIR;
  if (!std::filesystem::exists(shared)) GTEST_SKIP() << "skipped: no shared data";
  const TestFolder folder;
  for (const char* name : {"models/stories260K.gguf", "tokenizers/ggml-vocab-llama-spm.gguf",
                           "tokenizers/ggml-vocab-qwen2.gguf", "tokenizers/ggml-vocab-gpt-2.gguf"}) {
    const ModelFile first = read_gguf(shared / name);
    write_gguf(folder / "again.gguf", first.metadata, sources_of(first.tensors()));
    ModelFile again = read_gguf(folder / "again.gguf");
    if (first.metadata.has("general.alignment")) again.metadata.set("general.alignment", int64_t{32});
    EXPECT_TRUE(std::ranges::equal(first.metadata, again.metadata)) << name;
    ASSERT_EQ(first.tensors().size(), again.tensors().size()) << name;
    for (size_t i = 0; i < first.tensors().size(); ++i) {
      EXPECT_TRUE(std::ranges::equal(first.tensors()[i].bytes, again.tensors()[i].bytes)) << first.tensors()[i].name;
    }
  }
}

}  // namespace
}  // namespace bantam
