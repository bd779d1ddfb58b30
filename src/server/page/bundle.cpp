#include "server/page/bundle.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "base/error.h"
#include "base/hash.h"

namespace bantam {
namespace {

constexpr size_t kEtagBytes = 16;

constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kTypes = {{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".webmanifest", "application/manifest+json"},
    {".json", "application/json"},
    {".txt", "text/plain; charset=utf-8"},
    {".webp", "image/webp"},
}};

std::string content_type_of(std::string_view name) {
  for (const auto& [ending, type] : kTypes) {
    if (name.ends_with(ending)) return std::string(type);
  }
  return "application/octet-stream";
}

// Takes `n` bytes off the front of the pack.
std::string_view take(std::string_view& pack, uint64_t n) {
  if (n > pack.size()) throw FormatError("embedded page: a file of {} bytes with only {} left", n, pack.size());
  const std::string_view out = pack.substr(0, static_cast<size_t>(n));
  pack.remove_prefix(static_cast<size_t>(n));
  return out;
}

}  // namespace

PageBundle::PageBundle(std::span<const std::byte> bytes) {
  std::string_view pack(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  while (!pack.empty()) {
    const size_t zero = pack.find('\0');
    if (zero == std::string_view::npos) throw FormatError("embedded page: a name without an end");
    std::string name = "/" + std::string(take(pack, zero));
    take(pack, 1);
    uint64_t size = 0;
    std::memcpy(&size, take(pack, sizeof size).data(), sizeof size);
    PageFile file{.bytes = take(pack, size), .gzipped = name.ends_with(".gz"), .content_type = {}, .etag = {}};
    if (file.gzipped) name.resize(name.size() - 3);
    file.content_type = content_type_of(name);
    file.etag = to_hex(sha256(file.bytes), kEtagBytes);
    files_.insert_or_assign(std::move(name), std::move(file));
  }
}

const PageFile* PageBundle::find(std::string_view path) const {
  const auto found = files_.find(path == "/" ? "/index.html" : path);
  return found == files_.end() ? nullptr : &found->second;
}

}  // namespace bantam
