// Malformed files by name: what every loader must refuse. The tables of this folder make them, torture_test runs each
// class once and `make torture` all of them and thousands of random changes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bantam::torture {

// A file's name and bytes. One alone is opened as it is, several are a Hugging Face folder.
using Files = std::map<std::string, std::string>;

enum class Expect : uint8_t {
  refused,  // with a typed error that names the file
  either,   // refused so, or loaded and used within the limits
};

struct BadFile {
  Files files;
  std::string says = {};  // what the error contains besides the file's name
  Expect expect = Expect::refused;
};

// Made when they are needed: some are large.
struct BadClass {
  std::string name;
  std::function<std::vector<BadFile>()> make;
};
using BadClasses = std::vector<BadClass>;

inline void add(BadClasses& classes, std::string name, BadFile file) {
  classes.push_back({std::move(name), [file = std::move(file)] { return std::vector{file}; }});
}

// What counts, sizes and offsets are set to.
inline constexpr uint64_t kBoundaries[] = {0,
                                           1,
                                           (uint64_t{1} << 31) - 1,
                                           uint64_t{1} << 31,
                                           (uint64_t{1} << 31) + 1,
                                           (uint64_t{1} << 32) - 1,
                                           uint64_t{1} << 32,
                                           (uint64_t{1} << 32) + 1,
                                           uint64_t{1} << 62,
                                           (uint64_t{1} << 63) - 1,
                                           uint64_t{1} << 63,
                                           UINT64_MAX};

BadClasses gguf_classes();
BadClasses shape_classes();  // what a model says about itself, as GGUF and as config.json
BadClasses safetensors_classes();
BadClasses folder_classes();
BadClasses tokenizer_classes();  // GGUF's keys, tokenizer.json
BadClasses sentencepiece_classes();
BadClasses template_classes();

// All of them, in this order.
BadClasses all_classes();

// The files of a class; those of the class asked for last are kept.
const std::vector<BadFile>& files_of(const BadClass& bad);

}  // namespace bantam::torture
