#include "formats/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/test_folder.h"

namespace bantam {
namespace {

using testing::HasSubstr;

// A file with this header, `data_bytes` of data after it.
std::string file_of(const std::string& header, size_t data_bytes, uint64_t announced = UINT64_MAX) {
  const uint64_t length = announced == UINT64_MAX ? header.size() : announced;
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + std::string(data_bytes, '\x3C');
}

ModelFile parse(const std::string& file) { return read_safetensors(std::as_bytes(std::span(file)), "x.safetensors"); }

// "" when the file is accepted.
std::string refusal(const std::string& file) {
  try {
    parse(file);
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

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

TEST(Safetensors, malformed_files_are_refused_with_the_reason) {
  const std::string good = tensor("a", "F32", "[2]", "[0,8]");
  const auto only = [](const std::string& record) { return file_of("{" + record + "}", 8); };
  ASSERT_EQ(refusal(only(good)), "");
  struct Case {
    std::string name, file, reason;
  };
  std::vector<Case> cases = {
      {"empty file", "", "too short"},
      {"seven bytes", std::string(7, '\0'), "too short"},
      {"header of no bytes", file_of("", 0), "begin with '{'"},
      {"header past the end", file_of("{}", 0, 3), "a header of 3 bytes"},
      {"header past the limit", file_of("{}", 0, 100'000'001), "a header of 100000001 bytes"},
      {"header of 2^31 bytes", file_of("{}", 0, 1ull << 31), "a header of"},
      {"header of 2^32 bytes", file_of("{}", 0, 1ull << 32), "a header of"},
      {"header of 2^62 bytes", file_of("{}", 0, 1ull << 62), "a header of"},
      {"header of 2^63 - 1 bytes", file_of("{}", 0, INT64_MAX), "a header of"},
      {"header of 2^64 - 2 bytes", file_of("{}", 0, UINT64_MAX - 1), "a header of"},
      {"header that is an array", file_of("[]", 0), "begin with '{'"},
      {"header cut short", file_of("{\"a\":{", 0), "not valid JSON"},
      {"header with bytes after it", file_of("{}x", 0), "not valid JSON"},
      {"header with invalid UTF-8", file_of("{\"\xFF\":1}", 0), "not valid JSON"},
      {"tensor that is a number", only("\"a\":1"), "expected an object"},
      {"tensor that is null", only("\"a\":null"), "expected an object"},
      {"tensor that is an array", only("\"a\":[]"), "expected an object"},
      {"tensor without a name", only(tensor("", "F32", "[2]", "[0,8]")), "expected 1 to 512"},
      {"tensor with a control character", only(tensor("a\\u0001", "F32", "[2]", "[0,8]")), "control characters"},
      {"tensor with a long name", only(tensor(std::string(513, 'n'), "F32", "[2]", "[0,8]")), "expected 1 to 512"},
      {"two tensors of one name", file_of("{" + good + "," + tensor("a", "F32", "[2]", "[8,16]") + "}", 16),
       "two tensors are named 'a'"},
      {"dtype missing", only(R"("a":{"shape":[2],"data_offsets":[0,8]})"), "has no 'dtype'"},
      {"shape missing", only(R"("a":{"dtype":"F32","data_offsets":[0,8]})"), "has no 'shape'"},
      {"offsets missing", only(R"("a":{"dtype":"F32","shape":[2]})"), "has no 'data_offsets'"},
      {"dtype twice", only(R"("a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]})"), "two fields"},
      {"shape twice", only(R"("a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]})"), "two fields"},
      {"unknown field", only(R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1})"), "the field \"x\""},
      {"unknown dtype", only(tensor("a", "I64", "[1]", "[0,8]")), "expected one of F32, F16, BF16, F64"},
      {"lower case dtype", only(tensor("a", "f32", "[2]", "[0,8]")), "expected one of"},
      {"dtype that is a number", only(R"("a":{"dtype":0,"shape":[2],"data_offsets":[0,8]})"), "expected a dtype"},
      {"shape that is a number", only(tensor("a", "F32", "2", "[0,8]")), "expected a list of sizes"},
      {"shape with a string", only(tensor("a", "F32", "[\"2\"]", "[0,8]")), "expected a list of sizes"},
      {"shape with a fraction", only(tensor("a", "F32", "[2.0]", "[0,8]")), "expected a list of sizes"},
      {"shape in a shape", only(tensor("a", "F32", "[[2]]", "[0,8]")), "expected a list of sizes"},
      {"shape with an object", only(tensor("a", "F32", "[{}]", "[0,8]")), "expected a list of sizes"},
      {"shape of nine dimensions", only(tensor("a", "F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]")), "more than 8"},
      {"shape below zero", only(tensor("a", "F32", "[-2]", "[0,8]")), "a negative number"},
      {"shape of 2^64", only(tensor("a", "F32", "[18446744073709551616]", "[0,8]")), "past 2^64"},
      {"shape that wraps to 8 bytes", only(tensor("a", "F32", "[2147483646,2147483646,2147483646,2]", "[0,8]")),
       "more than 2^63"},
      {"one offset", only(tensor("a", "F32", "[2]", "[0]")), "has 1 data_offsets"},
      {"three offsets", only(tensor("a", "F32", "[2]", "[0,8,8]")), "has 3 data_offsets"},
      {"offsets below zero", only(tensor("a", "F32", "[2]", "[-8,0]")), "a negative number"},
      {"offsets reversed", only(tensor("a", "F32", "[2]", "[8,0]")), "lies at bytes 8 to 0"},
      {"offsets past the end", only(tensor("a", "F32", "[4]", "[0,16]")), "is the file complete?"},
      {"fewer bytes than the shape", only(tensor("a", "F32", "[3]", "[0,8]")), "ask for 12"},
      {"more bytes than the shape", only(tensor("a", "F32", "[1]", "[0,8]")), "ask for 4"},
      {"hole at the start", only(tensor("a", "F32", "[1]", "[4,8]")), "expected 0"},
      {"hole between two", file_of("{" + good + "," + tensor("b", "F32", "[1]", "[12,16]") + "}", 16), "expected 8"},
      {"overlap", file_of("{" + good + "," + tensor("b", "F32", "[1]", "[4,8]") + "}", 8), "expected 8"},
      {"same bytes twice", file_of("{" + good + "," + tensor("b", "F32", "[2]", "[0,8]") + "}", 8), "expected 8"},
      {"bytes that no tensor owns", file_of("{" + good + "}", 9), "its tensors take 8"},
      {"metadata that is a string", only("\"__metadata__\":\"pt\"," + good), "expected an object"},
      {"metadata with a number", only("\"__metadata__\":{\"format\":1}," + good), "expected a string"},
      {"metadata with an object", only("\"__metadata__\":{\"format\":{}}," + good), "expected a string"},
      {"metadata key twice", only("\"__metadata__\":{\"f\":\"1\",\"f\":\"2\"}," + good), "occurs twice"},
      {"nesting without end", file_of("{\"a\":{\"shape\":" + std::string(100000, '['), 0), "expected a list of sizes"},
  };
  for (const char* size : {"0", "2147483647", "2147483648", "4294967295", "4294967296", "4611686018427387904",
                           "9223372036854775807", "18446744073709551615"}) {
    cases.push_back({fmt::format("dimension of {}", size), only(tensor("a", "F32", fmt::format("[{}]", size), "[0,8]")),
                     "tensor 'a'"});
    cases.push_back(
        {fmt::format("end at {}", size), only(tensor("a", "F32", "[2]", fmt::format("[0,{}]", size))), "tensor 'a'"});
    cases.push_back({fmt::format("begin at {}", size),
                     only(tensor("a", "F32", "[2]", fmt::format("[{},{}]", size, size))), "tensor 'a'"});
  }
  for (const Case& c : cases) {
    const std::string said = refusal(c.file);
    EXPECT_THAT(said, HasSubstr("x.safetensors: ")) << c.name;
    EXPECT_THAT(said, HasSubstr(c.reason)) << c.name;
  }
}

const std::string& small_file() {
  static const std::string file =
      file_of("{\"__metadata__\":{\"format\":\"pt\"}," + tensor("a.weight", "F32", "[2,1]", "[0,8]") + "," +
                  tensor("b", "BF16", "[2]", "[8,12]") + "}",
              12);
  return file;
}

TEST(Safetensors, a_file_cut_short_anywhere_is_refused) {
  ASSERT_EQ(refusal(small_file()), "");
  for (size_t length = 0; length < small_file().size(); ++length) {
    const std::vector<char> cut(small_file().begin(), small_file().begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_THROW(read_safetensors(std::as_bytes(std::span(cut)), "cut"), FormatError) << length;
  }
}

TEST(Safetensors, a_file_with_any_byte_changed_is_read_or_refused_but_never_trusted) {
  size_t refused = 0;
  for (size_t at = 0; at < small_file().size(); ++at) {
    for (const unsigned change : {0x01u, 0x10u, 0x80u, 0xFFu}) {
      std::string file = small_file();
      file[at] = static_cast<char>(static_cast<unsigned char>(file[at]) ^ change);
      try {
        const ModelFile read = parse(file);
        for (const NamedTensor& t : read.tensors()) {
          ASSERT_EQ(t.bytes.size(), tensor_bytes("", t.name, t.dtype, t.shape));
        }
      } catch (const Error&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, small_file().size());
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
