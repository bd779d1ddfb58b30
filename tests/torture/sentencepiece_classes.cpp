// What a SentencePiece tokenizer.model may get wrong.
#include <fmt/format.h>

#include <limits>

#include "base_files.h"
#include "protobuf_bytes.h"

namespace bantam::torture {
namespace {

using namespace proto;

constexpr uint64_t kNone = UINT64_MAX;  // -1 as protocol buffers write it

void add_model(BadClasses& classes, const char* name, const std::string& bytes, const char* says,
               Expect expect = Expect::refused) {
  add(classes, fmt::format("tokenizer.model: {}", name), {sentencepiece_folder(bytes), says, expect});
}

void add_wire_format(BadClasses& classes) {
  const std::string good = sentencepiece_model();
  add_model(classes, "no bytes", "", "has no pieces");
  add_model(classes, "a list of another program", "IQ== 0\nIg== 1\n", "tokenizer.model");
  add_model(classes, "a length past the end",
            good +
                "\x0A\x05"
                "abcd",
            "ends behind the end");
  add_model(classes, "a length of 2^64 - 1", good + "\x0A" + varint(UINT64_MAX), "ends behind the end");
  add_model(classes, "a length of 2^63", good + "\x0A" + varint(uint64_t{1} << 63), "ends behind the end");
  add_model(classes, "a length of 2^32 + 1", good + "\x0A" + varint((uint64_t{1} << 32) + 1), "ends behind the end");
  add_model(classes, "a length that is missing", good + "\x0A", "ends behind the end");
  add_model(classes, "a number without an end", good + std::string(11, '\xFF'), "more than ten bytes");
  add_model(classes, "a number cut short", good + "\x0A\x80", "ends behind the end");
  add_model(classes, "four bytes cut short",
            good + text(1,
                        "\x15"
                        "ab"),
            "ends behind the end");
  add_model(classes, "eight bytes cut short",
            good + text(2,
                        "\x11"
                        "abcdef"),
            "ends behind the end");
  add_model(classes, "field 0", good + std::string("\0\0", 2), "no valid field number");
  add_model(classes, "field 2^32", good + varint(uint64_t{1} << 35) + varint(0), "no valid field number");
  for (const int type : {3, 4, 6, 7}) {
    add_model(classes, fmt::format("wire type {}", type).c_str(), good + static_cast<char>(1 << 3 | type), "wire type");
  }
  add_model(classes, "a piece that is a number", good + number(1, 5), "field 1 is not a message");
  add_model(classes, "a trainer that is a number", good + number(2, 5), "field 2 is not a message");
  add_model(classes, "a piece past the end of the model", text(1, text(1, "abc")).substr(0, 4), "ends behind the end");
  add_model(classes, "messages of a million levels", good + std::string(1'000'000, '\x0A'), "tokenizer.model");
  classes.push_back({"tokenizer.model: cut in many places", [] {
                       const std::string whole = sentencepiece_model();
                       std::vector<BadFile> files;
                       for (size_t end = 0; end < whole.size(); end += 1 + whole.size() / 200) {
                         files.push_back({sentencepiece_folder(whole.substr(0, end)), "", Expect::either});
                       }
                       return files;
                     }});
}

void add_contents(BadClasses& classes) {
  const std::string good = sentencepiece_model();
  const auto add_piece = [&](const char* name, const std::string& bytes) {
    add_model(classes, name, good + bytes, "expected UTF-8, a number and 1 to 6");
  };
  const auto add_trainer = [&](const char* name, const std::string& fields, const char* says) {
    add_model(classes, name, good + text(2, fields), says);
  };
  add_piece("a piece without text", text(1, four_bytes(2, 0)));
  add_piece("a piece that is not UTF-8", piece("\xFF", 0, 1));
  add_piece("a piece cut inside a character", piece("\xE2\x96", 0, 1));
  add_piece("a piece of type 0", piece("a", 0, 0));
  add_piece("a piece of type 7", piece("a", 0, 7));
  add_piece("a piece of type 2^64 - 1", piece("a", 0, UINT64_MAX));
  add_piece("a score that is no number", piece("a", std::numeric_limits<float>::quiet_NaN(), 1));
  add_piece("a score without an end", piece("a", std::numeric_limits<float>::infinity(), 1));
  add_piece("a score without a beginning", piece("a", -std::numeric_limits<float>::infinity(), 1));
  add_model(classes, "a byte that is none", good + piece("<0xZZ>", 0, 6), "expected <0x00> to <0xFF>");
  add_model(classes, "a piece of 2000 bytes", good + piece(std::string(2000, 'x'), 0, 1), "expected at most");
  add_trainer("a model of words", number(3, 3), "'model_type' is 3");
  add_trainer("a model of characters", number(3, 4), "'model_type' is 4");
  add_trainer("a model of type 0", number(3, 0), "'model_type' is 0");
  add_trainer("a model of type 2^64 - 1", number(3, UINT64_MAX), "'model_type' is");
  add_trainer("spaces behind words", number(24, 1), "treat_whitespace_as_suffix");
  add_model(classes, "spaces that stay", good + text(3, number(5, 0)), "escape_whitespaces");
  add_model(classes, "a table of characters that is none", good + text(3, text(2, "abc")), "table of characters");
  add_model(classes, "no token for anything unknown",
            piece("a", 0, 1) + text(2, number(3, 2) + number(40, kNone) + number(41, kNone) + number(42, kNone)),
            "no 'tokenizer.ggml.unknown_token_id'");
  struct Id {
    const char* name;
    uint64_t field;
  };
  for (const Id id : {Id{"unknown", 40}, Id{"bos", 41}, Id{"eos", 42}, Id{"padding", 43}}) {
    classes.push_back({fmt::format("tokenizer.model: the {} token at its boundaries", id.name), [=] {
                         std::vector<BadFile> files;
                         for (const uint64_t n : kBoundaries) {
                           const bool fine = n <= 1 || n == kNone;
                           files.push_back({sentencepiece_folder(sentencepiece_model() + text(2, number(id.field, n))),
                                            "", fine ? Expect::either : Expect::refused});
                         }
                         return files;
                       }});
  }
  classes.push_back({"tokenizer.model: more pieces than rows of the embedding", [] {
                       std::string bytes = sentencepiece_model();
                       for (int i = 0; i < kVocabulary; ++i) bytes += piece(fmt::format("x{}", i), -1, 1);
                       return std::vector<BadFile>{{sentencepiece_folder(bytes), "do not belong together"}};
                     }});
  classes.push_back({"tokenizer.model: two million pieces", [] {
                       const std::string one = text(1, text(1, "a"));
                       std::string bytes = sentencepiece_model();
                       for (int i = 0; i < 2'000'000; ++i) bytes += one;
                       return std::vector<BadFile>{{sentencepiece_folder(bytes), "memory"}};
                     }});
}

}  // namespace

BadClasses sentencepiece_classes() {
  BadClasses classes;
  add_wire_format(classes);
  add_contents(classes);
  return classes;
}

}  // namespace bantam::torture
