#include "formats/hf_json.h"

#include "base/error.h"
#include "base/mapped_file.h"

namespace bantam {
namespace {

constexpr size_t kMaxFileBytes = size_t{256} << 20;
constexpr int kMaxDepth = 32;

// As text, while the mapping lives.
std::string_view text_of(const MappedFile& file, const std::filesystem::path& path, size_t max_bytes) {
  const std::span<const std::byte> bytes = file.bytes();
  if (bytes.size() > max_bytes) {
    throw FormatError("{}: {} bytes long, expected at most {}", path.string(), bytes.size(), max_bytes);
  }
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string read_bounded_file(const std::filesystem::path& path, size_t max_bytes) {
  const MappedFile file(path);
  return std::string(text_of(file, path, max_bytes));
}

SortedJson parse_hf_json(std::string_view text, const std::string& source) {
  const auto check_depth = [&](int depth, SortedJson::parse_event_t, SortedJson&) {
    if (depth > kMaxDepth) throw FormatError("{}: JSON nests deeper than {} levels", source, kMaxDepth);
    return true;
  };
  try {
    SortedJson value = SortedJson::parse(text, check_depth);
    if (!value.is_object()) throw FormatError("{}: holds a JSON {}, expected an object", source, value.type_name());
    return value;
  } catch (const SortedJson::parse_error& e) {
    throw FormatError("{}: not valid JSON at byte {}", source, e.byte);
  } catch (const SortedJson::out_of_range&) {
    throw FormatError("{}: a number is too large", source);
  }
}

SortedJson read_hf_json(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_hf_json(text_of(file, path, kMaxFileBytes), path.string());
}

const SortedJson* find_member(const SortedJson& object, const char* key) {
  const auto it = object.find(key);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

std::string to_hf_text(const SortedJson& value) {
  return value.dump(2, ' ', false, SortedJson::error_handler_t::replace) + '\n';
}

}  // namespace bantam
