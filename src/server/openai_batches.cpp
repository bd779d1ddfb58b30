// /v1/files and /v1/batches of OpenAI, and Azure's: requests in a file, answered in the background.
#include "server/batches.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/multipart.h"
#include "server/routes.h"

namespace bantam {
namespace {

constexpr size_t kMostFiles = 1000;
constexpr size_t kMostMetadata = 16'384;

Batches& batches_of(Call& call) {
  if (!call.parts.batches) throw ApiError(404, "not_available", "", "this server keeps no files and batches");
  return *call.parts.batches;
}

Json file_json(const UploadedFile& file) {
  return {{"id", file.id},         {"object", "file"},        {"bytes", file.bytes},  {"created_at", file.created_s},
          {"filename", file.name}, {"purpose", file.purpose}, {"status", "processed"}};
}

Json batch_json(const Batch& batch) {
  const auto or_null = [](const auto& value) {
    return value == std::decay_t<decltype(value)>{} ? Json(nullptr) : Json(value);
  };
  const auto at = [&](std::string_view status) {
    return batch.status == status ? or_null(batch.ended_s) : Json(nullptr);
  };
  Json errors = nullptr;
  if (!batch.error.empty()) {
    errors = {{"object", "list"},
              {"data", Json::array({{{"code", "invalid_request"}, {"message", batch.error}, {"line", nullptr}}})}};
  }
  return {{"id", batch.id},
          {"object", "batch"},
          {"endpoint", batch.endpoint},
          {"errors", std::move(errors)},
          {"input_file_id", batch.input_file},
          {"completion_window", "24h"},
          {"status", batch.status},
          {"output_file_id", or_null(batch.output_file)},
          {"error_file_id", or_null(batch.error_file)},
          {"created_at", batch.created_s},
          {"in_progress_at", or_null(batch.started_s)},
          {"completed_at", at("completed")},
          {"failed_at", at("failed")},
          {"cancelled_at", at("cancelled")},
          {"request_counts", {{"total", batch.total}, {"completed", batch.completed}, {"failed", batch.failed}}},
          {"metadata", batch.metadata.empty() ? Json(nullptr) : parse_json(batch.metadata, "metadata")}};
}

std::unique_ptr<Job> answer(const Json& json) { return ready(json_response(to_line(json))); }

template <class Item>
std::unique_ptr<Job> answer_list(const std::vector<Item>& items, Json (*json)(const Item&)) {
  Json data = Json::array();
  for (const Item& item : items) data.push_back(json(item));
  return answer({{"object", "list"}, {"data", std::move(data)}, {"has_more", false}});
}

ApiError no_file(const std::string& id) {
  return ApiError(404, "file_not_found", "", fmt::format("there is no file '{}'", id.substr(0, 80)));
}

Batch batch_named(Call& call) {
  const std::string& id = call.params.at("batch");
  auto batch = batches_of(call).store.batch(call.key.id, id);
  if (!batch) throw ApiError(404, "batch_not_found", "", fmt::format("there is no batch '{}'", id.substr(0, 80)));
  return std::move(*batch);
}

}  // namespace

std::unique_ptr<Job> create_file(Call call) {
  BatchStore& store = batches_of(call).store;
  std::string purpose;
  const FormPart* file = nullptr;
  const std::vector<FormPart> parts = parse_form(call.request);
  for (const FormPart& part : parts) {
    if (part.name == "purpose") purpose = part.content;
    if (part.name == "file") file = &part;
  }
  if (!file) throw ApiError(400, "missing_required_parameter", "file", "file: is missing");
  if (purpose != "batch") throw not_supported("purpose", "a purpose other than 'batch'");
  if (store.files(call.key.id).size() >= kMostFiles)
    throw bad_field("file", "there are {} files already; delete some", kMostFiles);
  return answer(file_json(store.add_file(call.key.id, file->file_name.substr(0, 200), purpose, file->content)));
}

std::unique_ptr<Job> list_files(Call call) { return answer_list(batches_of(call).store.files(call.key.id), file_json); }

std::unique_ptr<Job> get_file(Call call) {
  const auto file = batches_of(call).store.file(call.key.id, call.params.at("file"));
  if (!file) throw no_file(call.params.at("file"));
  return answer(file_json(*file));
}

std::unique_ptr<Job> get_file_content(Call call) {
  auto content = batches_of(call).store.content(call.key.id, call.params.at("file"));
  if (!content) throw no_file(call.params.at("file"));
  return ready({.headers = {{"Content-Type", "application/octet-stream"}}, .body = std::move(*content)});
}

std::unique_ptr<Job> delete_file(Call call) {
  const std::string& id = call.params.at("file");
  if (!batches_of(call).store.remove_file(call.key.id, id)) throw no_file(id);
  return answer({{"id", id}, {"object", "file"}, {"deleted", true}});
}

std::unique_ptr<Job> create_batch(Call call) {
  Batches& batches = batches_of(call);
  const Json body = parse_body(call.request);
  const Fields fields(body);
  const std::string input = fields.required_text("input_file_id"), endpoint = fields.required_text("endpoint");
  const auto known =
      fields.word("endpoint", {"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses",
                               "/chat/completions", "/completions", "/embeddings", "/responses"});
  if (!known) fields.missing("endpoint");
  if (fields.required_text("completion_window") != "24h") throw not_supported("completion_window", "other than '24h'");
  const Json* metadata = fields.object("metadata");
  const std::string noted = metadata ? to_line(*metadata) : "";
  if (noted.size() > kMostMetadata) throw bad_field("metadata", "has more than {} bytes", kMostMetadata);
  if (!batches.store.file(call.key.id, input)) throw no_file(input);
  if (!call.key.scopes.allow(find_route("POST", batch_path(endpoint)).route->scope))
    throw ApiError(403, "insufficient_permissions", "endpoint", "the key may not use this endpoint");
  const Batch batch = batches.store.add_batch(call.key.id, input, endpoint, noted);
  batches.wake();
  return answer(batch_json(batch));
}

std::unique_ptr<Job> list_batches(Call call) {
  return answer_list(batches_of(call).store.batches(call.key.id), batch_json);
}

std::unique_ptr<Job> get_batch(Call call) { return answer(batch_json(batch_named(call))); }

std::unique_ptr<Job> cancel_batch(Call call) {
  const Batch batch = batch_named(call);
  batches_of(call).store.cancel(batch.id);
  batches_of(call).wake();
  return answer(batch_json(batch_named(call)));
}

}  // namespace bantam
