// The files of the page in the browser (web/dist), as they are inside the program.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace bantam {

struct PageFile {
  std::string_view bytes;
  bool gzipped = false;
  std::string content_type;
  std::string etag;  // of `bytes`, without quotes
};

class PageBundle {
 public:
  // As cmake/embed.cmake writes a folder; the bytes must outlive it. Throws FormatError when it is not so.
  explicit PageBundle(std::span<const std::byte> pack);

  // By the path of a URL: "/app.js" for app.js or app.js.gz, "/" for the page. Null when there is none.
  const PageFile* find(std::string_view path) const;
  bool empty() const { return files_.empty(); }

 private:
  std::map<std::string, PageFile, std::less<>> files_;
};

}  // namespace bantam
