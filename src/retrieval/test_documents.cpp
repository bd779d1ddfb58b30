#include "retrieval/test_documents.h"

#include <fmt/format.h>
#include <zip.h>

#include <cassert>
#include <cstring>

namespace bantam {

// PDF 1.4: objects 1 catalog, 2 pages, 3 font, then page and contents in turn; the cross-reference table at the end.
std::string make_pdf(const std::vector<std::vector<std::string>>& pages, std::string_view trailer_extra) {
  std::vector<std::string> objects = {"<< /Type /Catalog /Pages 2 0 R >>", "",
                                      "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"};
  std::string kids;
  for (const auto& lines : pages) {
    std::string content = "BT /F1 12 Tf 14 TL 72 720 Td\n";
    for (const std::string& line : lines) content += fmt::format("({}) Tj T*\n", line);
    content += "ET";
    const size_t page = objects.size() + 1;
    kids += fmt::format("{} 0 R ", page);
    objects.push_back(
        fmt::format("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> "
                    ">> /Contents {} 0 R >>",
                    page + 1));
    objects.push_back(fmt::format("<< /Length {} >>\nstream\n{}\nendstream", content.size(), content));
  }
  objects[1] = fmt::format("<< /Type /Pages /Kids [{}] /Count {} >>", kids, pages.size());
  std::string pdf = "%PDF-1.4\n", table = fmt::format("xref\n0 {}\n0000000000 65535 f \n", objects.size() + 1);
  for (size_t i = 0; i < objects.size(); ++i) {
    table += fmt::format("{:010} 00000 n \n", pdf.size());
    pdf += fmt::format("{} 0 obj\n{}\nendobj\n", i + 1, objects[i]);
  }
  const size_t table_at = pdf.size();
  return pdf + table +
         fmt::format("trailer\n<< /Size {} /Root 1 0 R {} >>\nstartxref\n{}\n%%EOF\n", objects.size() + 1,
                     trailer_extra, table_at);
}

std::string make_zip(const std::vector<std::pair<std::string, std::string>>& members) {
  zip_source_t* archive = zip_source_buffer_create(nullptr, 0, 0, nullptr);
  zip_source_keep(archive);
  zip_t* zip = zip_open_from_source(archive, ZIP_TRUNCATE, nullptr);
  for (const auto& [name, contents] : members) {
    zip_file_add(zip, name.c_str(), zip_source_buffer(zip, contents.data(), contents.size(), 0), ZIP_FL_ENC_UTF_8);
  }
  [[maybe_unused]] const int closed = zip_close(zip);
  assert(closed == 0);
  zip_stat_t status;
  zip_source_stat(archive, &status);
  std::string bytes(status.size, '\0');
  zip_source_open(archive);
  zip_source_read(archive, bytes.data(), bytes.size());
  zip_source_close(archive);
  zip_source_free(archive);
  return bytes;
}

std::string make_docx(std::string_view body_xml) {
  return make_zip({
      {"word/document.xml",
       fmt::format(R"(<?xml version="1.0" encoding="UTF-8"?><w:document><w:body>{}</w:body></w:document>)", body_xml)},
      {"word/styles.xml", R"(<w:styles><w:style w:styleId="1"><w:name w:val="heading 1"/></w:style>
         <w:style w:styleId="a"><w:name w:val="Own"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style></w:styles>)"},
      {"docProps/core.xml", "<cp:coreProperties><dc:title>The Farm</dc:title></cp:coreProperties>"},
  });
}

}  // namespace bantam
