// What a GGUF file may get wrong, one small file each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/test_folder.h"
#include "formats/gguf.h"
#include "formats/gguf_layout.h"

namespace bantam {
namespace {

using gguf::ValueType;
using testing::HasSubstr;

// Bytes of a GGUF file, put together piece by piece.
class Bytes {
 public:
  template <class T>
  Bytes& put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Bytes& text(std::string_view text) {
    put(uint64_t{text.size()});
    bytes_.append(text);
    return *this;
  }
  Bytes& raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }
  // A key and its type; the value follows.
  Bytes& key(std::string_view name, ValueType type) { return text(name).put(type); }
  Bytes& array(std::string_view name, ValueType element, uint64_t n) {
    return key(name, ValueType::array).put(element).put(n);
  }
  Bytes& pad(size_t alignment = 32) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment, '\0');
    return *this;
  }
  const std::string& str() const { return bytes_; }

 private:
  std::string bytes_;
};

Bytes header(uint64_t tensors, uint64_t keys) { return Bytes().raw("GGUF").put(uint32_t{3}).put(tensors).put(keys); }

// One tensor record; the defaults are right for 32 bytes of data.
struct Record {
  std::string name = "a";
  uint32_t dims = 1;
  std::vector<uint64_t> shape = {8};
  uint32_t dtype = 0;
  uint64_t offset = 0;
};

Bytes& put(Bytes& out, const Record& r) {
  out.text(r.name).put(r.dims);
  for (const uint64_t size : r.shape) out.put(size);
  return out.put(r.dtype).put(r.offset);
}

std::string file_with(const std::vector<Record>& records, size_t data_bytes = 32) {
  Bytes out = header(records.size(), 0);
  for (const Record& r : records) put(out, r);
  return out.pad().raw(std::string(data_bytes, '\x11')).str();
}

// One key; `value` are the bytes after the key and its type.
std::string file_with_key(ValueType type, const Bytes& value, std::string_view name = "k") {
  return header(0, 1).key(name, type).raw(value.str()).str();
}

std::string file_with_alignment(uint64_t alignment) {
  Bytes out = header(1, 1).key("general.alignment", ValueType::u64).put(alignment);
  return put(out, {}).pad(65536).raw(std::string(32, '\x11')).str();
}

ModelFile parse(const std::string& file) { return read_gguf(std::as_bytes(std::span(file)), "x.gguf"); }

// Nothing when the file is accepted.
std::optional<std::string> refusal(const std::string& file) {
  try {
    parse(file);
    return std::nullopt;
  } catch (const Error& e) {
    return e.what();
  }
}

constexpr uint64_t kBoundaries[] = {0,
                                    1,
                                    (1ull << 31) - 1,
                                    1ull << 31,
                                    (1ull << 31) + 1,
                                    (1ull << 32) - 1,
                                    1ull << 32,
                                    (1ull << 32) + 1,
                                    1ull << 62,
                                    (1ull << 63) - 1,
                                    1ull << 63,
                                    UINT64_MAX};

TEST(GgufMalformed, the_smallest_files_of_these_tests_are_accepted) {
  EXPECT_EQ(refusal(header(0, 0).str()), std::nullopt);
  EXPECT_EQ(refusal(file_with({Record{}})), std::nullopt);
  EXPECT_EQ(refusal(file_with_key(ValueType::u8, Bytes().put(uint8_t{1}))), std::nullopt);
  for (const uint64_t alignment : {8, 16, 32, 64, 4096, 65536}) {
    EXPECT_EQ(refusal(file_with_alignment(alignment)), std::nullopt) << alignment;
  }
}

struct Case {
  std::string name, file, reason;
};

std::vector<Case> header_cases() {
  const auto with_version = [](uint32_t version) {
    return Bytes().raw("GGUF").put(version).put(uint64_t{0}).put(uint64_t{0}).str();
  };
  return {
      {"an empty file", "", "not a GGUF file"},
      {"three bytes", "GGU", "not a GGUF file"},
      {"another magic", "GGML" + std::string(20, '\0'), "not a GGUF file"},
      {"a magic turned round", "FUGG" + std::string(20, '\0'), "not a GGUF file"},
      {"nothing after the magic", "GGUF", "the version"},
      {"version 0", with_version(0), "GGUF version 0"},
      {"version 1", with_version(1), "GGUF version 1"},
      {"version 4", with_version(4), "GGUF version 4"},
      {"version 2^32 - 1", with_version(UINT32_MAX), "GGUF version 4294967295"},
      {"a big-endian file", with_version(0x03000000), "big-endian"},
      {"no counts", Bytes().raw("GGUF").put(uint32_t{3}).str(), "the number of tensors"},
      {"one count", Bytes().raw("GGUF").put(uint32_t{3}).put(uint64_t{0}).str(), "the number of metadata keys"},
  };
}

std::vector<Case> metadata_cases() {
  const Bytes one = Bytes().put(uint8_t{1});
  const auto two_keys = [](std::string_view a, std::string_view b) {
    return header(0, 2).key(a, ValueType::u8).put(uint8_t{1}).key(b, ValueType::u8).put(uint8_t{1}).str();
  };
  return {
      {"a key twice", two_keys("k", "k"), "'k' occurs twice"},
      {"a key of no bytes", file_with_key(ValueType::u32, Bytes().put(uint32_t{0}), ""), "expected 1 to 65535"},
      {"a key of 65536 bytes", file_with_key(ValueType::u8, one, std::string(65536, 'k')), "has 65536 bytes"},
      {"a key with a line end", file_with_key(ValueType::u8, one, "a\nb"), "\"a\\nb\" is not UTF-8"},
      {"a key with a null", file_with_key(ValueType::u8, one, std::string_view("a\0b", 3)), "control characters"},
      {"a key that is not UTF-8", file_with_key(ValueType::u8, one, "a\xFF"), "is not UTF-8"},
      {"value type 13", header(0, 1).text("k").put(uint32_t{13}).put(uint64_t{0}).str(), "value type 13 of 'k'"},
      {"value type 2^32 - 1", header(0, 1).text("k").put(UINT32_MAX).put(uint64_t{0}).str(), "value type 4294967295"},
      {"a bool of 2", file_with_key(ValueType::boolean, Bytes().put(uint8_t{2})), "is stored as 2"},
      {"a bool of 2 in an array", header(0, 1).array("k", ValueType::boolean, 2).raw("\1\2").str(), "is stored as 2"},
      {"a value cut short", file_with_key(ValueType::u64, Bytes().put(uint32_t{1})), "ends inside the value of 'k'"},
      {"a key without a value", header(0, 1).text("key").raw("abcd").str(), "value type"},
      {"an array of arrays", header(0, 1).array("k", ValueType::array, 1).put(ValueType::u8).put(uint64_t{0}).str(),
       "an array of arrays of 'k'"},
      {"an array of value type 13", header(0, 1).key("k", ValueType::array).put(uint32_t{13}).put(uint64_t{0}).str(),
       "value type 13"},
      {"an array cut short", header(0, 1).array("k", ValueType::u32, 3).put(uint64_t{0}).str(), "hold at most 2"},
      {"strings cut short", header(0, 1).array("k", ValueType::string, 2).text("a").raw("1234567").str(),
       "a string in an array"},
      {"fewer keys than announced", header(0, 2).key("k", ValueType::u8).put(uint8_t{1}).raw("12345678901234").str(),
       "a metadata key"},
      {"alignment that is a string", header(0, 1).key("general.alignment", ValueType::string).text("32").str(),
       "expected an integer"},
      {"alignment that is a number", header(0, 1).key("general.alignment", ValueType::f32).put(32.0f).str(),
       "expected an integer"},
  };
}

std::vector<Case> tensor_cases() {
  const Record second = {.name = "b", .offset = 32};
  return {
      {"a name of no bytes", file_with({{.name = ""}}), "expected 1 to 256"},
      {"a name of 257 bytes", file_with({{.name = std::string(257, 'n')}}), "has 257 bytes"},
      {"a name that is not UTF-8", file_with({{.name = "\xC0\x80"}}), "is not UTF-8"},
      {"a name with an escape sequence", file_with({{.name = "\x1B[2J"}}), "control characters"},
      {"two tensors of one name", file_with({Record{}, {.offset = 32}}, 64), "two tensors are named 'a'"},
      {"no dimensions", file_with({{.dims = 0, .shape = {}}}), "has 0 dimensions"},
      {"five dimensions", file_with({{.dims = 5, .shape = {1, 1, 1, 1, 8}}}), "has 5 dimensions"},
      {"2^32 - 1 dimensions", file_with({{.dims = UINT32_MAX}}), "has 4294967295 dimensions"},
      {"more dimensions than the file holds", header(1, 0).text("a").put(uint32_t{4}).raw(std::string(21, '\1')).str(),
       "expected 1 to 2147483647"},
      {"dimensions that wrap to 32 bytes", file_with({{.dims = 3, .shape = {1u << 30, 1u << 30, 1u << 30}}}),
       "more than 2^63"},
      {"dimensions of 2^63 bytes", file_with({{.dims = 3, .shape = {1u << 30, 1u << 30, 2}}}), "more than 2^63"},
      {"an unknown weight format", file_with({{.dtype = 5}}), "weight format 5"},
      {"weight format 2^32 - 1", file_with({{.dtype = UINT32_MAX}}), "it knows f32, f16, bf16"},
      {"a row of part of a block", file_with({{.shape = {33}, .dtype = 8}}, 64), "whole blocks of 32"},
      {"an offset off the alignment", file_with({{.offset = 16}}, 64), "a multiple of the alignment 32"},
      {"a tensor past the end", file_with({Record{}}, 31), "is the file complete?"},
      {"a second tensor past the end", file_with({Record{}, second}, 63), "tensor 'b'"},
      {"no data at all", file_with({Record{}}, 0), "tensor data ends at 0"},
      {"two tensors in one place", file_with({Record{}, {.name = "b"}}, 64), "overlap"},
      {"a tensor inside another", file_with({{.shape = {16}}, second}, 64), "'a' and 'b' overlap"},
      {"tensors out of order that overlap", file_with({second, {.shape = {16}}}, 64), "'a' and 'b' overlap"},
      {"fewer tensors than announced", file_with({Record{}}).replace(8, 1, "\2"), "tensor 1"},
  };
}

std::vector<Case> boundary_cases() {
  std::vector<Case> cases;
  for (const uint64_t n : kBoundaries) {
    const auto add = [&](std::string_view what, std::string file, std::string reason = "x.gguf: ") {
      cases.push_back({fmt::format("{} of {}", what, n), std::move(file), std::move(reason)});
    };
    const bool tiny = n <= 1;
    if (!tiny) {
      add("tensor count", header(n, 0).raw(std::string(40, '\0')).str(), "the number of tensors is");
      add("key count", header(0, n).raw(std::string(26, '\0')).str(), "the number of metadata keys is");
      add("string length", header(0, 1).key("k", ValueType::string).put(n).str(), "ends inside the value of 'k'");
      add("key length", header(0, 1).put(n).raw("12345678").str(), "ends inside a metadata key");
      add("name length", header(1, 0).put(n).raw(std::string(32, 'n')).str(), "ends inside the name of tensor 0");
      for (uint32_t type = 0; type < gguf::kValueTypes; ++type) {
        const auto element = static_cast<ValueType>(type);
        add(fmt::format("length of an array of type {}", type), header(0, 1).array("k", element, n).raw("x").str(),
            "the array length of 'k' is");
      }
    }
    if (n != 1) add("dimension", file_with({{.shape = {n}}}), "tensor 'a'");
    if (n != 1) add("second dimension", file_with({{.dims = 2, .shape = {8, n}}}), "tensor 'a'");
    if (n != 0) add("offset", file_with({{.offset = n}}), "tensor 'a'");
    if (!tiny) add("rounded offset", file_with({{.offset = n / 32 * 32}}), "tensor 'a'");
    add("alignment", file_with_alignment(n), "'general.alignment' is");
  }
  for (const uint64_t n : {2, 4, 9, 31, 33, 48, 65535, 65537, 131072}) {
    cases.push_back({fmt::format("alignment of {}", n), file_with_alignment(n), "'general.alignment' is"});
  }
  return cases;
}

void expect_refusals(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    const auto said = refusal(c.file);
    ASSERT_TRUE(said) << c.name << " was accepted";
    EXPECT_THAT(*said, HasSubstr("x.gguf: ")) << c.name;
    EXPECT_THAT(*said, HasSubstr(c.reason)) << c.name;
  }
}

TEST(GgufMalformed, broken_headers_are_refused_with_their_reason) { expect_refusals(header_cases()); }
TEST(GgufMalformed, broken_metadata_is_refused_with_its_reason) { expect_refusals(metadata_cases()); }
TEST(GgufMalformed, broken_tensors_are_refused_with_their_reason) { expect_refusals(tensor_cases()); }
TEST(GgufMalformed, counts_sizes_and_offsets_at_every_boundary_are_refused) { expect_refusals(boundary_cases()); }

// Two keys of every nested kind and two tensors, 300 bytes.
std::string small_file() {
  Bytes out = header(2, 3);
  out.key("general.name", ValueType::string).text("small");
  out.array("k.strings", ValueType::string, 2).text("a").text("");
  out.array("k.floats", ValueType::f32, 2).put(1.0f).put(2.0f);
  put(out, {});
  put(out, {.name = "b", .dims = 2, .shape = {32, 1}, .dtype = 8, .offset = 32});
  return out.pad().raw(std::string(32 + 34, '\x22')).str();
}

TEST(GgufMalformed, a_file_cut_short_anywhere_is_refused) {
  const std::string file = small_file();
  ASSERT_EQ(refusal(file), std::nullopt);
  for (size_t length = 0; length < file.size(); ++length) {
    const std::vector<char> cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_THROW(read_gguf(std::as_bytes(std::span(cut)), "cut"), Error) << length;
  }
}

TEST(GgufMalformed, a_file_with_any_byte_changed_is_read_or_refused_but_never_trusted) {
  const std::string good = small_file();
  size_t refused = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    for (const unsigned change : {0x01u, 0x08u, 0x80u, 0xFFu}) {
      std::string file = good;
      file[at] = static_cast<char>(static_cast<unsigned char>(file[at]) ^ change);
      try {
        const ModelFile read = parse(file);
        for (const NamedTensor& t : read.tensors()) {
          const auto offset = reinterpret_cast<const char*>(t.bytes.data()) - file.data();
          ASSERT_LE(static_cast<size_t>(offset) + t.bytes.size(), file.size());
          ASSERT_EQ(t.bytes.size(), tensor_bytes("", t.name, t.dtype, t.shape));
        }
      } catch (const Error&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, good.size());
}

// An honest file can name far more than it is worth: 48 MB of empty strings would be 6 million std::string.
TEST(GgufMalformed, metadata_that_would_fill_the_memory_is_refused_at_once) {
  constexpr uint64_t kStrings = 6'000'000;
  const std::string file =
      header(0, 1).array("k", ValueType::string, kStrings).raw(std::string(8 * kStrings, '\0')).str();
  const std::clock_t start = std::clock();
  const auto said = refusal(file);
  const double cpu_ms = 1000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  ASSERT_TRUE(said);
  EXPECT_THAT(*said, HasSubstr("takes more than the 56 MiB of memory that a model's may of 'k'"));
  EXPECT_LT(cpu_ms, 100);
}

TEST(GgufMalformed, what_a_reader_would_refuse_is_not_written) {
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

}  // namespace
}  // namespace bantam
