#include <zip.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <new>
#include <pugixml.hpp>
#include <string>
#include <unordered_map>

#include "base/error.h"
#include "retrieval/document_builder.h"
#include "retrieval/parsers.h"

namespace bantam {
namespace {

// Documents inflate 5 to 30 times; one that grows past both was made to do harm.
constexpr size_t kBombRatio = 200, kBombBytes = size_t{16} << 20;

struct ZipDiscard {
  void operator()(zip_t* zip) const { zip_discard(zip); }
};
struct ZipFileClose {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using ZipArchive = std::unique_ptr<zip_t, ZipDiscard>;

ZipArchive open_zip(std::string_view bytes, std::string_view name) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  zip_t* zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : nullptr;
  if (!zip) {
    zip_source_free(source);
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw FormatError("{}: broken DOCX file: not a readable ZIP archive ({})", name, reason);
  }
  zip_error_fini(&error);
  return ZipArchive(zip);
}

// Inflates the members of one archive, all of them together within one limit.
class Inflater {
 public:
  Inflater(std::string_view bytes, std::string_view name, const ParseLimits& limits)
      : zip_(open_zip(bytes, name)), name_(name), archive_bytes_(bytes.size()), limits_(limits) {}

  // Empty when there is no such member.
  std::string member(const char* member_name) {
    const zip_int64_t index = zip_name_locate(zip_.get(), member_name, 0);
    if (index < 0) return {};
    const std::unique_ptr<zip_file_t, ZipFileClose> file(
        zip_fopen_index(zip_.get(), static_cast<zip_uint64_t>(index), 0));
    if (!file) throw_broken(member_name, zip_strerror(zip_.get()));
    std::string out;
    std::array<char, 1 << 16> buffer;
    for (;;) {
      const zip_int64_t got = zip_fread(file.get(), buffer.data(), buffer.size());
      if (got < 0) throw_broken(member_name, zip_file_strerror(file.get()));
      if (got == 0) return out;
      inflated_bytes_ += static_cast<size_t>(got);
      check_inflation(member_name);
      out.append(buffer.data(), static_cast<size_t>(got));
    }
  }

 private:
  [[noreturn]] void throw_broken(const char* member_name, const char* reason) const {
    throw FormatError("{}: broken DOCX file: {} cannot be read ({})", name_, member_name, reason);
  }

  void check_inflation(const char* member_name) const {
    if (inflated_bytes_ > limits_.text_bytes) {
      throw FormatError("{}: {} inflates to more than the limit of {} MiB", name_, member_name,
                        limits_.text_bytes >> 20);
    }
    if (inflated_bytes_ > kBombBytes && inflated_bytes_ / kBombRatio > archive_bytes_) {
      throw FormatError("{}: {} inflates to more than {} times the file's {} bytes: a zip bomb", name_, member_name,
                        kBombRatio, archive_bytes_);
    }
  }

  ZipArchive zip_;
  std::string_view name_;
  size_t archive_bytes_, inflated_bytes_ = 0;
  const ParseLimits& limits_;
};

// The tree and its depth are the file's; nothing here or in pugixml recurses over it.
void load_xml(pugi::xml_document& tree, std::string_view xml, std::string_view what, std::string_view name) {
  constexpr unsigned kOptions = pugi::parse_default | pugi::parse_ws_pcdata;
  const pugi::xml_parse_result result = tree.load_buffer(xml.data(), xml.size(), kOptions, pugi::encoding_auto);
  if (result.status == pugi::status_out_of_memory) throw std::bad_alloc();
  if (!result)
    throw FormatError("{}: broken DOCX file: {}: {} at byte {}", name, what, result.description(), result.offset);
}

using Levels = std::unordered_map<std::string, int>;

int number_of(const char* text) {
  int value = -1;
  std::from_chars(text, text + std::char_traits<char>::length(text), value);
  return value;
}

// Style identifiers differ from language to language ("Heading1", "1"); the styles' names and outline levels do not.
Levels heading_levels(std::string_view styles_xml, std::string_view name) {
  Levels levels;
  if (styles_xml.empty()) return levels;
  pugi::xml_document tree;
  load_xml(tree, styles_xml, "word/styles.xml", name);
  for (const pugi::xml_node style : tree.child("w:styles").children("w:style")) {
    const std::string_view style_name = style.child("w:name").attribute("w:val").value();
    int level = number_of(style.child("w:pPr").child("w:outlineLvl").attribute("w:val").value()) + 1;
    if (style_name == "Title" || style_name == "title") level = 1;
    if (style_name.starts_with("heading ")) level = number_of(style_name.data() + 8);
    if (level >= 1 && level <= 9) levels[style.attribute("w:styleId").value()] = level;
  }
  return levels;
}

class BodyWriter {
 public:
  BodyWriter(DocumentBuilder& out, const Levels& levels) : out_(out), levels_(levels) {}

  // Every node in the order of the text.
  void write(pugi::xml_node root) {
    pugi::xml_node node = root.first_child();
    while (node) {
      if (enter(node) && node.first_child()) {
        node = node.first_child();
        continue;
      }
      leave(node);
      while (!node.next_sibling()) {
        node = node.parent();
        if (!node || node == root) return;
        leave(node);
      }
      node = node.next_sibling();
    }
  }

 private:
  // False where the children are not to be read.
  bool enter(pugi::xml_node node) {
    const std::string_view tag = node.name();
    if (tag == "w:t") {
      out_.add_text(node.text().get());
    } else if (tag == "w:tab" && std::string_view(node.parent().name()) == "w:r") {
      out_.add_text(" ");
    } else if (tag == "w:br" || tag == "w:cr") {
      end_line();
    } else if (tag == "w:noBreakHyphen") {
      out_.add_text("-");
    } else if (tag == "w:p") {
      if (cells_ == 0) out_.end_paragraph();
      if (const int level = level_of(node); level > 0 && cells_ == 0) out_.begin_heading(level);
    } else if (tag == "w:tc") {
      if (cells_ == 0 && !out_.at_line_start()) out_.add_text(" | ");
      ++cells_;
    } else if (tag == "w:tbl" && cells_ == 0) {
      out_.end_paragraph();
    }
    // Deleted text, field codes, and the second copy of a text box.
    return tag != "w:t" && tag != "w:del" && tag != "w:instrText" && tag != "mc:Fallback";
  }

  void leave(pugi::xml_node node) {
    const std::string_view tag = node.name();
    if (tag == "w:p") {
      cells_ == 0 ? out_.end_paragraph() : out_.add_text(" ");
    } else if (tag == "w:tc") {
      --cells_;
    } else if (tag == "w:tr" && cells_ == 0) {
      out_.end_line();
    } else if (tag == "w:tbl" && cells_ == 0) {
      out_.end_paragraph();
    }
  }

  void end_line() { cells_ == 0 && !out_.in_heading() ? out_.end_line() : out_.add_text(" "); }

  int level_of(pugi::xml_node paragraph) const {
    const pugi::xml_node properties = paragraph.child("w:pPr");
    if (const auto outline = properties.child("w:outlineLvl")) {
      const int level = number_of(outline.attribute("w:val").value()) + 1;
      return level >= 1 && level <= 9 ? level : 0;
    }
    const auto known = levels_.find(properties.child("w:pStyle").attribute("w:val").value());
    return known == levels_.end() ? 0 : known->second;
  }

  DocumentBuilder& out_;
  const Levels& levels_;
  int cells_ = 0;  // table cells open around this place
};

}  // namespace

Document parse_docx_parts(const DocxParts& parts, std::string_view name, const ParseLimits& limits) {
  const Levels levels = heading_levels(parts.styles, name);
  DocumentBuilder out(name, limits);
  const auto write_part = [&](std::string_view xml, const char* what) {
    if (xml.empty()) return;
    pugi::xml_document tree;
    load_xml(tree, xml, what, name);
    BodyWriter(out, levels).write(tree);
    out.end_paragraph();
  };
  write_part(parts.document, "word/document.xml");
  write_part(parts.footnotes, "word/footnotes.xml");
  std::string title;
  if (!parts.properties.empty()) {
    pugi::xml_document tree;
    load_xml(tree, parts.properties, "docProps/core.xml", name);
    title = tree.child("cp:coreProperties").child("dc:title").text().get();
  }
  return out.finish(title);
}

Document parse_docx(std::string_view bytes, std::string_view name, const ParseLimits& limits) {
  constexpr std::string_view kCompoundFile = "\xD0\xCF\x11\xE0";
  if (bytes.starts_with(kCompoundFile)) {
    throw FormatError(
        "{}: an encrypted DOCX file or one of Word before 2007; saving it as DOCX without a password makes "
        "it readable",
        name);
  }
  Inflater zip(bytes, name, limits);
  const std::string document = zip.member("word/document.xml");
  if (document.empty()) throw FormatError("{}: broken DOCX file: it holds no word/document.xml", name);
  const std::string styles = zip.member("word/styles.xml"), footnotes = zip.member("word/footnotes.xml"),
                    properties = zip.member("docProps/core.xml");
  return parse_docx_parts({document, styles, footnotes, properties}, name, limits);
}

}  // namespace bantam
