// GGUF, the format llama.cpp and most published quantised models use (docs/gguf.md of ggml, versions 2 and 3).
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "formats/model_file.h"
#include "formats/tensor_source.h"

namespace bantam {

// Reads a little-endian file of version 2 or 3, mapped: tensors look into the file. Shapes are turned round, since GGUF
// stores the innermost dimension first. Metadata may take 56 MiB of memory, about three times the largest published
// vocabulary. Throws IoError, FormatError (broken) or UnsupportedError (another version, byte order or weight format).
ModelFile read_gguf(const std::filesystem::path& path);

// The same from bytes that the caller keeps alive; `source` names them in errors.
ModelFile read_gguf(std::span<const std::byte> bytes, std::string source);

// Writes version 3, alignment 32, all or nothing. Each value takes the type other tools expect: integers u32, or i32
// below zero, and 64 bits where 32 are too few; numbers f32, or f64 past its range; integer arrays i32 (else 64 bits),
// number arrays f32. The key general.alignment is left out. Throws IoError, FormatError for names and shapes that a
// reader would refuse, and Error when a tensor's `produce` puts more or fewer bytes than its shape says.
void write_gguf(const std::filesystem::path& path, const Metadata& metadata, std::span<const TensorSource> tensors);

}  // namespace bantam
