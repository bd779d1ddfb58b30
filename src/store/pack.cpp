#include "store/pack.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "store/disk.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifestEntry = "bantam-model.json";
constexpr const char* kBlobEntry = "blobs/sha256-";
constexpr size_t kBlock = 512, kPieceBytes = size_t{1} << 20;
constexpr uint64_t kMaxManifestBytes = 4 << 20;

using Block = std::array<char, kBlock>;

// Places of a header's fields (POSIX.1-1988, ustar).
struct Field {
  size_t offset, size;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUser{108, 8}, kGroup{116, 8}, kSize{124, 12}, kTime{136, 12},
    kSum{148, 8}, kType{156, 1}, kMagic{257, 8};

void put_octal(Block& block, Field field, uint64_t value) {
  const std::string digits = fmt::format("{:0{}o}", value, field.size - 1);
  std::copy(digits.begin(), digits.end(), block.begin() + static_cast<std::ptrdiff_t>(field.offset));
}

// Sizes past eleven octal digits are binary behind a byte 0x80, as GNU tar and all others read them.
void put_size(Block& block, uint64_t size) {
  if (size < uint64_t{1} << 33) return put_octal(block, kSize, size);
  block[kSize.offset] = static_cast<char>(0x80);
  for (size_t i = 0; i < 8; ++i) {
    block[kSize.offset + kSize.size - 1 - i] = static_cast<char>(size >> (8 * i) & 0xff);
  }
}

// The sum of a header's bytes, its own field counted as spaces.
uint64_t header_sum(const Block& block) {
  uint64_t sum = 0;
  for (size_t i = 0; i < kBlock; ++i) {
    sum += i >= kSum.offset && i < kSum.offset + kSum.size ? uint64_t{' '} : static_cast<unsigned char>(block[i]);
  }
  return sum;
}

Block header_of(const std::string& name, uint64_t size) {
  Block block{};
  std::copy(name.begin(), name.end(), block.begin());
  put_octal(block, kMode, 0644);
  put_octal(block, kUser, 0);
  put_octal(block, kGroup, 0);
  put_size(block, size);
  put_octal(block, kTime, 0);
  block[kType.offset] = '0';
  std::memcpy(&block[kMagic.offset], "ustar\00000", kMagic.size);
  put_octal(block, {kSum.offset, kSum.size - 1}, header_sum(block));
  block[kSum.offset + kSum.size - 1] = ' ';
  return block;
}

struct Entry {
  std::string name;
  uint64_t size = 0;
};

// Reads an archive from its begin to its end.
class Archive {
 public:
  explicit Archive(const fs::path& path) : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) throw IoError("{}: cannot be opened: {}", path.string(), std::strerror(errno));
  }
  ~Archive() { ::close(fd_); }
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  // The next entry, whose bytes must be read before the one after it; nothing at the end.
  std::optional<Entry> next() {
    Block block;
    read(block.data(), kBlock, "a header");
    if (std::all_of(block.begin(), block.end(), [](char c) { return c == 0; })) return std::nullopt;
    if (std::memcmp(&block[kMagic.offset], "ustar", 5) != 0 || number(block, kSum) != header_sum(block)) {
      throw FormatError("{}: damaged at byte {}: no archive header where one should be", path_.string(), at_ - kBlock);
    }
    const char* name = &block[kName.offset];
    Entry entry{std::string(name, ::strnlen(name, kName.size)), 0};
    const auto size = number(block, kSize);
    if (!size || *size > uint64_t{1} << 62) {
      throw FormatError("{}: the size of '{}' is no number", path_.string(), entry.name);
    }
    entry.size = *size;
    return entry;
  }

  // The bytes of an entry in pieces.
  template <class F>
  void read_bytes(const Entry& entry, F&& take) {
    std::string piece(kPieceBytes, '\0');
    for (uint64_t left = entry.size; left > 0;) {
      const size_t size = static_cast<size_t>(std::min<uint64_t>(left, kPieceBytes));
      read(piece.data(), size, entry.name);
      take(std::string_view(piece.data(), size));
      left -= size;
    }
    const size_t padding = (kBlock - entry.size % kBlock) % kBlock;
    read(piece.data(), padding, entry.name);
  }

 private:
  static std::optional<uint64_t> number(const Block& block, Field field) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(&block[field.offset]);
    uint64_t value = 0;
    if (bytes[0] == 0x80) {
      for (size_t i = field.size - 8; i < field.size; ++i) value = value << 8 | bytes[i];
      return std::all_of(bytes + 1, bytes + field.size - 8, [](unsigned char b) { return b == 0; })
                 ? std::optional(value)
                 : std::nullopt;
    }
    size_t i = 0;
    for (; i < field.size && '0' <= bytes[i] && bytes[i] <= '7'; ++i) value = value << 3 | (bytes[i] - unsigned{'0'});
    return i > 0 && (i == field.size || bytes[i] == 0 || bytes[i] == ' ') ? std::optional(value) : std::nullopt;
  }

  void read(char* into, size_t size, std::string_view what) {
    for (size_t done = 0; done < size;) {
      const ssize_t got = ::read(fd_, into + done, size - done);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw IoError("{}: cannot be read: {}", path_.string(), std::strerror(errno));
      if (got == 0) throw FormatError("{}: ends at byte {}, inside {}", path_.string(), at_ + done, what);
      done += static_cast<size_t>(got);
    }
    at_ += size;
  }

  fs::path path_;
  int fd_;
  uint64_t at_ = 0;
};

Manifest read_manifest(Archive& archive, const fs::path& path) {
  const auto entry = archive.next();
  if (!entry || entry->name != kManifestEntry || entry->size > kMaxManifestBytes) {
    throw FormatError("{}: is no exported model: it does not begin with {}", path.string(), kManifestEntry);
  }
  std::string text;
  archive.read_bytes(*entry, [&](std::string_view piece) { text += piece; });
  return parse_manifest(text, fmt::format("{}: {}", path.string(), kManifestEntry));
}

// One of the files the manifest promises, with its promised size.
const StoredFile& expected_file(const Manifest& manifest, const Entry& entry, const fs::path& path) {
  for (const StoredFile& file : manifest.files) {
    if (entry.name != kBlobEntry + file.sha256) continue;
    if (entry.size == file.size) return file;
    throw FormatError("{}: {} has {} bytes, its manifest says {}", path.string(), file.path, entry.size, file.size);
  }
  throw FormatError("{}: holds '{}', which its manifest does not name", path.string(), entry.name);
}

// Appends a blob, which must still be what its name says.
void append_blob(AtomicFile& out, const fs::path& blob, const StoredFile& file, const std::function<void()>& on_piece) {
  const Block header = header_of(kBlobEntry + file.sha256, file.size);
  out.write(std::string_view(header.data(), kBlock));
  const int fd = ::open(blob.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw IoError("{}: cannot be opened: {}", blob.string(), std::strerror(errno));
  const struct Closer {
    int fd;
    ~Closer() { ::close(fd); }
  } closer{fd};
  std::string piece(kPieceBytes, '\0');
  Sha256 sum;
  uint64_t size = 0;
  for (;;) {
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw IoError("{}: cannot be read: {}", blob.string(), std::strerror(errno));
    if (got == 0) break;
    const std::string_view bytes(piece.data(), static_cast<size_t>(got));
    sum.add(bytes);
    out.write(bytes);
    size += bytes.size();
    on_piece();
  }
  if (size != file.size || to_hex(sum.finish()) != file.sha256) {
    throw IoError("{}: its bytes are no longer those that were stored; remove the model and get it again",
                  blob.string());
  }
  out.pad_to(kBlock);
}

}  // namespace

void export_model(const Store& store, const Manifest& manifest, const fs::path& out, const CopyProgress& progress) {
  const std::string text = manifest_text(manifest);
  require_space(out.has_parent_path() ? out.parent_path() : fs::path("."), manifest.bytes());
  AtomicFile file(out);
  const Block header = header_of(kManifestEntry, text.size());
  file.write(std::string_view(header.data(), kBlock));
  file.write(text);
  file.pad_to(kBlock);
  std::set<std::string> written;
  for (const StoredFile& stored : manifest.files) {
    if (!written.insert(stored.sha256).second) continue;
    append_blob(file, store.blob_path(stored.sha256), stored, [&] {
      if (progress) progress(file.size(), manifest.bytes());
    });
  }
  file.write(std::string(2 * kBlock, '\0'));
  file.commit();
}

bool is_exported_model(const fs::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char begin[32] = "";
  const ssize_t got = ::read(fd, begin, sizeof begin - 1);
  ::close(fd);
  return got > 0 && std::strcmp(begin, kManifestEntry) == 0;
}

Manifest read_exported_manifest(const fs::path& file) {
  Archive archive(file);
  return read_manifest(archive, file);
}

Manifest import_model(StoreEdit& edit, const fs::path& file, const std::string& name, const CopyProgress& progress) {
  Archive archive(file);
  Manifest manifest = read_manifest(archive, file);
  require_space(edit.store().folder(), manifest.bytes());
  std::set<std::string> taken;
  uint64_t done = 0;
  while (const auto entry = archive.next()) {
    const StoredFile& expected = expected_file(manifest, *entry, file);
    const fs::path part = edit.part_path(expected.sha256);
    AtomicFile out(part);
    Sha256 sum;
    archive.read_bytes(*entry, [&](std::string_view piece) {
      sum.add(piece);
      out.write(piece);
      done += piece.size();
      if (progress) progress(done, manifest.bytes());
    });
    if (const std::string found = to_hex(sum.finish()); found != expected.sha256) {
      throw FormatError("{}: the SHA-256 of {} is {}, expected {}: the file is damaged", file.string(), expected.path,
                        found, expected.sha256);
    }
    out.commit();
    edit.adopt(part, expected.sha256);
    taken.insert(expected.sha256);
  }
  for (const StoredFile& wanted : manifest.files) {
    if (!taken.contains(wanted.sha256)) throw FormatError("{}: {} is missing", file.string(), wanted.path);
  }
  if (!name.empty()) manifest.name = name;
  edit.publish(manifest);
  return manifest;
}

}  // namespace bantam
