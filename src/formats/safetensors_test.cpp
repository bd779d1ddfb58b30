#include "formats/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/test_folder.h"

namespace bantam {
namespace {

// A file with this header, `data_bytes` of data after it.
std::string file_of(const std::string& header, size_t data_bytes) {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + std::string(data_bytes, '\x3C');
}

ModelFile parse(const std::string& file) { return read_safetensors(std::as_bytes(std::span(file)), "x.safetensors"); }

std::string tensor(const std::string& name, const std::string& dtype, const std::string& shape,
                   const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

TEST(Safetensors, tensors_and_metadata_survive_a_round_trip) {
  const TestFolder folder;
  std::vector<std::byte> data(2 * 3 * 8);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i);
  const std::span<const std::byte> bytes = data;
  const std::vector<NamedTensor> tensors = {{"half", DType::f16, {3}, bytes.first(6)},
                                            {"wide \xEA\xB0\x80", DType::f64, {2, 3}, bytes},
                                            {"brain", DType::bf16, {1, 1, 5}, bytes.subspan(2, 10)},
                                            {"single", DType::f32, {2, 2}, bytes.first(16)},
                                            {"scalar", DType::f32, {}, bytes.first(4)}};
  Metadata metadata;
  metadata.set("safetensors.format", std::string("pt"));
  metadata.set("general.name", std::string("not for this file"));
  write_safetensors(folder / "m.safetensors", metadata, sources_of(tensors));

  const ModelFile file = read_safetensors(folder / "m.safetensors");
  EXPECT_EQ(file.metadata.size(), 1u);
  EXPECT_EQ(file.metadata.string("safetensors.format"), "pt");
  EXPECT_EQ(file.tensors().size(), tensors.size());
  for (const NamedTensor& wrote : tensors) {
    const NamedTensor* read = file.find(wrote.name);
    ASSERT_TRUE(read) << wrote.name;
    EXPECT_EQ(read->dtype, wrote.dtype);
    EXPECT_EQ(read->shape, wrote.shape);
    EXPECT_TRUE(std::ranges::equal(read->bytes, wrote.bytes)) << wrote.name;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(read->bytes.data()) % traits(read->dtype).block_bytes, 0u);
  }
}

TEST(Safetensors, the_same_tensors_make_the_same_file_whoever_wrote_it) {
  const TestFolder folder;
  const std::vector<float> values = {1, 2};
  const std::vector<NamedTensor> tensors = {{"a", DType::f32, {1, 2}, std::as_bytes(std::span(values))}};
  write_safetensors(folder / "m.safetensors", Metadata(), sources_of(tensors));
  std::string header = R"({"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  EXPECT_EQ(read_file(folder / "m.safetensors"),
            file_of(header, 0) + std::string(reinterpret_cast<const char*>(values.data()), 8));
}

TEST(Safetensors, a_misaligned_tensor_is_copied_to_where_it_can_be_used) {
  const ModelFile file =
      parse(file_of("{" + tensor("odd", "F16", "[1]", "[0,2]") + "," + tensor("a", "F32", "[2]", "[2,10]") + "} ", 10));
  const NamedTensor* a = file.find("a");
  ASSERT_TRUE(a);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a->bytes.data()) % 4, 0u);
  EXPECT_TRUE(std::ranges::all_of(a->bytes, [](std::byte b) { return b == std::byte{0x3C}; }));
}

TEST(Safetensors, what_a_reader_would_refuse_is_not_written) {
  const TestFolder folder;
  const std::vector<std::byte> bytes(34);
  const auto write = [&](const NamedTensor& t) {
    write_safetensors(folder / "m.safetensors", Metadata(), std::vector{source_of(t)});
  };
  EXPECT_THROW(write({"q", DType::q8_0, {32}, bytes}), UnsupportedError);
  EXPECT_THROW(write({"", DType::f16, {17}, bytes}), FormatError);
  EXPECT_THROW(write({"__metadata__", DType::f16, {17}, bytes}), FormatError);
  EXPECT_THROW(write({"a", DType::f16, {17, 0}, bytes}), FormatError);
  EXPECT_THROW(write({"a", DType::f16, {16}, bytes}), Error);
  EXPECT_THROW(write({"a", DType::f16, {18}, bytes}), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace bantam
