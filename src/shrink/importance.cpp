#include "shrink/importance.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "formats/gguf.h"

namespace bantam {
namespace {

constexpr std::string_view kSums = ".in_sum2", kCounts = ".counts";

// The numbers of an f32 tensor, all finite and at least 0.
std::vector<double> numbers(const ModelFile& file, const NamedTensor& tensor) {
  if (tensor.dtype != DType::f32) {
    throw FormatError("{}: tensor '{}' is {}, expected f32", file.source(), tensor.name, traits(tensor.dtype).name);
  }
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  for (const float v : values) {
    if (!(v >= 0 && std::isfinite(v))) {
      throw FormatError("{}: tensor '{}' holds {}, expected finite numbers of at least 0", file.source(), tensor.name,
                        v);
    }
  }
  return {values.begin(), values.end()};
}

// Matrices of a tensor: the product of all dimensions but the last two.
int64_t matrices_of(const NamedTensor& tensor) {
  const auto end = tensor.shape.end() - std::min<ptrdiff_t>(2, std::ssize(tensor.shape));
  return std::accumulate(tensor.shape.begin(), end, int64_t{1}, std::multiplies<>());
}

}  // namespace

Importance Importance::load(const std::filesystem::path& path) {
  const ModelFile file = read_gguf(path);
  Importance importance;
  importance.source_ = file.source();
  if (file.metadata.string_or("general.type", "model") != "imatrix") {
    throw FormatError("{}: 'general.type' is '{}', expected 'imatrix': a file that bantam calibrate wrote",
                      file.source(), file.metadata.string_or("general.type", "model"));
  }
  for (const NamedTensor& tensor : file.tensors()) {
    if (!tensor.name.ends_with(kSums)) continue;
    const std::string name = tensor.name.substr(0, tensor.name.size() - kSums.size());
    const NamedTensor* counts = file.find(name + std::string(kCounts));
    if (!counts) throw FormatError("{}: tensor '{}{}' is missing", file.source(), name, kCounts);
    Squares squares{tensor.shape.back(), numbers(file, tensor), numbers(file, *counts)};
    if (squares.sums.size() != squares.rows.size() * static_cast<size_t>(squares.cols)) {
      throw FormatError("{}: tensor '{}' has {} numbers for {} matrices of {} columns", file.source(), tensor.name,
                        squares.sums.size(), squares.rows.size(), squares.cols);
    }
    importance.tensors_.emplace(name, std::move(squares));
  }
  return importance;
}

void Importance::save(const std::filesystem::path& path, const std::vector<std::string>& data, int context) const {
  Metadata metadata(path.string());
  metadata.set("general.type", std::string("imatrix"));
  metadata.set("imatrix.datasets", data);
  double rows = 0;
  std::vector<TensorSource> sources;
  const auto add = [&](std::string name, std::vector<int64_t> shape, const std::vector<double>& values) {
    sources.push_back({std::move(name), DType::f32, std::move(shape), [&values](const ByteSink& put) {
                         const std::vector<float> narrow(values.begin(), values.end());
                         put(std::as_bytes(std::span(narrow)));
                       }});
  };
  for (const auto& [name, squares] : tensors_) {
    const double seen = std::accumulate(squares.rows.begin(), squares.rows.end(), 0.0);
    if (seen == 0) continue;
    rows = std::max(rows, seen);
    const auto matrices = static_cast<int64_t>(squares.rows.size());
    add(name + std::string(kSums), {matrices, squares.cols}, squares.sums);
    add(name + std::string(kCounts), {matrices, 1}, squares.rows);
  }
  metadata.set("imatrix.chunk_count", static_cast<int64_t>(std::ceil(rows / context)));
  metadata.set("imatrix.chunk_size", int64_t{context});
  write_gguf(path, metadata, sources);
}

std::vector<float> Importance::of(const NamedTensor& tensor) const {
  const auto found = tensors_.find(tensor.name);
  if (found == tensors_.end()) return {};
  const Squares& squares = found->second;
  if (squares.cols != tensor.shape.back() || std::ssize(squares.rows) != matrices_of(tensor)) {
    throw FormatError("{}: '{}' has {} matrices of {} columns, the model's has {} of {}: it was made for another model",
                      source_, tensor.name, squares.rows.size(), squares.cols, matrices_of(tensor),
                      tensor.shape.back());
  }
  std::vector<float> importance(squares.sums.size(), 1.0f);
  const auto cols = static_cast<size_t>(squares.cols);
  bool known = false;
  for (size_t m = 0; m < squares.rows.size(); ++m) {
    const auto first = squares.sums.begin() + static_cast<ptrdiff_t>(m * cols);
    const double mean = std::accumulate(first, first + squares.cols, 0.0) / static_cast<double>(cols);
    if (!(mean > 0)) continue;  // an expert that no row chose
    known = true;
    for (size_t i = 0; i < cols; ++i) importance[m * cols + i] = static_cast<float>(squares.sums[m * cols + i] / mean);
  }
  if (!known) importance.clear();
  return importance;
}

Calibration::Calibration(std::span<const NamedTensor> tensors) {
  for (const NamedTensor& tensor : tensors) {
    if (tensor.shape.size() < 2) continue;
    const auto matrices = static_cast<size_t>(matrices_of(tensor)), cols = static_cast<size_t>(tensor.shape.back());
    Importance::Squares& squares = importance_.tensors_[tensor.name];
    squares = {tensor.shape.back(), std::vector<double>(matrices * cols), std::vector<double>(matrices)};
    const std::byte* data = tensor.bytes.data();
    places_[data] = {data + tensor.bytes.size(), tensor.bytes.size() / matrices, &squares};
  }
}

void Calibration::observe(const Matrix& w, const Tensor& x) {
  const auto after = places_.upper_bound(w.data);
  if (after == places_.begin()) return;
  const auto& [begin, place] = *std::prev(after);
  if (w.data >= place.end || x.cols != place.squares->cols) return;
  const auto matrix = static_cast<size_t>(w.data - begin) / place.matrix_bytes;
  double* sums = place.squares->sums.data() + matrix * static_cast<size_t>(x.cols);
  for (int r = 0; r < x.rows; ++r) {
    for (int i = 0; i < x.cols; ++i) sums[i] += static_cast<double>(x.row(r)[i]) * static_cast<double>(x.row(r)[i]);
  }
  place.squares->rows[matrix] += x.rows;
}

}  // namespace bantam
