// The page in the browser: what it is made of on the server, and the handlers of its routes.
#pragma once

#include <cstdint>
#include <memory>

#include "server/http.h"

namespace bantam {

struct Call;
struct Route;
class ConversationStore;
class DocumentLibrary;
class LoadMeter;
class PageBundle;

// Most bytes of a document that is sent, and of conversations that are brought back.
inline constexpr uint64_t kMostUploadBytes = uint64_t{256} << 20, kMostImportBytes = uint64_t{64} << 20;

// All outlive the server; null: it has none.
struct PageParts {
  const PageBundle* bundle = nullptr;
  ConversationStore* conversations = nullptr;
  DocumentLibrary* documents = nullptr;  // what is added on the page; GroundedAnswers answers from it
  LoadMeter* load = nullptr;
};

// page_files.cpp
std::unique_ptr<Job> page_file(Call call);
// Of the files of the page, which need no key; they are in no table because their names come from the build.
const Route& page_file_route();
// A browser that opens "/" wants the page; Ollama's clients want its text.
bool wants_page(const Call& call);

// Where the body of a request goes that may be too large for memory. Null for all but uploads.
std::shared_ptr<BodyFile> page_body_file(const PageParts& page, const IncomingRequest& head);

// conversations.cpp
std::unique_ptr<Job> list_conversations(Call call);
std::unique_ptr<Job> create_conversation(Call call);
std::unique_ptr<Job> get_conversation(Call call);
std::unique_ptr<Job> change_conversation(Call call);
std::unique_ptr<Job> delete_conversation(Call call);
std::unique_ptr<Job> put_message(Call call);
std::unique_ptr<Job> export_conversations(Call call);
std::unique_ptr<Job> import_conversations(Call call);

// documents.cpp
std::unique_ptr<Job> list_documents(Call call);
std::unique_ptr<Job> add_document(Call call);
std::unique_ptr<Job> add_document_folder(Call call);
std::unique_ptr<Job> delete_document(Call call);
std::unique_ptr<Job> document_text(Call call);

// owner.cpp
std::unique_ptr<Job> page_info(Call call);
std::unique_ptr<Job> list_keys(Call call);
std::unique_ptr<Job> create_key(Call call);
std::unique_ptr<Job> change_key(Call call);
std::unique_ptr<Job> revoke_key(Call call);
std::unique_ptr<Job> usage_by_day(Call call);
std::unique_ptr<Job> described_models(Call call);
std::unique_ptr<Job> load_model(Call call);
std::unique_ptr<Job> unload_model(Call call);
std::unique_ptr<Job> server_load(Call call);

}  // namespace bantam
