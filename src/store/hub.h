// Where models come from: a repository of Hugging Face or of a mirror, a URL, or an alias for one of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/download.h"
#include "store/fetch.h"

namespace bantam {

struct RemoteFile {
  std::string path;  // its name in the store
  DownloadSource source;
};

// A model that can be fetched.
struct RemoteModel {
  std::string name;  // to call it, unless the user has a better one
  std::string source, revision, licence;
  std::vector<RemoteFile> files;

  std::optional<uint64_t> bytes() const;  // when all sizes are known
};

struct HubModel {
  std::string repository;         // "ORG/NAME"
  std::string quant;              // part of the name of the GGUF file wanted; empty: the usual one
  std::string revision = "main";  // branch, tag or commit
};

// Short names of well-known models, with what they stand for.
std::vector<std::pair<std::string_view, std::string_view>> model_aliases();

// What "hf:ORG/NAME[:QUANT][@REVISION]" says. Throws UsageError when it is not that.
HubModel parse_hub_model(std::string_view text);

// What to fetch of a repository, from the JSON of GET {endpoint}/api/models/ORG/NAME/revision/REVISION?blobs=true: one
// GGUF file, the one whose name contains `quant`, or Q4_K_M, or the only one; without GGUF the files of a Hugging Face
// folder. Throws UsageError that lists the choices, UnsupportedError for what no reader reads, FormatError.
RemoteModel choose_files(std::string_view listing, const HubModel& wanted, const std::string& endpoint);

// Asks the endpoint ("https://huggingface.co") and chooses. Where its answer leaves sizes out, as some mirrors' do, it
// asks for the repository's tree, page by page. Throws as choose_files() and fetch_text().
RemoteModel find_on_hub(HttpTransfers& http, const HubModel& wanted, const std::string& endpoint,
                        const FetchOptions& options);

// Whether the readers of a Hugging Face folder use a file of this name: never pickled weights (.bin, .pt), never code.
bool is_folder_file(std::string_view name);

// A GGUF file somewhere; `sha256` may be empty. Throws UsageError.
RemoteModel model_at_url(const std::string& url, const std::string& sha256);

}  // namespace bantam
