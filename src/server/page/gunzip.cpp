#include "server/page/gunzip.h"

#include <zlib.h>

#include <array>

#include "base/error.h"

namespace bantam {
namespace {

constexpr int kGzipWindow = 15 + 16;  // the largest window, and gzip's header instead of zlib's

struct Inflater {
  z_stream stream{};
  Inflater() {
    if (inflateInit2(&stream, kGzipWindow) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

}  // namespace

std::string gunzip(std::string_view bytes, std::string_view name, size_t most_bytes) {
  Inflater inflater;
  z_stream& stream = inflater.stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib only reads it
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  std::array<char, 16384> piece;
  for (int code = Z_OK; code != Z_STREAM_END;) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = piece.size();
    code = inflate(&stream, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END)
      throw FormatError("{}: is no whole gzip file (zlib error {})", name, code);
    out.append(piece.data(), piece.size() - stream.avail_out);
    if (out.size() > most_bytes) throw FormatError("{}: holds more than {} bytes", name, most_bytes);
  }
  return out;
}

}  // namespace bantam
