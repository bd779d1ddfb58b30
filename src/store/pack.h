// A model as one file for a machine without a network: a tar archive (POSIX ustar) of its manifest and its blobs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "store/store.h"

namespace bantam {

// Bytes copied so far, of how many; may throw to stop.
using CopyProgress = std::function<void(uint64_t done, uint64_t total)>;

// Writes the archive, all or nothing. Throws IoError, also for a blob that no longer has its hash.
void export_model(const Store& store, const Manifest& manifest, const std::filesystem::path& out,
                  const CopyProgress& progress = {});

// Whether a file begins as an exported model does.
bool is_exported_model(const std::filesystem::path& file);

// Takes an exported model in under `name`, or under its own when that is empty, once every byte has the hash that the
// manifest gives it. Throws FormatError naming file and entry, IoError.
Manifest import_model(StoreEdit& edit, const std::filesystem::path& file, const std::string& name,
                      const CopyProgress& progress = {});

// The manifest in an exported model. Throws as import_model().
Manifest read_exported_manifest(const std::filesystem::path& file);

}  // namespace bantam
