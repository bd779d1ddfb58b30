// What the store knows about a model: a JSON file per name, and the first entry of an exported file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bantam {

struct StoredFile {
  std::string path;    // a file name, without folders
  std::string sha256;  // hexadecimal; also the name of the blob
  uint64_t size = 0;
};

struct Manifest {
  std::string name;
  std::string source;    // "hf:ORG/NAME", a URL, a path
  std::string revision;  // the commit of a Hugging Face repository
  std::string licence;   // as the source calls it; empty: unknown
  std::string created;   // "2026-11-22T03:25:04Z"
  std::vector<StoredFile> files;

  uint64_t bytes() const;
  // The one GGUF file, or null for a Hugging Face folder.
  const StoredFile* gguf() const;
};

// Throws UsageError unless `name` can be a model's: 1 to 100 letters, digits and ._- , not beginning with . or -.
void check_model_name(std::string_view name);
bool is_model_name(std::string_view name);

// Lowercase, and what a name may not hold replaced by '-'.
std::string model_name_from(std::string_view text);

// Whether `path` names a file of the folder it is in and nothing else, in printable UTF-8.
bool is_plain_file_name(std::string_view path);

// Whether `text` is 64 lowercase hexadecimal digits.
bool is_sha256(std::string_view text);

std::string manifest_text(const Manifest& manifest);

// `what` names the text in errors. Throws FormatError naming the field.
Manifest parse_manifest(std::string_view text, std::string_view what);

// Now, in UTC (RFC 3339).
std::string timestamp();

}  // namespace bantam
