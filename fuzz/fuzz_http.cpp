// Bytes of a connection: given whole or in pieces they are the same requests, or the same refusal.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/http_parser.h"

namespace {

using namespace bantam;

constexpr HttpLimits kLimits{.head_bytes = 2000, .headers = 20, .body_bytes = 4000};

// What was understood, as one text.
std::string parse(std::string_view bytes, size_t step) {
  std::string out;
  HttpParser parser(kLimits);
  try {
    while (!bytes.empty()) {
      std::string_view piece = bytes.substr(0, step);
      bytes.remove_prefix(piece.size());
      while (!piece.empty()) {
        piece.remove_prefix(parser.feed(piece));
        if (!parser.complete()) continue;
        const IncomingRequest request = parser.take();
        if (request.body.size() > kLimits.body_bytes || request.headers.size() > kLimits.headers) std::abort();
        out +=
            request.method + " " + request.path + "?" + request.query + (request.keep_alive ? " keep\n" : " close\n");
        for (const HttpHeader& header : request.headers) out += header.name + ": " + header.value + "\n";
        out += request.body + "\n";
      }
    }
  } catch (const HttpError& error) {
    if (error.status() < 400 || error.status() > 505) std::abort();
    out += std::to_string(error.status());
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (parse(bytes, bytes.size() + 1) != parse(bytes, data[0] % 16 + 1U)) std::abort();
  return 0;
}
