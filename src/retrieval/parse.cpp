#include "retrieval/parse.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/utf8.h"
#include "retrieval/encoding.h"
#include "retrieval/parsers.h"
#include "retrieval/sandbox.h"
#include "text/unicode.h"

namespace bantam {
namespace {

constexpr std::string_view kPdfMark = "%PDF-";

class OpenFile {
 public:
  // Opening must not wait for the other end of a pipe.
  OpenFile(const std::filesystem::path& path, size_t most_bytes)
      : name_(path.string()), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {
    if (fd_ < 0) throw IoError("{}: cannot be opened: {}", name_, std::strerror(errno));
    try {
      check(most_bytes);
    } catch (...) {
      ::close(fd_);
      throw;
    }
  }
  ~OpenFile() { ::close(fd_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int fd() const { return fd_; }

  // The first bytes, at most `most` of them; the file's position stays.
  std::string head(size_t most) const {
    std::string bytes(std::min(most, bytes_), '\0');
    read_at(bytes, 0);
    return bytes;
  }

  std::string all() const { return head(bytes_); }

 private:
  void check(size_t most_bytes) {
    struct stat status;
    if (::fstat(fd_, &status) != 0) throw IoError("{}: cannot be read: {}", name_, std::strerror(errno));
    if (!S_ISREG(status.st_mode)) throw IoError("{}: not a regular file", name_);
    bytes_ = static_cast<size_t>(status.st_size);
    if (bytes_ == 0) throw FormatError("{}: holds no text: the file is empty", name_);
    if (bytes_ > most_bytes) {
      throw UsageError("{}: has {} MiB, the limit is {} MiB; --max-file-mib raises it", name_, bytes_ >> 20,
                       most_bytes >> 20);
    }
  }

  // A file that shrinks while it is read leaves `bytes` shorter.
  void read_at(std::string& bytes, size_t offset) const {
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t got = ::pread(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw IoError("{}: cannot be read: {}", name_, std::strerror(errno));
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    bytes.resize(done);
  }

  std::string name_;
  int fd_;
  size_t bytes_ = 0;
};

bool starts_with_tag(std::string_view head, std::string_view tag) {
  head.remove_prefix(std::min(head.find_first_not_of("\xEF\xBB\xBF \t\r\n"), head.size()));
  return head.size() >= tag.size() && std::ranges::equal(head.substr(0, tag.size()), tag, [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b;
         });
}

// A saved page or paper often has no name that says so; other formats cannot be told from text by a few bytes.
DocumentFormat choose_format(const std::filesystem::path& path, std::string_view head) {
  const DocumentFormat by_name = format_of(path).value_or(DocumentFormat::text);
  if (head.starts_with(kPdfMark)) return DocumentFormat::pdf;
  if (by_name == DocumentFormat::pdf && head.find(kPdfMark) == std::string_view::npos) {
    throw FormatError("{}: not a PDF file: {} is missing at its start", path.string(), kPdfMark);
  }
  const bool page = starts_with_tag(head, "<!doctype html") || starts_with_tag(head, "<html");
  return page && by_name == DocumentFormat::text ? DocumentFormat::html : by_name;
}

bool is_foreign(DocumentFormat format) {
  return format != DocumentFormat::text && format != DocumentFormat::markdown && format != DocumentFormat::source;
}

bool has_text(std::string_view text) {
  while (!text.empty()) {
    const auto next = decode_utf8(text);
    if (!next || char_class(next->value) != CharClass::space) return true;
    text.remove_prefix(static_cast<size_t>(next->bytes));
  }
  return false;
}

}  // namespace

Document parse_document(const std::filesystem::path& path, const ParseOptions& options) {
  constexpr size_t kHeadBytes = 1024;
  const OpenFile file(path, options.limits.file_bytes);
  const DocumentFormat format = choose_format(path, file.head(kHeadBytes));
  const std::string name = path.string();
  if (!is_foreign(format)) return parse_bytes(format, file.all(), name, options.limits);
  Document document = parse_in_child(format, file.fd(), name, options);
  check_document(document, name);
  return document;
}

Document parse_bytes(DocumentFormat format, std::string_view bytes, std::string_view name, const ParseLimits& limits) {
  const auto parse = [&]() -> Document {
    switch (format) {
      case DocumentFormat::text:
        return parse_text(decode_text(bytes, name), name, limits);
      case DocumentFormat::markdown:
        return parse_markdown(decode_text(bytes, name), name, limits);
      case DocumentFormat::source:
        return parse_source(decode_text(bytes, name), name, limits);
      case DocumentFormat::html:
        return parse_html(bytes, name, limits);
      case DocumentFormat::docx:
        return parse_docx(bytes, name, limits);
      case DocumentFormat::csv:
        return parse_csv(decode_text(bytes, name), name, limits);
      case DocumentFormat::json:
        return parse_json_text(decode_text(bytes, name), name, limits);
      case DocumentFormat::pdf:
        break;
    }
    throw UsageError("{}: PDF files are read by another program; parse_document() starts it", name);
  };
  Document document = parse();
  check_document(document, name);
  return document;
}

void check_document(const Document& document, std::string_view name) {
  const auto require = [&](bool holds, std::string_view rule) {
    if (!holds) throw FormatError("{}: {}", name, rule);
  };
  const size_t size = document.text.size();
  require(has_text(document.text), "holds no text");
  require(is_clean_text(document.text) && is_clean_text(document.title),
          "its parser gave text that is not UTF-8 in NFC");
  require(std::ranges::is_sorted(document.headings, {}, &Heading::offset), "its parser gave headings out of order");
  require(std::ranges::is_sorted(document.page_offsets), "its parser gave pages out of order");
  for (const Heading& heading : document.headings) {
    require(heading.offset < size && heading.level >= 1 && heading.level <= 9 && is_clean_text(heading.text) &&
                (heading.offset == 0 || document.text[heading.offset - 1] == '\n'),
            "its parser gave a heading that is not in the text");
  }
  for (const size_t offset : document.page_offsets) {
    require(offset == size || (offset < size && (offset == 0 || document.text[offset - 1] == '\n')),
            "its parser gave a page that begins within a line");
  }
}

}  // namespace bantam
