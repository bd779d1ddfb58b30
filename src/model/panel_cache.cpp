#include "model/panel_cache.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/page_buffer.h"
#include "base/thread_pool.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

// Changes with the layout of panels (kernels/packed.h) and of this file.
constexpr std::string_view kMagic = "bantam panels 1\n";
constexpr std::string_view kEnd = ".panels", kTemporaryEnd = ".tmp";
constexpr auto kForgotten = std::chrono::hours(24);  // a file somebody began to write this long ago is nobody's
constexpr size_t kChunkBytes = size_t{4} << 20;

struct Header {
  std::array<char, 16> magic;
  Hash key, sums;
  uint64_t bytes;

  bool operator==(const Header&) const = default;
};
static_assert(sizeof(Header) == 88 && kMagic.size() == 16);

Hash hash_of(const PanelCache::Key& key) {
  return sha256(fmt::format("{}\n{}\n{}", key.place, key.identity, key.bytes));
}

// Fletcher's checksum over 64-bit words, in as many sums side by side as a vector holds. Finds accidents, not malice.
uint64_t sum_of(std::span<const std::byte> chunk) {
  constexpr size_t kLanes = 8;
  std::array<uint64_t, kLanes> first{}, second{}, words{};
  size_t at = 0;
  for (; at + sizeof words <= chunk.size(); at += sizeof words) {
    std::memcpy(words.data(), chunk.data() + at, sizeof words);
    for (size_t lane = 0; lane < kLanes; ++lane) {
      first[lane] += words[lane];
      second[lane] += first[lane];
    }
  }
  uint64_t total = chunk.size();
  for (; at < chunk.size(); ++at) total = total * 31 + static_cast<uint8_t>(chunk[at]);
  for (size_t lane = 0; lane < kLanes; ++lane) total = (total * 31 + first[lane]) * 31 + second[lane];
  return total;
}

// Hash of the sums of all chunks; `chunk(at, bytes)` returns what belongs there and is called by several threads.
template <class F>
Hash sums_of(size_t bytes, F&& chunk) {
  std::vector<uint64_t> sums((bytes + kChunkBytes - 1) / kChunkBytes);
  ThreadPool pool(available_cpus());
  pool.parallel_for(static_cast<int64_t>(sums.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const size_t at = static_cast<size_t>(i) * kChunkBytes;
      sums[static_cast<size_t>(i)] = sum_of(chunk(at, std::min(kChunkBytes, bytes - at)));
    }
  });
  return sha256({reinterpret_cast<const char*>(sums.data()), sums.size() * sizeof(uint64_t)});
}

Header header_of(const PanelCache::Key& key, const Hash& sums) {
  Header header{{}, hash_of(key), sums, key.bytes};
  std::ranges::copy(kMagic, header.magic.begin());
  return header;
}

// Tries how the kernel maps the middle of the file: it begins to read one on small pages, whatever comes later. A file
// smaller than some large pages has nothing to gain.
bool lies_on_large_pages(const MappedFile& file) {
  const size_t middle = file.bytes().size() / 2;
  const auto part = file.bytes().subspan(middle, std::min(middle, 8 * kLargePageBytes));
  if (part.size() < 2 * kLargePageBytes) return true;
  want_large_pages(file.bytes().data(), file.bytes().size());
  const size_t before = file_bytes_on_large_pages();
  return file.load_pages(part) && file_bytes_on_large_pages() >= before + part.size() / 2;
}

}  // namespace

fs::path PanelCache::file_of(const Key& key) const {
  return folder_ / (to_hex(sha256(key.place), 16) + std::string(kEnd));
}

const std::byte* KeptPanels::data() const {
  return copy_.size() > 0 ? copy_.data() : file_.bytes().data() + PanelCache::kHeaderBytes;
}

std::optional<KeptPanels> PanelCache::find(const Key& key) const {
  const fs::path path = file_of(key);
  std::error_code none;
  if (!fs::exists(path, none)) return std::nullopt;
  try {
    KeptPanels panels{MappedFile(path)};
    const MappedFile& file = panels.file_;
    Header found;
    if (file.bytes().size() == kHeaderBytes + key.bytes &&
        file.read(0, std::as_writable_bytes(std::span(&found, 1))) == sizeof found &&
        found == header_of(key, found.sums)) {
      const bool copies = !lies_on_large_pages(file);
      if (copies) panels.copy_ = PageBuffer(key.bytes);
      const Hash sums = sums_of(key.bytes, [&](size_t at, size_t bytes) -> std::span<const std::byte> {
        if (copies) {
          const std::span copy(panels.copy_.data() + at, bytes);
          if (file.read(kHeaderBytes + at, copy) == bytes) return copy;
        } else {
          const auto mapped = file.bytes().subspan(kHeaderBytes + at, bytes);
          if (file.load_pages(mapped)) return mapped;
        }
        throw IoError("{}: cannot be read: {}", path.string(), std::strerror(errno));
      });
      if (sums == found.sums) {
        fs::last_write_time(path, fs::file_time_type::clock::now(), none);  // make_room() goes by it
        return panels;
      }
    }
  } catch (const IoError&) {
    return std::nullopt;
  }
  fs::remove(path, none);
  return std::nullopt;
}

bool PanelCache::wants(const Key& key) const {
  if (key.bytes < limits_.least_bytes || key.bytes > limits_.most_bytes) return false;
  std::error_code error;
  fs::create_directories(folder_, error);
  const fs::space_info space = fs::space(folder_, error);
  return !error && space.available >= limits_.free_bytes + key.bytes;
}

void PanelCache::keep(const Key& key, std::span<const std::byte> panels) const {
  try {
    make_room(panels.size());
    AtomicFile file(file_of(key));
    const Hash sums = sums_of(panels.size(), [&](size_t at, size_t bytes) { return panels.subspan(at, bytes); });
    const Header header = header_of(key, sums);
    file.write(std::as_bytes(std::span(&header, 1)));
    file.pad_to(kHeaderBytes);
    for (size_t at = 0; at < panels.size(); at += kChunkBytes) {
      file.write(panels.subspan(at, std::min(kChunkBytes, panels.size() - at)));
    }
    file.commit(Durability::readers);  // after a power cut the sums tell what is missing
  } catch (const std::exception&) {    // of whatever kind: then there is no cache
  }
}

void PanelCache::make_room(uint64_t bytes) const {
  struct Entry {
    fs::file_time_type used;
    uint64_t bytes;
    fs::path path;
  };
  std::vector<Entry> entries;
  uint64_t total = bytes;
  std::error_code error;
  const auto now = fs::file_time_type::clock::now();
  for (const auto& file : fs::directory_iterator(folder_, error)) {
    const fs::path& path = file.path();
    const auto used = file.last_write_time(error);
    if (path.extension() == kTemporaryEnd && now - used > kForgotten) fs::remove(path, error);
    if (path.extension() != kEnd) continue;
    const uint64_t size = file.file_size(error);
    if (error) continue;  // another process has removed it
    entries.push_back({used, size, path});
    total += size;
  }
  std::ranges::sort(entries, {}, &Entry::used);
  for (const Entry& entry : entries) {
    if (total <= limits_.most_bytes) break;
    if (fs::remove(entry.path, error)) total -= entry.bytes;
  }
}

}  // namespace bantam
