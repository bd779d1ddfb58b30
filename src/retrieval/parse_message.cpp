#include "retrieval/parse_message.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace bantam {
namespace {

static_assert(std::endian::native == std::endian::little);  // both ends are one program

enum Kind : char { kDocument = 'D', kFormatError = 'F', kUnsupportedError = 'U', kIoError = 'I' };

void put(std::string& out, uint64_t value) { out.append(reinterpret_cast<const char*>(&value), sizeof(value)); }

void put(std::string& out, std::string_view text) {
  put(out, uint64_t{text.size()});
  out += text;
}

class MessageReader {
 public:
  MessageReader(std::string_view message, std::string_view name) : rest_(message), name_(name) {}

  char kind() { return take(1)[0]; }

  uint64_t number() {
    uint64_t value;
    std::memcpy(&value, take(sizeof(value)).data(), sizeof(value));
    return value;
  }

  std::string text() { return std::string(take(number())); }

  // A number of things of at least `bytes_each` bytes that follow.
  uint64_t count(size_t bytes_each) {
    const uint64_t value = number();
    if (value > rest_.size() / bytes_each) throw_broken();
    return value;
  }

  void end() const {
    if (!rest_.empty()) throw_broken();
  }

  [[noreturn]] void throw_broken() const { throw FormatError("{}: its parser's answer is not whole", name_); }

 private:
  std::string_view take(uint64_t bytes) {
    if (bytes > rest_.size()) throw_broken();
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }

  std::string_view rest_, name_;
};

}  // namespace

std::string message_of(const Document& document) {
  std::string out(1, kDocument);
  put(out, document.title);
  put(out, document.text);
  put(out, uint64_t{document.headings.size()});
  for (const Heading& heading : document.headings) {
    put(out, uint64_t{heading.offset});
    put(out, static_cast<uint64_t>(heading.level));
    put(out, heading.text);
  }
  put(out, uint64_t{document.page_offsets.size()});
  for (const size_t offset : document.page_offsets) put(out, uint64_t{offset});
  return out;
}

std::string message_of(const Error& error) {
  const bool unsupported = dynamic_cast<const UnsupportedError*>(&error), io = dynamic_cast<const IoError*>(&error);
  std::string out(1, unsupported ? kUnsupportedError : io ? kIoError : kFormatError);
  put(out, std::string_view(error.what()));
  return out;
}

Document document_from(std::string_view message, std::string_view name) {
  MessageReader in(message, name);
  switch (in.kind()) {
    case kFormatError:
      throw FormatError("{}", in.text());
    case kUnsupportedError:
      throw UnsupportedError("{}", in.text());
    case kIoError:
      throw IoError("{}", in.text());
    case kDocument:
      break;
    default:
      in.throw_broken();
  }
  Document document;
  document.title = in.text();
  document.text = in.text();
  for (uint64_t left = in.count(3 * sizeof(uint64_t)); left > 0; --left) {
    Heading& heading = document.headings.emplace_back();
    heading.offset = in.number();
    heading.level = static_cast<int>(in.number());
    heading.text = in.text();
  }
  for (uint64_t left = in.count(sizeof(uint64_t)); left > 0; --left) document.page_offsets.push_back(in.number());
  in.end();
  return document;
}

}  // namespace bantam
