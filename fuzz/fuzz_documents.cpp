// Any bytes, read as any format that is parsed here, are a document that keeps its promises or refused with an Error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "retrieval/parse.h"
#include "retrieval/parsers.h"

namespace {

using namespace bantam;

constexpr ParseLimits kLimits = {.text_bytes = size_t{4} << 20};

// The parts of a DOCX file, apart at zero bytes: inflating is libzip's own affair.
Document parse_parts(std::string_view bytes) {
  DocxParts parts;
  for (std::string_view* part : {&parts.document, &parts.styles, &parts.footnotes, &parts.properties}) {
    *part = bytes.substr(0, bytes.find('\0'));
    bytes.remove_prefix(part->size() < bytes.size() ? part->size() + 1 : bytes.size());
  }
  Document document = parse_docx_parts(parts, "fuzz", kLimits);
  check_document(document, "fuzz");
  return document;
}

}  // namespace

// The first byte chooses the format, as a letter so that seeds can be read.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  try {
    switch (data[0]) {
      case 't':
        parse_bytes(DocumentFormat::text, bytes, "fuzz", kLimits);
        break;
      case 's':
        parse_bytes(DocumentFormat::source, bytes, "fuzz", kLimits);
        break;
      case 'm':
        parse_bytes(DocumentFormat::markdown, bytes, "fuzz", kLimits);
        break;
      case 'h':
        parse_bytes(DocumentFormat::html, bytes, "fuzz", kLimits);
        break;
      case 'c':
        parse_bytes(DocumentFormat::csv, bytes, "fuzz", kLimits);
        break;
      case 'j':
        parse_bytes(DocumentFormat::json, bytes, "fuzz", kLimits);
        break;
      case 'z':
        parse_bytes(DocumentFormat::docx, bytes, "fuzz", kLimits);
        break;
      case 'd':
        parse_parts(bytes);
        break;
      case 'p': {
        const Document document = parse_pdf_text(bytes, "fuzz", kLimits);
        check_document(document, "fuzz");
        break;
      }
      default:
        break;
    }
  } catch (const Error& error) {
    if (std::string_view(error.what()).find("its parser") != std::string_view::npos) std::abort();  // our own fault
  }
  return 0;
}
