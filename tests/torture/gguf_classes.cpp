// What a GGUF file may get wrong before anything is known about its model.
#include <fmt/format.h>

#include "base_files.h"
#include "gguf_bytes.h"

namespace bantam::torture {
namespace {

using gguf::ValueType;

Files gguf(std::string bytes) { return {{"model.gguf", std::move(bytes)}}; }

void add_gguf(BadClasses& classes, const std::string& name, std::string bytes, std::string says) {
  add(classes, "gguf: " + name, {gguf(std::move(bytes)), std::move(says)});
}

void add_headers(BadClasses& classes) {
  const auto add_header = [&](const char* name, std::string bytes, const char* says) {
    add_gguf(classes, name, std::move(bytes), says);
  };
  const auto with_version = [](uint32_t version) {
    return GgufBytes().raw("GGUF").put(version).put(uint64_t{0}).put(uint64_t{0}).str();
  };
  add_header("an empty file", "", "not a GGUF file");
  add_header("three bytes", "GGU", "not a GGUF file");
  add_header("another magic", "GGML" + std::string(20, '\0'), "not a GGUF file");
  add_header("a magic turned round", "FUGG" + std::string(20, '\0'), "not a GGUF file");
  add_header("nothing after the magic", "GGUF", "the version");
  add_header("version 0", with_version(0), "GGUF version 0");
  add_header("version 1", with_version(1), "GGUF version 1");
  add_header("version 4", with_version(4), "GGUF version 4");
  add_header("version 2^32 - 1", with_version(UINT32_MAX), "GGUF version 4294967295");
  add_header("a big-endian file", with_version(0x03000000), "big-endian");
  add_header("no counts", GgufBytes().raw("GGUF").put(uint32_t{3}).str(), "the number of tensors");
  add_header("one count", GgufBytes().raw("GGUF").put(uint32_t{3}).put(uint64_t{0}).str(),
             "the number of metadata keys");
  add_header("no keys and no tensors", GgufBytes::header(0, 0).str(), "'general.architecture' is missing");
}

// One key; `value` are the bytes after the key and its type.
std::string file_with_key(ValueType type, const GgufBytes& value, std::string_view name = "k") {
  return GgufBytes::header(0, 1).key(name, type).raw(value.str()).str();
}

void add_metadata(BadClasses& classes) {
  const auto add_key = [&](const char* name, std::string bytes, const char* says) {
    add_gguf(classes, name, std::move(bytes), says);
  };
  const auto one_key = [] { return GgufBytes::header(0, 1); };
  const GgufBytes one = GgufBytes().put(uint8_t{1});
  add_key("a key twice",
          GgufBytes::header(0, 2).key("k", ValueType::u8).put(uint8_t{1}).key("k", ValueType::u8).put(uint8_t{1}).str(),
          "'k' occurs twice");
  add_key("a key of no bytes", file_with_key(ValueType::u32, GgufBytes().put(uint32_t{0}), ""), "expected 1 to 65535");
  add_key("a key of 65536 bytes", file_with_key(ValueType::u8, one, std::string(65536, 'k')), "has 65536 bytes");
  add_key("a key with a line end", file_with_key(ValueType::u8, one, "a\nb"), "\"a\\nb\" is not UTF-8");
  add_key("a key with a null", file_with_key(ValueType::u8, one, std::string_view("a\0b", 3)), "control characters");
  add_key("a key that is not UTF-8", file_with_key(ValueType::u8, one, "a\xFF"), "is not UTF-8");
  add_key("value type 13", one_key().text("k").put(uint32_t{13}).put(uint64_t{0}).str(), "value type 13 of 'k'");
  add_key("value type 2^32 - 1", one_key().text("k").put(UINT32_MAX).put(uint64_t{0}).str(), "value type 4294967295");
  add_key("a bool of 2", file_with_key(ValueType::boolean, GgufBytes().put(uint8_t{2})), "is stored as 2");
  add_key("a bool of 2 in an array", one_key().array("k", ValueType::boolean, 2).raw("\1\2").str(), "is stored as 2");
  add_key("a value cut short", file_with_key(ValueType::u64, GgufBytes().put(uint32_t{1})),
          "ends inside the value of 'k'");
  add_key("a key without a value", one_key().text("key").raw("abcd").str(), "value type");
  add_key("an array of arrays", one_key().array("k", ValueType::array, 1).put(ValueType::u8).put(uint64_t{0}).str(),
          "an array of arrays of 'k'");
  add_key("an array of value type 13", one_key().key("k", ValueType::array).put(uint32_t{13}).put(uint64_t{0}).str(),
          "value type 13");
  add_key("an array cut short", one_key().array("k", ValueType::u32, 3).put(uint64_t{0}).str(), "hold at most 2");
  add_key("strings cut short", one_key().array("k", ValueType::string, 2).text("a").raw("1234567").str(),
          "a string in an array");
  add_key("fewer keys than announced",
          GgufBytes::header(0, 2).key("k", ValueType::u8).put(uint8_t{1}).raw("12345678901234").str(),
          "a metadata key");
  add_key("alignment that is a string", one_key().key("general.alignment", ValueType::string).text("32").str(),
          "expected an integer");
  add_key("alignment that is a number", one_key().key("general.alignment", ValueType::f32).put(32.0f).str(),
          "expected an integer");
}

void add_tensors(BadClasses& classes) {
  const auto add_records = [&](const char* name, std::string bytes, const char* says) {
    add_gguf(classes, name, std::move(bytes), says);
  };
  const GgufRecord first = {}, second = {.name = "b", .offset = 32};
  add_records("a tensor name of no bytes", gguf_of({{.name = ""}}), "expected 1 to 256");
  add_records("a tensor name of 257 bytes", gguf_of({{.name = std::string(257, 'n')}}), "has 257 bytes");
  add_records("a tensor name that is not UTF-8", gguf_of({{.name = "\xC0\x80"}}), "is not UTF-8");
  add_records("a tensor name with an escape sequence", gguf_of({{.name = "\x1B[2J"}}), "control characters");
  add_records("two tensors of one name", gguf_of({first, {.offset = 32}}, 64), "two tensors are named 'a'");
  add_records("no dimensions", gguf_of({{.dims = 0, .shape = {}}}), "has 0 dimensions");
  add_records("five dimensions", gguf_of({{.dims = 5, .shape = {1, 1, 1, 1, 8}}}), "has 5 dimensions");
  add_records("2^32 - 1 dimensions", gguf_of({{.dims = UINT32_MAX}}), "has 4294967295 dimensions");
  add_records("more dimensions than the file holds",
              GgufBytes::header(1, 0).text("a").put(uint32_t{4}).raw(std::string(21, '\1')).str(),
              "expected 1 to 2147483647");
  add_records("dimensions that wrap to 32 bytes", gguf_of({{.dims = 3, .shape = {1u << 30, 1u << 30, 1u << 30}}}),
              "more than 2^63");
  add_records("dimensions of 2^63 bytes", gguf_of({{.dims = 3, .shape = {1u << 30, 1u << 30, 2}}}), "more than 2^63");
  add_records("an unknown weight format", gguf_of({{.dtype = 5}}), "weight format 5");
  add_records("weight format 2^32 - 1", gguf_of({{.dtype = UINT32_MAX}}), "it knows f32, f16, bf16");
  add_records("a row of part of a block", gguf_of({{.shape = {33}, .dtype = 8}}, 64), "whole blocks of 32");
  add_records("an offset off the alignment", gguf_of({{.offset = 16}}, 64), "a multiple of the alignment 32");
  add_records("a tensor past the end", gguf_of({first}, 31), "is the file complete?");
  add_records("a second tensor past the end", gguf_of({first, second}, 63), "tensor 'b'");
  add_records("no data at all", gguf_of({first}, 0), "tensor data ends at 0");
  add_records("two tensors in one place", gguf_of({first, {.name = "b"}}, 64), "overlap");
  add_records("a tensor inside another", gguf_of({{.shape = {16}}, second}, 64), "'a' and 'b' overlap");
  add_records("tensors out of order that overlap", gguf_of({second, {.shape = {16}}}, 64), "'a' and 'b' overlap");
  add_records("fewer tensors than announced", gguf_of({first}).replace(8, 1, "\2"), "tensor 1");
}

// One class for each field of small files, with exact reasons.
void add_boundaries(BadClasses& classes) {
  const auto add_class = [&](const std::string& name, std::string says, auto file_of) {
    classes.push_back({fmt::format("gguf: {} at its boundaries", name), [=] {
                         std::vector<BadFile> files;
                         for (const uint64_t n : kBoundaries) {
                           if (std::string file = file_of(n); !file.empty()) files.push_back({gguf(file), says});
                         }
                         return files;
                       }});
  };
  const auto above_1 = [](auto make) { return [make](uint64_t n) { return n > 1 ? make(n) : std::string(); }; };
  add_class("tensor count", "the number of tensors is",
            above_1([](uint64_t n) { return GgufBytes::header(n, 0).raw(std::string(40, '\0')).str(); }));
  add_class("key count", "the number of metadata keys is",
            above_1([](uint64_t n) { return GgufBytes::header(0, n).raw(std::string(26, '\0')).str(); }));
  add_class("string length", "ends inside the value of 'k'",
            above_1([](uint64_t n) { return GgufBytes::header(0, 1).key("k", ValueType::string).put(n).str(); }));
  add_class("key length", "ends inside a metadata key",
            above_1([](uint64_t n) { return GgufBytes::header(0, 1).put(n).raw("12345678").str(); }));
  add_class("name length", "ends inside the name of tensor 0",
            above_1([](uint64_t n) { return GgufBytes::header(1, 0).put(n).raw(std::string(32, 'n')).str(); }));
  for (uint32_t type = 0; type < gguf::kValueTypes; ++type) {
    add_class(fmt::format("length of an array of type {}", type), "the array length of 'k' is",
              above_1([type](uint64_t n) {
                return GgufBytes::header(0, 1).array("k", static_cast<ValueType>(type), n).raw("x").str();
              }));
  }
  add_class("dimension", "tensor 'a'", [](uint64_t n) { return n == 1 ? "" : gguf_of({{.shape = {n}}}); });
  add_class("second dimension", "tensor 'a'", [](uint64_t n) {
    return n == 1 ? "" : gguf_of({{.dims = 2, .shape = {8, n}}});
  });
  add_class("offset", "tensor 'a'", [](uint64_t n) { return n == 0 ? "" : gguf_of({{.offset = n}}); });
  add_class("rounded offset", "tensor 'a'", above_1([](uint64_t n) { return gguf_of({{.offset = n / 32 * 32}}); }));
  const auto with_alignment = [](uint64_t n) {
    return GgufBytes::header(0, 1).key("general.alignment", ValueType::u64).put(n).str();
  };
  add_class("alignment", "'general.alignment' is", with_alignment);
  classes.push_back({"gguf: an alignment that is no power of two from 8 to 65536", [=] {
                       std::vector<BadFile> files;
                       for (const uint64_t n : {2, 4, 9, 31, 33, 48, 65535, 65537, 131072}) {
                         files.push_back({gguf(with_alignment(n)), "'general.alignment' is"});
                       }
                       return files;
                     }});
}

// The same in a model's file, at every place that has the field.
void add_boundaries_in_a_model(BadClasses& classes) {
  for (size_t i = 0; i < std::size(kGgufFieldNames); ++i) {
    const auto field = static_cast<GgufField>(i);
    // Some of these may hold another value: a hyperparameter, a type of the same size or of fewer bytes.
    const bool harmless =
        field == GgufField::value || field == GgufField::value_type || field == GgufField::weight_format;
    classes.push_back({fmt::format("gguf model: {} at its boundaries", kGgufFieldNames[i]), [=] {
                         const std::string good = gguf_file().at("model.gguf");
                         std::vector<BadFile> files;
                         for (const GgufPlace& place : gguf_places(good)) {
                           if (place.field != field) continue;
                           for (const uint64_t n : kBoundaries) {
                             std::string bad = good;
                             bad.replace(place.at, place.bytes, reinterpret_cast<const char*>(&n), place.bytes);
                             if (bad == good || (files.size() > 400 && n > 1)) continue;
                             files.push_back({gguf(bad), "", harmless ? Expect::either : Expect::refused});
                           }
                         }
                         return files;
                       }});
  }
  classes.push_back({"gguf model: cut at every structural boundary", [] {
                       const std::string good = gguf_file().at("model.gguf");
                       std::vector<BadFile> files = {{gguf(good.substr(0, good.size() - 1))}};
                       for (const GgufPlace& place : gguf_places(good)) {
                         files.push_back({gguf(good.substr(0, place.at))});
                         files.push_back({gguf(good.substr(0, place.at + place.bytes / 2))});
                       }
                       return files;
                     }});
}

// Honest sizes that ask for more memory or time than they are worth.
void add_heavy(BadClasses& classes) {
  classes.push_back({"gguf: six million empty strings", [] {
                       constexpr uint64_t kStrings = 6'000'000;
                       return std::vector<BadFile>{{gguf(GgufBytes::header(0, 1)
                                                             .array("k", ValueType::string, kStrings)
                                                             .raw(std::string(8 * kStrings, '\0'))
                                                             .str()),
                                                    "takes more than the 56 MiB of memory that a model's may of 'k'"}};
                     }});
  classes.push_back(
      {"gguf: sixty million small integers", [] {
         constexpr uint64_t kNumbers = 60'000'000;
         return std::vector<BadFile>{
             {gguf(GgufBytes::header(0, 1).array("k", ValueType::u8, kNumbers).raw(std::string(kNumbers, '\0')).str()),
              "takes more than the 56 MiB of memory"}};
       }});
  classes.push_back({"gguf: a million keys", [] {
                       constexpr uint64_t kKeys = 1'000'000;
                       GgufBytes bytes = GgufBytes::header(0, kKeys);
                       for (uint64_t i = 0; i < kKeys; ++i) {
                         bytes.key(fmt::format("{}", i), ValueType::u8).put(uint8_t{0});
                       }
                       return std::vector<BadFile>{{gguf(bytes.str()), "expected at most 65536"}};
                     }});
  classes.push_back({"gguf: a million tensors", [] {
                       std::vector<GgufRecord> records(1'000'000);
                       for (size_t i = 0; i < records.size(); ++i) records[i].name = fmt::format("{}", i);
                       return std::vector<BadFile>{{gguf(gguf_of(records, 0)), "expected at most 65536"}};
                     }});
}

}  // namespace

BadClasses gguf_classes() {
  BadClasses classes;
  add_headers(classes);
  add_metadata(classes);
  add_tensors(classes);
  add_boundaries(classes);
  add_boundaries_in_a_model(classes);
  add_heavy(classes);
  return classes;
}

}  // namespace bantam::torture
