// What a safetensors file may get wrong.
#include <fmt/format.h>

#include "base_files.h"

namespace bantam::torture {
namespace {

// A file with this header and `data_bytes` of data after it.
std::string file_of(const std::string& header, size_t data_bytes, uint64_t announced = UINT64_MAX) {
  const uint64_t length = announced == UINT64_MAX ? header.size() : announced;
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + std::string(data_bytes, '\x3C');
}

std::string tensor(const std::string& name, const std::string& dtype, const std::string& shape,
                   const std::string& offsets) {
  return fmt::format(R"("{}":{{"dtype":"{}","shape":{},"data_offsets":{}}})", name, dtype, shape, offsets);
}

std::string only(const std::string& record) { return file_of("{" + record + "}", 8); }

Files safetensors(std::string bytes) { return {{"weights.safetensors", std::move(bytes)}}; }

struct Row {
  const char* name;
  std::string bytes;
  const char* says;
};

std::vector<Row> header_rows() {
  return {
      {"empty file", "", "too short"},
      {"seven bytes", std::string(7, '\0'), "too short"},
      {"header of no bytes", file_of("", 0), "begin with '{'"},
      {"header past the end", file_of("{}", 0, 3), "a header of 3 bytes"},
      {"header past the limit", file_of("{}", 0, 100'000'001), "a header of 100000001 bytes"},
      {"header that is an array", file_of("[]", 0), "begin with '{'"},
      {"header cut short", file_of("{\"a\":{", 0), "not valid JSON"},
      {"header with bytes after it", file_of("{}x", 0), "not valid JSON"},
      {"header with invalid UTF-8", file_of("{\"\xFF\":1}", 0), "not valid JSON"},
      {"bytes that no tensor owns", file_of("{" + tensor("a", "F32", "[2]", "[0,8]") + "}", 9), "its tensors take 8"},
      {"nesting without end", file_of("{\"a\":{\"shape\":" + std::string(100000, '['), 0), "expected a list of sizes"},
  };
}

std::vector<Row> record_rows() {
  const std::string good = tensor("a", "F32", "[2]", "[0,8]");
  const auto pair = [&](const std::string& second, size_t bytes) {
    return file_of("{" + good + "," + second + "}", bytes);
  };
  return {
      {"tensor that is a number", only("\"a\":1"), "expected an object"},
      {"tensor that is null", only("\"a\":null"), "expected an object"},
      {"tensor that is an array", only("\"a\":[]"), "expected an object"},
      {"tensor without a name", only(tensor("", "F32", "[2]", "[0,8]")), "expected 1 to 512"},
      {"tensor with a control character", only(tensor("a\\u0001", "F32", "[2]", "[0,8]")), "control characters"},
      {"tensor with a long name", only(tensor(std::string(513, 'n'), "F32", "[2]", "[0,8]")), "expected 1 to 512"},
      {"two tensors of one name", pair(tensor("a", "F32", "[2]", "[8,16]"), 16), "two tensors are named 'a'"},
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
      {"hole between two", pair(tensor("b", "F32", "[1]", "[12,16]"), 16), "expected 8"},
      {"overlap", pair(tensor("b", "F32", "[1]", "[4,8]"), 8), "expected 8"},
      {"same bytes twice", pair(tensor("b", "F32", "[2]", "[0,8]"), 8), "expected 8"},
      {"metadata that is a string", only("\"__metadata__\":\"pt\"," + good), "expected an object"},
      {"metadata with a number", only("\"__metadata__\":{\"format\":1}," + good), "expected a string"},
      {"metadata with an object", only("\"__metadata__\":{\"format\":{}}," + good), "expected a string"},
      {"metadata key twice", only("\"__metadata__\":{\"f\":\"1\",\"f\":\"2\"}," + good), "occurs twice"},
  };
}

template <class MakeFile>
void add_boundaries(BadClasses& classes, const char* name, const char* says, const MakeFile& make_file) {
  classes.push_back({fmt::format("safetensors: {} at its boundaries", name), [=] {
                       std::vector<BadFile> files;
                       for (const uint64_t n : kBoundaries) {
                         if (n != 1) files.push_back({safetensors(make_file(n)), says});
                       }
                       return files;
                     }});
}

void add_heavy(BadClasses& classes) {
  classes.push_back({"safetensors: half a million tensors", [] {
                       std::string header = "{";
                       for (int i = 0; i < 500'000; ++i) {
                         header += fmt::format("\"{}\":{{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}},", i);
                       }
                       header.back() = '}';
                       return std::vector<BadFile>{{safetensors(file_of(header, 0)), "more than 20000 tensors"}};
                     }});
}

}  // namespace

BadClasses safetensors_classes() {
  BadClasses classes;
  for (const auto& rows : {header_rows(), record_rows()}) {
    for (const Row& row : rows) {
      add(classes, fmt::format("safetensors: {}", row.name), {safetensors(row.bytes), row.says});
    }
  }
  add_boundaries(classes, "header length", "header",
                 [](uint64_t n) { return file_of("{}", 0, n - (n == UINT64_MAX)); });
  add_boundaries(classes, "dimension", "tensor 'a'",
                 [](uint64_t n) { return only(tensor("a", "F32", fmt::format("[{}]", n), "[0,8]")); });
  add_boundaries(classes, "end", "tensor 'a'",
                 [](uint64_t n) { return only(tensor("a", "F32", "[2]", fmt::format("[0,{}]", n))); });
  add_boundaries(classes, "begin", "tensor 'a'",
                 [](uint64_t n) { return only(tensor("a", "F32", "[2]", fmt::format("[{},{}]", n, n))); });
  classes.push_back({"safetensors: cut anywhere", [] {
                       const std::string good = file_of("{\"__metadata__\":{\"format\":\"pt\"}," +
                                                            tensor("a.weight", "F32", "[2,1]", "[0,8]") + "," +
                                                            tensor("b", "BF16", "[2]", "[8,12]") + "}",
                                                        12);
                       std::vector<BadFile> files;
                       for (size_t end = 0; end < good.size(); ++end)
                         files.push_back({safetensors(good.substr(0, end))});
                       return files;
                     }});
  add_heavy(classes);
  return classes;
}

}  // namespace bantam::torture
