#include "store/store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "store/disk.h"
#include "store/download.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kManifestEnd = ".json", kBlobBegin = "sha256-";

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw IoError("{}: cannot be made: {}", folder.string(), error.message());
}

std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  if (!fs::exists(folder, error)) return paths;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    paths.push_back(entry->path());
  }
  if (error) throw IoError("{}: cannot be read: {}", folder.string(), error.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::set<std::string> used_hashes(const Store& store) {
  std::set<std::string> used;
  for (const Manifest& manifest : store.list()) {
    for (const StoredFile& file : manifest.files) used.insert(file.sha256);
  }
  return used;
}

// Parts, their states, and blobs without a name.
std::vector<fs::path> unfinished(const Store& store) {
  std::vector<fs::path> paths = entries(store.folder() / "downloads");
  const std::set<std::string> used = used_hashes(store);
  for (const fs::path& blob : entries(store.folder() / "blobs")) {
    const std::string name = blob.filename().string();
    if (!name.starts_with(kBlobBegin) || !used.contains(name.substr(kBlobBegin.size()))) paths.push_back(blob);
  }
  return paths;
}

uint64_t size_of(const fs::path& path) {
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  return error ? 0 : size;
}

void rename_file(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) throw IoError("{}: cannot be moved to {}: {}", from.string(), to.string(), error.message());
}

}  // namespace

std::vector<Manifest> Store::list() const {
  std::vector<Manifest> manifests;
  for (const fs::path& path : entries(folder_ / "names")) {
    if (path.extension() == kManifestEnd) manifests.push_back(parse_manifest(read_file(path), path.string()));
  }
  return manifests;
}

std::optional<Manifest> Store::find(std::string_view name) const {
  if (!is_model_name(name)) return std::nullopt;
  const fs::path path = folder_ / "names" / fmt::format("{}{}", name, kManifestEnd);
  if (!fs::exists(path)) return std::nullopt;
  return parse_manifest(read_file(path), path.string());
}

Manifest Store::get(std::string_view name) const {
  if (auto manifest = find(name)) return *manifest;
  throw UsageError("there is no model '{}'; bantam list shows those there are", name);
}

fs::path Store::model_path(const Manifest& manifest) const {
  const fs::path tree = folder_ / "trees" / manifest.name;
  const StoredFile* gguf = manifest.gguf();
  return gguf ? tree / gguf->path : tree;
}

fs::path Store::blob_path(std::string_view sha256) const {
  return folder_ / "blobs" / fmt::format("{}{}", kBlobBegin, sha256);
}

uint64_t Store::unfinished_bytes() const {
  uint64_t sum = 0;
  for (const fs::path& path : unfinished(*this)) sum += size_of(path);
  return sum;
}

StoreEdit::StoreEdit(const Store& store)
    : store_(store), names_(store.folder() / "names"), downloads_(store.folder() / "downloads") {
  make_folder(store.folder() / "blobs");
  make_folder(store.folder() / "trees");
}

bool StoreEdit::has_blob(std::string_view sha256) const {
  return is_sha256(sha256) && fs::exists(store_.blob_path(sha256));
}

fs::path StoreEdit::part_path(std::string_view key) const {
  return store_.folder() / "downloads" / fmt::format("{}.part", to_hex(sha256(key), 16));
}

void StoreEdit::adopt(const fs::path& part, std::string_view sha256) {
  rename_file(part, store_.blob_path(sha256));
  std::error_code ignored;
  fs::remove(download_state(part), ignored);
}

StoredFile StoreEdit::copy_in(const fs::path& file, std::string path, const std::function<void(uint64_t)>& on_bytes) {
  constexpr size_t kPieceBytes = size_t{1} << 22;
  struct Descriptor {
    int fd;
    ~Descriptor() {
      if (fd >= 0) ::close(fd);
    }
  };
  const Descriptor in{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (in.fd < 0) throw IoError("{}: cannot be opened: {}", file.string(), std::strerror(errno));
  require_space(store_.folder(), size_of(file));
  const fs::path part = part_path(fmt::format("copy of {}", fs::absolute(file).string()));
  Sha256 sum;
  AtomicFile out(part);
  std::string piece(kPieceBytes, '\0');
  for (;;) {
    const ssize_t got = ::read(in.fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw IoError("{}: cannot be read: {}", file.string(), std::strerror(errno));
    if (got == 0) break;
    const std::string_view bytes(piece.data(), static_cast<size_t>(got));
    sum.add(bytes);
    out.write(bytes);
    if (on_bytes) on_bytes(out.size());
  }
  out.commit();
  StoredFile stored{std::move(path), to_hex(sum.finish()), out.size()};
  adopt(part, stored.sha256);
  return stored;
}

void StoreEdit::publish(const Manifest& manifest) {
  check_model_name(manifest.name);
  for (const StoredFile& file : manifest.files) {
    if (!has_blob(file.sha256)) throw IoError("{}: is not in the store", store_.blob_path(file.sha256).string());
  }
  const std::optional<Manifest> before = store_.find(manifest.name);
  const fs::path trees = store_.folder() / "trees";
  const fs::path fresh = trees / ("." + manifest.name);  // no model's name begins with a dot
  std::error_code error;
  fs::remove_all(fresh, error);
  make_folder(fresh);
  for (const StoredFile& file : manifest.files) {
    fs::create_symlink(fs::path("../../blobs") / store_.blob_path(file.sha256).filename(), fresh / file.path, error);
    if (error) throw IoError("{}: cannot be made: {}", (fresh / file.path).string(), error.message());
  }
  fs::remove_all(trees / manifest.name, error);
  rename_file(fresh, trees / manifest.name);
  AtomicFile out(store_.folder() / "names" / (manifest.name + std::string(kManifestEnd)));
  out.write(manifest_text(manifest));
  out.commit();
  if (before) remove_unused(*before);
}

uint64_t StoreEdit::remove(const Manifest& manifest) {
  std::error_code error;
  fs::remove(store_.folder() / "names" / (manifest.name + std::string(kManifestEnd)), error);
  if (error) throw IoError("{}: cannot be removed: {}", manifest.name, error.message());
  fs::remove_all(store_.folder() / "trees" / manifest.name, error);
  return remove_unused(manifest);
}

uint64_t StoreEdit::remove_unused(const Manifest& manifest) {
  const std::set<std::string> used = used_hashes(store_);
  uint64_t freed = 0;
  for (const StoredFile& file : manifest.files) {
    std::error_code error;
    if (!used.contains(file.sha256) && fs::remove(store_.blob_path(file.sha256), error)) freed += file.size;
  }
  return freed;
}

uint64_t StoreEdit::remove_unfinished() {
  uint64_t freed = 0;
  for (const fs::path& path : unfinished(store_)) {
    const uint64_t size = size_of(path);
    std::error_code error;
    if (fs::remove(path, error)) freed += size;
  }
  return freed;
}

}  // namespace bantam
