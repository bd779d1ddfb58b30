#include "shrink/quantize.h"

#include <algorithm>

#include "base/error.h"
#include "formats/gguf.h"

namespace bantam {
namespace {

constexpr int64_t kValuesAtATime = int64_t{1} << 21;  // decoded in memory: 8 MiB

// The value of `general.file_type` for a file whose matrices are mostly of a format (llama.h, enum llama_ftype).
std::optional<int64_t> file_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return 0;
    case DType::f16:
      return 1;
    case DType::q4_0:
      return 2;
    case DType::q8_0:
      return 7;
    case DType::bf16:
      return 32;
    default:
      return std::nullopt;
  }
}

DType wanted_format(const NamedTensor& tensor, const QuantizeOptions& options, std::vector<std::string>& notes) {
  if (tensor.shape.size() < 2) return DType::f32;
  if (tensor.shape.size() > 2) {
    notes.push_back(
        fmt::format("{}: has {} dimensions and stays {}", tensor.name, tensor.shape.size(), traits(tensor.dtype).name));
    return tensor.dtype;
  }
  const bool embedding = tensor.name == "token_embd.weight" || tensor.name == "output.weight";
  const DType wanted = embedding && options.embeddings ? *options.embeddings : options.to;
  if (tensor.shape.back() % traits(wanted).block == 0) return wanted;
  notes.push_back(fmt::format("{}: its rows of {} values are not whole blocks of {}; stored as f16", tensor.name,
                              tensor.shape.back(), traits(wanted).name));
  return DType::f16;
}

// Puts the tensor in another format: some rows at a time, each row on one thread.
void convert(const NamedTensor& tensor, DType to, ThreadPool& pool, const ByteSink& put) {
  const int64_t cols = tensor.shape.back();
  const size_t in_bytes = row_bytes(tensor.dtype, cols), out_bytes = row_bytes(to, cols);
  const auto rows = static_cast<int64_t>(tensor.bytes.size() / in_bytes);
  const int64_t at_a_time = std::clamp(kValuesAtATime / cols, int64_t{1}, rows);
  std::vector<float> values(static_cast<size_t>(at_a_time * cols));
  std::vector<std::byte> encoded(static_cast<size_t>(at_a_time) * out_bytes);
  for (int64_t first = 0; first < rows; first += at_a_time) {
    const int64_t count = std::min(at_a_time, rows - first);
    pool.parallel_for(count, std::max(int64_t{1}, 65536 / cols), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        float* row = values.data() + r * cols;
        traits(tensor.dtype).decode(tensor.bytes.data() + static_cast<size_t>(first + r) * in_bytes, row, cols);
        traits(to).encode(row, encoded.data() + static_cast<size_t>(r) * out_bytes, cols);
      }
    });
    put(std::span(encoded).first(static_cast<size_t>(count) * out_bytes));
  }
}

bool is_quantised(DType dtype) { return traits(dtype).block > 1; }

}  // namespace

QuantizeReport quantize(const std::filesystem::path& in, const std::filesystem::path& out,
                        const QuantizeOptions& options, ThreadPool& pool,
                        const std::function<void(uint64_t done, uint64_t total)>& progress) {
  const ModelFile file = read_gguf(in);
  QuantizeReport report;
  std::vector<TensorSource> sources;
  uint64_t done = 0, quantised_before = 0;
  for (const NamedTensor& tensor : file.tensors()) {
    const DType to = wanted_format(tensor, options, report.notes);
    report.bytes_before += tensor.bytes.size();
    report.bytes_after += tensor_bytes(file.source(), tensor.name, to, tensor.shape);
    if (to == tensor.dtype) {
      sources.push_back(source_of(tensor));
    } else {
      quantised_before += is_quantised(tensor.dtype);
      sources.push_back({tensor.name, to, tensor.shape,
                         [&tensor, to, &pool](const ByteSink& put) { convert(tensor, to, pool, put); }});
    }
    sources.back().produce = [&, produce = std::move(sources.back().produce)](const ByteSink& put) {
      produce([&](std::span<const std::byte> bytes) {
        put(bytes);
        done += bytes.size();
        if (progress) progress(done, report.bytes_after);
      });
    };
  }
  if (quantised_before > 0) {
    report.notes.push_back(
        fmt::format("{} tensors were already quantised: what they lost does not come back; better "
                    "start from the f32 or f16 model",
                    quantised_before));
  }
  Metadata metadata = file.metadata;
  if (const auto type = file_type(options.to)) metadata.set("general.file_type", *type);
  write_gguf(out, metadata, sources);
  return report;
}

}  // namespace bantam
