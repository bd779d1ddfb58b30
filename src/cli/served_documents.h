// What bantam serve answers from: the documents of the page, collections that --docs and --index name, and the manual.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/reader.h"
#include "server/grounded.h"
#include "server/page/document_library.h"

namespace bantam {

struct ServedDocumentsOptions {
  std::vector<std::string> docs;     // FOLDER: read for the page; NAME=FOLDER: a collection
  std::vector<std::string> indexes;  // NAME=FILE
  int threads = 1;
};

class ServedDocuments {
 public:
  // Throws UsageError for options that make no sense and in a build without a reader, else as open_library().
  explicit ServedDocuments(const ServedDocumentsOptions& options);

  GroundedAnswers* answers() { return &*answers_; }
  DocumentLibrary* library() { return library_.get(); }  // null where there is no folder for it

 private:
  Reader reader_;
  std::unique_ptr<DocumentLibrary> library_;
  std::optional<GroundedAnswers> answers_;
};

}  // namespace bantam
