// safetensors, the format of Hugging Face checkpoints (github.com/huggingface/safetensors, README "Format").
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "formats/model_file.h"
#include "formats/tensor_source.h"

namespace bantam {

// Strings of the file's "__metadata__" have this prefix in Metadata.
inline constexpr std::string_view kSafetensorsPrefix = "safetensors.";

// Reads F32, F16, BF16 and F64 tensors, mapped; one that the file leaves misaligned is copied. Tensors come in the
// order of their data. Throws IoError, FormatError (broken: also holes, overlaps and bytes that no tensor owns) or
// UnsupportedError (another dtype). The header may be 100 MB, as in the reference; its records may take 56 MiB.
ModelFile read_safetensors(const std::filesystem::path& path);

// The same from bytes that the caller keeps alive; `source` names them in errors.
ModelFile read_safetensors(std::span<const std::byte> bytes, std::string source);

// Writes the tensors, widest dtype first so that all are aligned, and the metadata strings whose key starts with
// kSafetensorsPrefix; all or nothing. Throws IoError, FormatError for names and shapes that a reader would refuse,
// UnsupportedError for quantised tensors, and Error when a tensor's `produce` puts another number of bytes.
void write_safetensors(const std::filesystem::path& path, const Metadata& metadata,
                       std::span<const TensorSource> tensors);

}  // namespace bantam
