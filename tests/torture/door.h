// What a user does with a model file, measured: load it, and if it loads, write a conversation in its form, encode it
// and run the model on it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace bantam::torture {

// What a bad file may cost before it is refused, and a good one of these sizes while it is used.
inline constexpr double kMostMs = 100;
inline constexpr size_t kMostBytes = size_t{64} << 20;

struct Outcome {
  bool refused = false;     // by a typed error
  bool untyped = false;     // by another exception
  bool names_file = false;  // the error does, or need not: it was the template's own refusal, or about the text
  std::string error = {};   // its message
  double cpu_ms = 0;        // of this process
  size_t peak_bytes = 0;    // most heap in use at once; mapped files are not heap
};

// `path`: a .gguf or .safetensors file, or a folder.
Outcome open_and_use(const std::filesystem::path& path);

}  // namespace bantam::torture
