#include "shrink/quantize.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "formats/gguf.h"

namespace bantam {
namespace {

constexpr int64_t kValuesAtATime = int64_t{1} << 21;  // decoded in memory: 8 MiB
constexpr int64_t kQuantizationVersion = 2;           // of the block formats, as llama.cpp counts

bool is_quantised(DType dtype) { return traits(dtype).block > 1; }

int64_t values_of(const NamedTensor& tensor) {
  return std::accumulate(tensor.shape.begin(), tensor.shape.end(), int64_t{1}, std::multiplies<>());
}

// One file on its way through: what is wanted of it, and what there is to say about it.
class Quantizer {
 public:
  Quantizer(const ModelFile& file, const QuantizeOptions& options, ThreadPool& pool)
      : file_(file), options_(options), pool_(pool), context_(mix_context(file, options.importance != nullptr)) {}

  TensorSource source(const NamedTensor& tensor);
  QuantizeReport take_report();

 private:
  DType format_for(const NamedTensor& tensor);
  void convert(const NamedTensor& tensor, DType to, const ByteSink& put) const;
  void encode_row(const NamedTensor& tensor, DType to, int64_t row, std::span<const float> importance, float* values,
                  std::byte* encoded) const;
  void check(const NamedTensor& tensor, int64_t row, const float* values, int64_t n, DType to, bool encoded) const;

  const ModelFile& file_;
  const QuantizeOptions& options_;
  ThreadPool& pool_;
  MixContext context_;
  QuantizeReport report_;
  int quantised_before_ = 0;
};

DType Quantizer::format_for(const NamedTensor& tensor) {
  if (tensor.shape.size() < 2) return DType::f32;
  if (!is_quantised_matrix(tensor.name)) return tensor.dtype;
  const bool embedding = tensor.name == "token_embd.weight" || tensor.name == "output.weight";
  const DType wanted = embedding && options_.embeddings ? *options_.embeddings
                       : options_.pure                  ? options_.to.base
                                                        : mixed_format(options_.to, context_, tensor.name);
  const DType fitting = fitting_format(wanted, tensor.shape.back());
  if (fitting != wanted) {
    report_.notes.push_back(fmt::format("{}: its rows of {} values are not whole blocks of {}; stored as {}",
                                        tensor.name, tensor.shape.back(), traits(wanted).name, traits(fitting).name));
  }
  return fitting;
}

TensorSource Quantizer::source(const NamedTensor& tensor) {
  const DType to = format_for(tensor);
  report_.bytes_before += tensor.bytes.size();
  report_.bytes_after += tensor_bytes(file_.source(), tensor.name, to, tensor.shape);
  report_.values += static_cast<uint64_t>(values_of(tensor));
  if (to == tensor.dtype) return source_of(tensor);
  quantised_before_ += is_quantised(tensor.dtype);
  return {tensor.name, to, tensor.shape, [this, &tensor, to](const ByteSink& put) { convert(tensor, to, put); }};
}

QuantizeReport Quantizer::take_report() {
  if (quantised_before_ > 0) {
    report_.notes.push_back(
        fmt::format("{} tensors were already quantised: what they lost does not come back; better "
                    "start from the f32 or f16 model",
                    quantised_before_));
  }
  return std::move(report_);
}

// Throws when a value is not finite: before encoding the file is damaged, after it the values did not fit.
void Quantizer::check(const NamedTensor& tensor, int64_t row, const float* values, int64_t n, DType to,
                      bool encoded) const {
  if (std::all_of(values, values + n, [](float v) { return std::isfinite(v); })) return;
  if (encoded) {
    throw FormatError("{}: tensor '{}' row {} has values too large for {}; store the model as bf16 or f32",
                      file_.source(), tensor.name, row, traits(to).name);
  }
  throw FormatError("{}: tensor '{}' row {} holds a NaN or an infinity: the file is damaged, fetch it again",
                    file_.source(), tensor.name, row);
}

// Both buffers are a row's; `values` is overwritten.
void Quantizer::encode_row(const NamedTensor& tensor, DType to, int64_t row, std::span<const float> importance,
                           float* values, std::byte* encoded) const {
  const int64_t cols = tensor.shape.back();
  const DTypeTraits& format = traits(to);
  traits(tensor.dtype)
      .decode(tensor.bytes.data() + static_cast<size_t>(row) * row_bytes(tensor.dtype, cols), values, cols);
  check(tensor, row, values, cols, to, false);
  if (format.encode_weighted && !importance.empty()) {
    format.encode_weighted(values, importance.data(), encoded, cols);
  } else {
    format.encode(values, encoded, cols);
  }
  format.decode(encoded, values, cols);
  check(tensor, row, values, cols, to, true);
}

// Puts the tensor in another format: some rows at a time, each row on one thread.
void Quantizer::convert(const NamedTensor& tensor, DType to, const ByteSink& put) const {
  const int64_t cols = tensor.shape.back(), rows = values_of(tensor) / cols;
  const int64_t matrix_rows = tensor.shape[tensor.shape.size() == 1 ? 0 : tensor.shape.size() - 2];
  const size_t encoded_bytes = row_bytes(to, cols);
  const std::vector<float> importance = options_.importance ? options_.importance->of(tensor) : std::vector<float>();
  const int64_t at_a_time = std::clamp(kValuesAtATime / cols, int64_t{1}, rows);
  std::vector<float> values(static_cast<size_t>(at_a_time * cols));
  std::vector<std::byte> encoded(static_cast<size_t>(at_a_time) * encoded_bytes);
  for (int64_t first = 0; first < rows; first += at_a_time) {
    const int64_t count = std::min(at_a_time, rows - first);
    pool_.parallel_for(count, std::max(int64_t{1}, 16384 / cols), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const int64_t row = first + r;
        const std::span<const float> columns =
            importance.empty() ? std::span<const float>()
                               : std::span(importance)
                                     .subspan(static_cast<size_t>(row / matrix_rows * cols), static_cast<size_t>(cols));
        encode_row(tensor, to, row, columns, values.data() + r * cols,
                   encoded.data() + static_cast<size_t>(r) * encoded_bytes);
      }
    });
    put(std::span(encoded).first(static_cast<size_t>(count) * encoded_bytes));
  }
}

}  // namespace

QuantizeReport quantize(const std::filesystem::path& in, const std::filesystem::path& out,
                        const QuantizeOptions& options, ThreadPool& pool,
                        const std::function<void(uint64_t done, uint64_t total)>& progress) {
  const ModelFile file = read_gguf(in);
  Quantizer quantizer(file, options, pool);
  std::vector<TensorSource> sources;
  for (const NamedTensor& tensor : file.tensors()) sources.push_back(quantizer.source(tensor));
  QuantizeReport report = quantizer.take_report();
  uint64_t done = 0;
  for (TensorSource& source : sources) {
    source.produce = [&, produce = std::move(source.produce)](const ByteSink& put) {
      produce([&](std::span<const std::byte> bytes) {
        put(bytes);
        done += bytes.size();
        if (progress) progress(done, report.bytes_after);
      });
    };
  }
  Metadata metadata = file.metadata;
  metadata.set("general.file_type", int64_t{options.to.file_type});
  if (is_quantised(options.to.base)) metadata.set("general.quantization_version", kQuantizationVersion);
  write_gguf(out, metadata, sources);
  return report;
}

}  // namespace bantam
