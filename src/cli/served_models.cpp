#include "cli/served_models.h"

#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "base/error.h"
#include "cli/data_folder.h"
#include "cli/model_option.h"
#include "store/pull.h"

namespace bantam {
namespace {

constexpr const char* kEmbeddedName = "bantam-1";
constexpr const char* kHub = "https://huggingface.co";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// Unix time of "2026-11-22T03:25:04Z"; 0 for another text.
int64_t unix_time(const std::string& rfc3339) {
  std::tm parts{};
  return ::strptime(rfc3339.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts) ? ::timegm(&parts) : 0;
}

ModelSource embedded_source(int64_t created_s) {
  ModelSource out;
  out.card.name = kEmbeddedName;
  out.card.embedded = true;
  out.card.created_s = created_s;
  out.read = [] { return open_model_file(""); };
  return out;
}

bool has_embedded_model() {
  try {
    open_model_file("");
    return true;
  } catch (const UsageError&) {
    return false;
  }
}

ModelSource stored_source(const Manifest& manifest) {
  ModelSource out;
  out.card.name = manifest.name;
  out.card.created_s = unix_time(manifest.created);
  out.card.bytes = manifest.bytes();
  if (!manifest.files.empty()) out.card.digest = manifest.gguf() ? manifest.gguf()->sha256 : manifest.files[0].sha256;
  out.read = [name = manifest.name] { return open_model_file(name); };
  return out;
}

ModelSource named_source(const std::string& model, int64_t created_s) {
  const std::filesystem::path path = find_model(model);
  ModelSource out;
  out.card.name = std::filesystem::exists(model) ? std::filesystem::path(model).stem().string() : model;
  out.card.created_s = created_s;
  if (std::filesystem::is_regular_file(path)) out.card.bytes = std::filesystem::file_size(path);
  out.read = [model] { return open_model_file(model); };
  return out;
}

RemoteModel find_remote(HttpTransfers& http, std::string model, const std::string& endpoint) {
  std::string name;
  for (const auto& [alias, meaning] : model_aliases()) {
    if (alias == model) name = std::exchange(model, std::string(meaning));
  }
  if (model.find("://") != std::string::npos) return model_at_url(model, "");
  RemoteModel remote =
      find_on_hub(http, parse_hub_model(model.starts_with("hf:") ? model : "hf:" + model), endpoint, {});
  if (!name.empty()) remote.name = name;
  return remote;
}

}  // namespace

ServedModels::ServedModels(const std::vector<std::string>& named) : begun_s_(std::time(nullptr)) {
  for (const std::string& model : named) named_.push_back(named_source(model, begun_s_));
}

std::vector<ModelSource> ServedModels::sources() const {
  if (!named_.empty()) return named_;
  std::vector<ModelSource> out;
  static const bool embedded = has_embedded_model();
  if (embedded) out.push_back(embedded_source(begun_s_));
  if (const auto folder = find_data_folder()) {
    for (const Manifest& manifest : Store(*folder / "models").list()) out.push_back(stored_source(manifest));
  }
  return out;
}

std::string ServedModels::first_name() const {
  const std::vector<ModelSource> all = sources();
  if (all.empty())
    throw UsageError(
        "there is no model to serve: this build has none inside, and the store is empty; bantam pull gets one");
  return all[0].card.name;
}

void StoreLibrary::pull(const std::string& source, const std::function<void(const PullProgress&)>& progress) {
  std::string endpoint = environment("HF_ENDPOINT");
  if (endpoint.empty()) endpoint = kHub;
  const auto origin = origin_of(endpoint);
  if (!origin) throw UsageError("HF_ENDPOINT is '{}', which is no http or https address", endpoint);
  HttpTransfers http({origin->starts_with("https:") ? environment("HF_TOKEN") : "", *origin});
  progress({0, 0, "pulling manifest"});
  const RemoteModel remote = find_remote(http, source, endpoint);
  const Store store = open_store();
  StoreEdit edit(store);
  DownloadOptions options;
  options.progress = [&](const DownloadProgress& p) {
    progress({p.done, p.total.value_or(0), p.checking ? "verifying sha256 digest" : "pulling " + remote.name});
  };
  bantam::pull(edit, http, remote, free_model_name(store, remote.name, remote.source), options);
}

void StoreLibrary::copy(const std::string& from, const std::string& to) {
  check_model_name(to);
  const Store store = open_store();
  Manifest manifest = store.get(from);
  manifest.name = to;
  StoreEdit(store).publish(manifest);
}

void StoreLibrary::remove(const std::string& name) {
  const Store store = open_store();
  const Manifest manifest = store.get(name);
  StoreEdit(store).remove(manifest);
}

}  // namespace bantam
