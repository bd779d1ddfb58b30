// JSON files of a Hugging Face folder. For the .cpp files of this folder only.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace bantam {

// Sorted keys, found in logarithmic time: a vocabulary is one object of 10^5 keys.
using SortedJson = nlohmann::json;

// The bytes of a regular file of at most `max_bytes`. Throws IoError or FormatError naming it.
std::string read_bounded_file(const std::filesystem::path& path, size_t max_bytes);

// The file's one JSON object. Throws IoError, or FormatError when it is larger than 256 MiB, is no JSON object or nests
// deeper than 32 levels.
SortedJson read_hf_json(const std::filesystem::path& path);

// The same from text; `source` names it in errors.
SortedJson parse_hf_json(std::string_view text, const std::string& source);

// Null when the object has no such key, or null under it.
const SortedJson* find_member(const SortedJson& object, const char* key);

// Indented text with invalid UTF-8 replaced, and a line end.
std::string to_hf_text(const SortedJson& value);

}  // namespace bantam
