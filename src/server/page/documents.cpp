// /bantam/documents: what answers come from, what is added to it, and the passages that citations open.
#include <algorithm>
#include <filesystem>

#include "base/utf8.h"
#include "server/body_file.h"
#include "server/fields.h"
#include "server/grounded.h"
#include "server/page/conversation_store.h"
#include "server/page/document_library.h"
#include "server/page/page.h"
#include "server/page/query.h"
#include "server/wire.h"
#include "text/unicode.h"

namespace bantam {
namespace {

constexpr size_t kMostListed = 10'000, kMostProblems = 200;
constexpr size_t kAround = 4000;                // bytes of text before and after what is asked for
constexpr size_t kMostText = size_t{64} << 10;  // of one answer
constexpr size_t kParagraphSearch = 2000;       // how far the text goes on to the edge of a paragraph

std::string file_name(const std::filesystem::path& path) { return path.filename().string(); }

GroundedAnswers& answers_of(const Call& call) {
  if (!call.parts.documents) throw ApiError(404, "no_documents", "", "this server answers from no documents");
  return *call.parts.documents;
}

DocumentLibrary& library_of(const Call& call) {
  if (!call.parts.page.documents)
    throw ApiError(403, "not_allowed", "",
                   "this server takes no documents; its owner starts it where it may keep them");
  return *call.parts.page.documents;
}

GroundedAnswers::Place place_of(const Call& call) {
  const std::string& id = call.params.find("document")->second;
  auto place = answers_of(call).find_document(id);
  if (place) return std::move(*place);
  throw ApiError(404, "document_not_found", "", fmt::format("there is no document '{}'", id.substr(0, 100)));
}

bool can_delete(const Call& call, const GroundedAnswers::Place& place) {
  return call.parts.page.documents && place.collection == GroundedAnswers::kLibrary &&
         call.parts.page.documents->is_upload(place.file.path);
}

std::string lower_case(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const auto c = decode_utf8(std::string_view(text).substr(at));
    at += c ? static_cast<size_t>(c->bytes) : 1;
    if (c) append_utf8(out, to_lower(c->value));
  }
  return out;
}

// What went wrong, without the server's path.
std::string reason_without_path(const SkippedFile& skipped) {
  const std::string path = skipped.path.string();
  std::string reason = skipped.reason;
  for (size_t at = reason.find(path); at != std::string::npos; at = reason.find(path)) {
    reason.replace(at, path.size(), file_name(skipped.path));
  }
  const std::string start = file_name(skipped.path) + ": ";
  return reason.starts_with(start) ? reason.substr(start.size()) : reason;
}

Json problems_json(const std::vector<SkippedFile>& problems) {
  Json out = Json::array();
  for (size_t i = 0; i < std::min(problems.size(), kMostProblems); ++i) {
    out.push_back({{"file", file_name(problems[i].path)}, {"reason", reason_without_path(problems[i])}});
  }
  return out;
}

bool starts_character(std::string_view text, size_t at) {
  return at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
}

// The paragraphs around [begin, end).
std::pair<size_t, size_t> paragraphs_around(std::string_view text, size_t begin, size_t end) {
  end = std::min({end, text.size(), begin + kMostText - 2 * (kAround + kParagraphSearch)});
  size_t from = begin - std::min(begin, kAround), to = std::min(text.size(), end + kAround);
  if (const size_t edge = text.rfind("\n\n", from);
      from > 0 && edge != std::string_view::npos && from - edge < kParagraphSearch)
    from = edge + 2;
  if (const size_t edge = text.find("\n\n", to); edge != std::string_view::npos && edge - to < kParagraphSearch)
    to = edge;
  while (!starts_character(text, from)) --from;
  while (!starts_character(text, to)) ++to;
  return {from, to};
}

}  // namespace

std::shared_ptr<BodyFile> page_body_file(const PageParts& page, const IncomingRequest& head) {
  if (head.method != "POST") return nullptr;
  if (head.path == "/bantam/documents" && page.documents)
    return std::make_shared<BodyFile>(page.documents->incoming(), kMostUploadBytes);
  if (head.path == "/bantam/import" && page.conversations)
    return std::make_shared<BodyFile>(page.conversations->incoming(), kMostImportBytes);
  return nullptr;
}

std::unique_ptr<Job> list_documents(Call call) {
  GroundedAnswers& answers = answers_of(call);
  const size_t most = query_number(call.request, "limit", 1, kMostListed).value_or(kMostListed);
  const std::string wanted = lower_case(query_value(call.request.query, "q").value_or(""));
  Json files = Json::array();
  size_t found = 0;
  for (const std::string& collection : answers.collections()) {
    if (collection == GroundedAnswers::kManual) continue;
    for (const IndexedFile& file : answers.files(collection)) {
      const bool matches = lower_case(file_name(file.path) + " " + file.title).find(wanted) != std::string::npos;
      if (!matches || ++found > most) continue;
      files.push_back({{"id", document_id(collection, file.path)},
                       {"name", file_name(file.path)},
                       {"title", file.title},
                       {"bytes", file.bytes},
                       {"passages", file.passages},
                       {"added", file.modified_ns / 1'000'000'000},
                       {"index", collection},
                       {"deletable", can_delete(call, {collection, file})}});
    }
  }
  const DocumentLibrary::Status status =
      call.parts.page.documents ? call.parts.page.documents->status() : DocumentLibrary::Status{};
  return ready(json_response(to_line({{"files", std::move(files)},
                                      {"found", found},
                                      {"more", found > most},
                                      {"indexing",
                                       {{"running", status.progress.running},
                                        {"done", status.progress.done},
                                        {"total", status.progress.total},
                                        {"current", status.progress.current}}},
                                      {"problems", problems_json(status.problems)}})));
}

std::unique_ptr<Job> add_document(Call call) {
  DocumentLibrary& library = library_of(call);
  const auto name = query_value(call.request.query, "name");
  if (!name || name->empty()) throw bad_field("name", "is missing; send POST /bantam/documents?name=FILE");
  const std::filesystem::path path = library.add(*call.request.file, *name);
  HttpResponse response = json_response(
      to_line({{"id", document_id(GroundedAnswers::kLibrary, path.string())}, {"name", file_name(path)}}));
  response.status = 201;
  return ready(std::move(response));
}

std::unique_ptr<Job> add_document_folder(Call call) {
  DocumentLibrary& library = library_of(call);
  const Json body = parse_body(call.request);
  const std::string path = Fields(body).required_text("path");
  try {
    return ready(json_response(to_line({{"path", library.add_folder(path).string()}})));
  } catch (const UsageError& error) {
    throw ApiError(403, "folder_not_allowed", "path", error.what());
  }
}

std::unique_ptr<Job> delete_document(Call call) {
  const GroundedAnswers::Place place = place_of(call);
  if (!can_delete(call, place)) {
    throw ApiError(403, "not_an_upload", "",
                   fmt::format("{}: is in a folder of its owner, who deletes it there", file_name(place.file.path)));
  }
  library_of(call).remove(place.file.path);
  return ready({.status = 204});
}

std::unique_ptr<Job> document_text(Call call) {
  const GroundedAnswers::Place place = place_of(call);
  const auto text = answers_of(call).text(place);
  if (!text) throw ApiError(404, "document_not_found", "", "the document was changed or deleted meanwhile");
  const size_t begin = query_number(call.request, "start", 0, text->size()).value_or(0);
  const size_t end = query_number(call.request, "end", begin, text->size()).value_or(begin);
  const auto [from, to] = paragraphs_around(*text, begin, end);
  return ready(json_response(to_line({{"id", call.params.find("document")->second},
                                      {"name", file_name(place.file.path)},
                                      {"title", place.file.title},
                                      {"text", text->substr(from, to - from)},
                                      {"start", from},
                                      {"end", to},
                                      {"bytes", text->size()}})));
}

}  // namespace bantam
