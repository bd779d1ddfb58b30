// What Hugging Face says about a repository, for tests.
#pragma once

#include <map>
#include <string>

#include "base/hash.h"
#include "base/json.h"

namespace bantam {

inline constexpr const char* kTestCommit = "0123456789abcdef0123456789abcdef01234567";

// The answer to api/models/...?blobs=true for a repository of these files; those that end in .gguf or .safetensors are
// large files with a hash.
inline std::string hub_listing(const std::map<std::string, std::string>& files) {
  Json siblings = Json::array();
  for (const auto& [name, bytes] : files) {
    Json sibling = {{"rfilename", name}, {"size", bytes.size()}};
    if (name.ends_with(".gguf") || name.ends_with(".safetensors")) {
      sibling["lfs"] = {{"sha256", to_hex(sha256(bytes))}, {"size", bytes.size()}};
    }
    siblings.push_back(sibling);
  }
  return to_line({{"id", "org/model"},
                  {"sha", kTestCommit},
                  {"gated", false},
                  {"tags", {"text-generation", "license:mit"}},
                  {"siblings", siblings}});
}

}  // namespace bantam
