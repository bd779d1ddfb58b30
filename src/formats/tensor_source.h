// Tensors on their way into a file: what the writers of this folder take.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "formats/model_file.h"

namespace bantam {

using ByteSink = std::function<void(std::span<const std::byte>)>;

// A tensor to be written. `produce` is called once and puts exactly the tensor's bytes, in as many pieces as it likes:
// a large file need not be in memory.
struct TensorSource {
  std::string name;
  DType dtype = DType::f32;
  std::vector<int64_t> shape;
  std::function<void(const ByteSink& put)> produce;
};

// A source that puts the tensor's own bytes, which must stay alive.
TensorSource source_of(const NamedTensor& tensor);
std::vector<TensorSource> sources_of(std::span<const NamedTensor> tensors);

// Throws FormatError naming the target file for names that check_name() refuses or that occur twice.
void check_sources(std::string_view target, std::span<const TensorSource> tensors, size_t max_name_bytes);

// Appends the tensor's bytes. Throws Error when `produce` puts more or fewer than its shape says.
void write_tensor(AtomicFile& file, std::string_view target, const TensorSource& tensor);

}  // namespace bantam
