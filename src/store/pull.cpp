#include "store/pull.h"

#include <algorithm>
#include <cctype>
#include <fstream>

#include "base/error.h"
#include "store/disk.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

fs::path part_of(const StoreEdit& edit, const RemoteFile& file) {
  return edit.part_path(file.source.sha256.empty() ? file.source.url : file.source.sha256);
}

// A page that asks to log in is the usual other thing.
void check_gguf(const fs::path& part, const std::string& url) {
  std::string begin(16, '\0');
  std::ifstream in(part, std::ios::binary);
  in.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  begin.resize(static_cast<size_t>(in.gcount()));
  if (begin.starts_with("GGUF")) return;
  for (char& c : begin) {
    if (!std::isprint(static_cast<unsigned char>(c))) c = '.';
  }
  std::error_code ignored;
  fs::remove(part, ignored);
  fs::remove(download_state(part), ignored);
  throw FormatError("{}: is no GGUF file: it begins with '{}'; what was fetched has been deleted", url, begin);
}

}  // namespace

uint64_t bytes_here(const StoreEdit& edit, const RemoteModel& model) {
  uint64_t sum = 0;
  for (const RemoteFile& file : model.files) {
    const uint64_t size = file.source.size.value_or(UINT64_MAX);
    sum += edit.has_blob(file.source.sha256) ? file.source.size.value_or(0)
                                             : std::min(size, allocated_bytes(part_of(edit, file)));
  }
  return sum;
}

Manifest pull(StoreEdit& edit, HttpTransfers& http, const RemoteModel& model, const std::string& name,
              const DownloadOptions& options) {
  const std::optional<uint64_t> total = model.bytes();
  if (total) require_space(edit.store().folder(), *total - std::min(*total, bytes_here(edit, model)));
  Manifest manifest{name, model.source, model.revision, model.licence, timestamp(), {}};
  uint64_t done = 0;  // of the files before
  DownloadOptions each = options;
  each.progress = [&](const DownloadProgress& p) {
    if (!options.progress) return;
    options.progress({done + p.done, total ? total : p.total, p.checking});
  };
  for (const RemoteFile& file : model.files) {
    StoredFile stored{file.path, file.source.sha256, file.source.size.value_or(0)};
    if (!edit.has_blob(stored.sha256)) {
      const fs::path part = part_of(edit, file);
      const DownloadedFile fetched = download(http, file.source, part, each);
      if (file.path.ends_with(".gguf")) check_gguf(part, file.source.url);
      edit.adopt(part, fetched.sha256);
      stored.sha256 = fetched.sha256;
      stored.size = fetched.size;
    } else if (!file.source.size) {
      stored.size = fs::file_size(edit.store().blob_path(stored.sha256));
    }
    done += stored.size;
    manifest.files.push_back(std::move(stored));
  }
  edit.publish(manifest);
  return manifest;
}

}  // namespace bantam
