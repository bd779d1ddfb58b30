#include "store/hub.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "store/disk.h"
#include "store/manifest.h"

namespace bantam {
namespace {

constexpr size_t kMaxListingBytes = 16 << 20;
constexpr int kMostPages = 100;
constexpr std::string_view kUsualQuant = "q4_k_m", kGgufEnd = ".gguf";

struct Alias {
  std::string_view name, model;
};

constexpr Alias kAliases[] = {
    {"gemma2", "hf:bartowski/gemma-2-2b-it-GGUF:Q4_K_M"},
    {"llama3", "hf:bartowski/Llama-3.2-3B-Instruct-GGUF:Q4_K_M"},
    {"openelm", "hf:mradermacher/OpenELM-1_1B-Instruct-GGUF:Q4_K_M"},
    {"phi3", "hf:microsoft/Phi-3-mini-4k-instruct-gguf:q4"},
    {"smollm2", "hf:HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF:Q4_K_M"},
};

struct HubFile {
  std::string path;
  uint64_t size = 0;
  std::string sha256;  // of large files only

  std::string_view name() const { return std::string_view(path).substr(path.rfind('/') + 1); }
};

std::string lowercase(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = 'A' <= c && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

// The text of a member, or "" when there is none or it is something else.
std::string text_or_empty(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : "";
}

HubFile file_of(const Json& json, std::string_view what) {
  HubFile file{text_or_empty(json, "rfilename"), 0, ""};
  if (!file.path.empty() && json.contains("size") && json["size"].is_number_unsigned()) {
    file.size = json["size"].get<uint64_t>();
  } else {
    throw FormatError("{}: a file of the list has no rfilename or no size", what);
  }
  if (json.contains("lfs")) file.sha256 = lowercase(text_or_empty(json["lfs"], "sha256"));
  if (!file.sha256.empty() && !is_sha256(file.sha256)) {
    throw FormatError("{}: the sha256 of {} is '{}', expected 64 hexadecimal digits", what, file.path, file.sha256);
  }
  return file;
}

std::vector<HubFile> files_of(const Json& json, std::string_view what) {
  if (!json.is_object() || !json.contains("siblings") || !json["siblings"].is_array()) {
    throw FormatError("{}: is no list of a repository's files ('siblings' is missing)", what);
  }
  std::vector<HubFile> files;
  for (const Json& sibling : json["siblings"]) files.push_back(file_of(sibling, what));
  return files;
}

std::string licence_of(const Json& json) {
  if (json.contains("cardData")) {
    const std::string licence = text_or_empty(json["cardData"], "license");
    if (!licence.empty()) return licence;
  }
  if (json.contains("tags") && json["tags"].is_array()) {
    for (const Json& tag : json["tags"]) {
      const std::string text = tag.is_string() ? tag.get<std::string>() : "";
      if (text.starts_with("license:")) return text.substr(8);
    }
  }
  return "";
}

// The N of "-00001-of-0000N" before the end of a name; 1 for a file of its own.
int parts_of(std::string_view name, std::string_view end) {
  constexpr std::string_view kShape = "-#####-of-#####";
  if (!name.ends_with(end) || name.size() < end.size() + kShape.size()) return 1;
  const std::string_view tail = name.substr(name.size() - end.size() - kShape.size(), kShape.size());
  int parts = 0;
  for (size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = '0' <= tail[i] && tail[i] <= '9';
    if (kShape[i] == '#' ? !digit : tail[i] != kShape[i]) return 1;
    if (i + 5 >= kShape.size()) parts = parts * 10 + (tail[i] - '0');
  }
  return parts;
}

std::string choices(const std::vector<HubFile>& files) {
  std::string list;
  for (const HubFile& file : files)
    list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", file.path, size_text(file.size));
  return list;
}

// Weights a program of its own reads are not models: vision projectors, importance matrices.
std::vector<HubFile> ggufs_of(const std::vector<HubFile>& files) {
  std::vector<HubFile> ggufs;
  for (const HubFile& file : files) {
    const std::string name = lowercase(file.name());
    if (name.ends_with(kGgufEnd) && !name.starts_with("mmproj") && name.find("imatrix") == std::string::npos) {
      ggufs.push_back(file);
    }
  }
  return ggufs;
}

HubFile choose_gguf(const std::vector<HubFile>& ggufs, const HubModel& wanted) {
  const auto containing = [&](std::string_view part) {
    std::vector<HubFile> found;
    for (const HubFile& file : ggufs) {
      if (lowercase(file.name()).find(part) != std::string::npos) found.push_back(file);
    }
    return found;
  };
  const bool any = wanted.quant.empty();
  std::vector<HubFile> found = containing(any ? kUsualQuant : lowercase(wanted.quant));
  if (any && found.empty()) found = ggufs;
  if (found.size() != 1) {
    throw UsageError("hf:{}{}: {}; choose with hf:{}:QUANT, a part of a name: {}", wanted.repository,
                     any ? "" : ":" + wanted.quant,
                     found.empty() ? "no file's name contains that" : "several files fit", wanted.repository,
                     choices(found.empty() ? ggufs : found));
  }
  if (parts_of(found.front().name(), ".gguf") > 1) {
    throw UnsupportedError("{}: is one of {} parts of a model, and split GGUF files are not read; choose another: {}",
                           found.front().path, parts_of(found.front().name(), ".gguf"), choices(ggufs));
  }
  return found.front();
}

bool is_weights(std::string_view name) {
  return name == "model.safetensors" || (name.starts_with("model-") && parts_of(name, ".safetensors") > 1);
}

std::vector<HubFile> choose_folder(const std::vector<HubFile>& files, const HubModel& wanted) {
  if (!wanted.quant.empty()) {
    throw UsageError(
        "hf:{}:{}: the repository has no GGUF files to choose from; leave :{} out, and bantam pull "
        "--quantize TYPE makes the weights small",
        wanted.repository, wanted.quant, wanted.quant);
  }
  std::vector<HubFile> chosen, others;
  for (const HubFile& file : files) (is_folder_file(file.path) ? chosen : others).push_back(file);
  const bool weights = std::any_of(chosen.begin(), chosen.end(), [](const auto& f) { return is_weights(f.path); });
  const bool config = std::any_of(chosen.begin(), chosen.end(), [](const auto& f) { return f.path == "config.json"; });
  if (!weights || !config) {
    throw UnsupportedError(
        "hf:{}: has no weights this program reads: wanted a .gguf file, or config.json with "
        "model.safetensors; it has {}",
        wanted.repository, files.empty() ? "no files" : choices(files));
  }
  return chosen;
}

// Whether a repository's list of files says how large they are. A mirror may not know how to be asked for it.
bool has_sizes(const Json& json) {
  if (!json.is_object() || !json.contains("siblings") || !json["siblings"].is_array())
    return true;  // files_of() objects
  return std::ranges::all_of(json["siblings"], [](const Json& file) { return file.contains("size"); });
}

// The entries of a repository's tree in the form of its list of files.
void append_tree(const Json& tree, std::string_view what, Json& siblings) {
  if (!tree.is_array())
    throw FormatError("{}: a page of the tree is a JSON {}, expected an array", what, tree.type_name());
  for (const Json& entry : tree) {
    if (text_or_empty(entry, "type") != "file") continue;
    Json file = {{"rfilename", text_or_empty(entry, "path")}};
    if (entry.contains("size")) file["size"] = entry["size"];
    if (entry.contains("lfs")) file["lfs"] = {{"sha256", text_or_empty(entry["lfs"], "oid")}};
    siblings.push_back(std::move(file));
  }
}

bool is_repository(std::string_view text) {
  const size_t slash = text.find('/');
  return slash != std::string_view::npos && is_model_name(text.substr(0, slash)) &&
         is_model_name(text.substr(slash + 1));
}

}  // namespace

bool is_folder_file(std::string_view name) {
  return is_weights(name) || name == "model.safetensors.index.json" || name == "config.json" ||
         name == "generation_config.json" || name == "tokenizer.model" || name.starts_with("chat_template") ||
         (name.starts_with("tokenizer") && name.ends_with(".json"));
}

std::optional<uint64_t> RemoteModel::bytes() const {
  uint64_t sum = 0;
  for (const RemoteFile& file : files) {
    if (!file.source.size) return std::nullopt;
    sum += *file.source.size;
  }
  return sum;
}

std::vector<std::pair<std::string_view, std::string_view>> model_aliases() {
  std::vector<std::pair<std::string_view, std::string_view>> aliases;
  for (const Alias& alias : kAliases) aliases.emplace_back(alias.name, alias.model);
  return aliases;
}

HubModel parse_hub_model(std::string_view text) {
  const auto bad = [&] {
    return UsageError("'{}' is no model of Hugging Face: wanted hf:ORG/NAME, then :QUANT and @REVISION if you like",
                      text);
  };
  if (!text.starts_with("hf:")) throw bad();
  std::string_view rest = text.substr(3);
  HubModel model;
  if (const size_t at = rest.find('@'); at != std::string_view::npos) {
    model.revision = rest.substr(at + 1);
    rest = rest.substr(0, at);
    if (model.revision.empty() || model.revision.find("..") != std::string::npos) throw bad();
  }
  if (const size_t colon = rest.find(':'); colon != std::string_view::npos) {
    model.quant = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
    if (model.quant.empty()) throw bad();
  }
  if (!is_repository(rest)) throw bad();
  model.repository = rest;
  return model;
}

RemoteModel choose_files(std::string_view listing, const HubModel& wanted, const std::string& endpoint) {
  const std::string what = fmt::format("the file list of {}", wanted.repository);
  const Json json = parse_json(listing, what);
  const std::vector<HubFile> files = files_of(json, what);
  const std::vector<HubFile> ggufs = ggufs_of(files);
  RemoteModel model;
  model.source = "hf:" + wanted.repository;
  model.revision = text_or_empty(json, "sha");
  model.licence = licence_of(json);
  if (model.revision.empty()) throw FormatError("{}: does not say its commit ('sha')", what);
  const std::vector<HubFile> chosen =
      ggufs.empty() ? choose_folder(files, wanted) : std::vector{choose_gguf(ggufs, wanted)};
  const std::string page = fmt::format("{}/{}", endpoint, wanted.repository);
  for (const HubFile& file : chosen) {
    if (!is_plain_file_name(file.name())) throw FormatError("{}: '{}' is no plain file name", what, file.path);
    const std::string url =
        fmt::format("{}/resolve/{}/{}", page, escape_url(model.revision), escape_url(file.path, "/"));
    model.files.push_back({std::string(file.name()), {url, page, file.size, file.sha256}});
  }
  if (ggufs.empty()) {
    model.name = model_name_from(std::string_view(wanted.repository).substr(wanted.repository.find('/') + 1));
  } else {
    const std::string_view stem = chosen.front().name().substr(0, chosen.front().name().size() - kGgufEnd.size());
    model.name = model_name_from(stem);
    model.files.front().path =
        fmt::format("{}{}", stem, kGgufEnd);  // in lowercase, as readers and the store look for it
    model.source += fmt::format(":{}", chosen.front().name());
  }
  return model;
}

RemoteModel find_on_hub(HttpTransfers& http, const HubModel& wanted, const std::string& endpoint,
                        const FetchOptions& options) {
  const std::string api = fmt::format("{}/api/models/{}", endpoint, wanted.repository);
  const std::string page = fmt::format("{}/{}", endpoint, wanted.repository);
  const std::string info = fmt::format("{}/revision/{}?blobs=true", api, escape_url(wanted.revision));
  std::string listing = fetch_text(http, info, page, kMaxListingBytes, options).text;
  const std::string what = fmt::format("the file list of {}", wanted.repository);
  if (Json json = parse_json(listing, what); !has_sizes(json)) {
    Json siblings = Json::array();
    std::string next = fmt::format("{}/tree/{}?recursive=true", api, escape_url(text_or_empty(json, "sha")));
    for (int pages = 0; !next.empty(); ++pages) {
      if (pages == kMostPages) throw FormatError("{}: its tree has more than {} pages", what, kMostPages);
      const FetchedText tree = fetch_text(http, next, page, kMaxListingBytes, options);
      append_tree(parse_json(tree.text, what), what, siblings);
      next = tree.next;
    }
    json["siblings"] = std::move(siblings);
    listing = to_line(json);
  }
  return choose_files(listing, wanted, endpoint);
}

RemoteModel model_at_url(const std::string& url, const std::string& sha256) {
  if (!origin_of(url)) throw UsageError("'{}' is no http or https address", url);
  const std::string hash = lowercase(sha256);
  if (!hash.empty() && !is_sha256(hash)) throw UsageError("--sha256 is '{}', wanted 64 hexadecimal digits", sha256);
  const std::string path = url.substr(0, std::min(url.find('?'), url.find('#')));
  std::string stem = model_name_from(std::string_view(path).substr(path.rfind('/') + 1));
  if (stem.ends_with(kGgufEnd)) stem.resize(stem.size() - kGgufEnd.size());
  RemoteModel model;
  model.name = stem;
  model.source = path;  // what follows '?' may be a key
  model.files.push_back({stem + std::string(kGgufEnd), {url, "", {}, hash}});
  return model;
}

}  // namespace bantam
