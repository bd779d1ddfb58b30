// Brings a remote model into the store.
#pragma once

#include <string>

#include "store/hub.h"
#include "store/store.h"

namespace bantam {

// Bytes of the model that are in the store already, whole or in part.
uint64_t bytes_here(const StoreEdit& edit, const RemoteModel& model);

// Fetches what is not there and publishes the model as `name`. Options as for download(), with progress of all files
// together. Throws as download() and StoreEdit do; IoError when there is no room for all, and FormatError when what
// should be a GGUF file is something else (it is then deleted).
Manifest pull(StoreEdit& edit, HttpTransfers& http, const RemoteModel& model, const std::string& name,
              const DownloadOptions& options);

}  // namespace bantam
