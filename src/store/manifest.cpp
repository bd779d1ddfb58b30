#include "store/manifest.h"

#include <algorithm>
#include <ctime>
#include <set>

#include "base/checked.h"
#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

namespace bantam {
namespace {

constexpr size_t kMaxNameBytes = 100, kMaxFileNameBytes = 255, kMaxFiles = 10'000;

bool is_name_character(char c) {
  return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') || c == '.' || c == '_' || c == '-';
}

const Json& member(const Json& object, const char* key, std::string_view what) {
  if (!object.is_object() || !object.contains(key)) throw FormatError("{}: has no '{}'", what, key);
  return object[key];
}

std::string text_of(const Json& object, const char* key, std::string_view what) {
  const Json& value = member(object, key, what);
  if (!value.is_string()) throw FormatError("{}: '{}' is a {}, expected text", what, key, value.type_name());
  return value.get<std::string>();
}

StoredFile file_of(const Json& json, std::string_view what) {
  StoredFile file{text_of(json, "path", what), text_of(json, "sha256", what), 0};
  if (!is_plain_file_name(file.path)) throw FormatError("{}: '{}' is no plain file name", what, file.path);
  if (!is_sha256(file.sha256)) {
    throw FormatError("{}: the sha256 of '{}' is '{}', expected 64 hexadecimal digits", what, file.path, file.sha256);
  }
  const Json& size = member(json, "size", what);
  if (!size.is_number_unsigned()) {
    throw FormatError("{}: the size of '{}' is not a whole number of bytes", what, file.path);
  }
  file.size = size.get<uint64_t>();
  return file;
}

}  // namespace

uint64_t Manifest::bytes() const {
  uint64_t sum = 0;
  for (const StoredFile& file : files) sum += file.size;
  return sum;
}

const StoredFile* Manifest::gguf() const {
  const auto found = std::find_if(files.begin(), files.end(), [](const auto& f) { return f.path.ends_with(".gguf"); });
  return found == files.end() ? nullptr : &*found;
}

bool is_model_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && name.front() != '.' && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), is_name_character);
}

void check_model_name(std::string_view name) {
  if (!is_model_name(name)) {
    throw UsageError("'{}' cannot be a model's name: wanted 1 to {} letters, digits and ._-, not beginning with . or -",
                     name, kMaxNameBytes);
  }
}

std::string model_name_from(std::string_view text) {
  std::string name;
  for (const char c : text.substr(0, kMaxNameBytes)) {
    name += 'A' <= c && c <= 'Z' ? static_cast<char>(c + 32) : is_name_character(c) ? c : '-';
  }
  name.erase(0, std::min(name.find_first_not_of(".-"), name.size()));
  return name.empty() ? "model" : name;
}

bool is_plain_file_name(std::string_view path) {
  return !path.empty() && path.size() <= kMaxFileNameBytes && path.front() != '.' && !find_invalid_utf8(path) &&
         std::none_of(path.begin(), path.end(),
                      [](char c) { return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 32 || c == 127; });
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string manifest_text(const Manifest& manifest) {
  Json files = Json::array();
  for (const StoredFile& file : manifest.files) {
    files.push_back({{"path", file.path}, {"sha256", file.sha256}, {"size", file.size}});
  }
  const Json json = {{"name", manifest.name},       {"source", manifest.source},   {"revision", manifest.revision},
                     {"licence", manifest.licence}, {"created", manifest.created}, {"files", files}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Manifest parse_manifest(std::string_view text, std::string_view what) {
  const Json json = parse_json(text, what);
  Manifest manifest;
  manifest.name = text_of(json, "name", what);
  if (!is_model_name(manifest.name)) throw FormatError("{}: '{}' cannot be a model's name", what, manifest.name);
  manifest.source = text_of(json, "source", what);
  manifest.revision = text_of(json, "revision", what);
  manifest.licence = text_of(json, "licence", what);
  manifest.created = text_of(json, "created", what);
  const Json& files = member(json, "files", what);
  if (!files.is_array() || files.empty() || files.size() > kMaxFiles) {
    throw FormatError("{}: 'files' is no list of 1 to {} files", what, kMaxFiles);
  }
  std::set<std::string> paths;
  uint64_t sum = 0;
  for (const Json& file : files) {
    manifest.files.push_back(file_of(file, what));
    if (!paths.insert(manifest.files.back().path).second) {
      throw FormatError("{}: has the file '{}' twice", what, manifest.files.back().path);
    }
    const auto next = checked_add(sum, manifest.files.back().size);
    if (!next) throw FormatError("{}: its sizes add up to more than 2^64 bytes", what);
    sum = *next;
  }
  return manifest;
}

std::string timestamp() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace bantam
