// One file over HTTP: in ranges side by side, resumed where it stopped, checked against its hash.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "store/http.h"

namespace bantam {

struct DownloadSource {
  std::string url;
  std::string page;              // see throw_refusal()
  std::optional<uint64_t> size;  // in bytes, when known beforehand
  std::string sha256;            // hexadecimal; empty: not known
};

struct DownloadProgress {
  uint64_t done = 0;
  std::optional<uint64_t> total;  // nothing when the server does not say
  bool checking = false;          // all bytes are here, `done` of them hashed
};

struct DownloadOptions {
  int connections = 4;
  uint64_t chunk_bytes = uint64_t{16} << 20;
  uint64_t bytes_per_s = 0;  // of all connections together; 0: as fast as it comes
  int first_wait_ms = 500;   // before a second attempt
  // Called ten times a second; may throw to stop. What has come is kept, and the next download() goes on from there.
  std::function<void(const DownloadProgress&)> progress;
  std::function<void(const std::string&)> notice;  // what the user should hear
};

struct DownloadedFile {
  std::string sha256;
  uint64_t size;
};

// Fetches into `part`, with the chunks it has in a file beside it (download_state()); both survive kill -9. A server
// without ranges gets one request, which begins again when it breaks. Throws IoError: in words for 401, 403, 404, 429
// and a full disk, for a file that changes meanwhile, and when the hash is another (the part is then deleted).
DownloadedFile download(HttpTransfers& http, const DownloadSource& source, const std::filesystem::path& part,
                        const DownloadOptions& options);

std::filesystem::path download_state(const std::filesystem::path& part);

}  // namespace bantam
