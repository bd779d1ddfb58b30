// Takes gzip off the page's files for clients that do not read it. Behind it is zlib.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bantam {

// `name` is for errors. Throws FormatError for what is no gzip (RFC 1952), is cut off or holds more than `most_bytes`.
std::string gunzip(std::string_view bytes, std::string_view name, size_t most_bytes = size_t{16} << 20);

}  // namespace bantam
