#include "train/parameters.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "base/error.h"
#include "base/rng.h"

namespace bantam {
namespace {

constexpr size_t kAlignment = 64;
constexpr double kEmbeddingDeviation = 0.02;

size_t aligned(size_t n, size_t to) { return (n + to - 1) / to * to; }

bool ends_with(const std::string& name, std::string_view end) { return name.ends_with(end); }

ParameterKind kind_of_tensor(const std::string& name, int rows) {
  if (name == "token_embd.weight") return ParameterKind::embedding;
  if (name == "token_types.weight") return ParameterKind::embedding;
  if (name == "output.weight" || name == "cls.output.weight") return ParameterKind::head;
  return rows == 1 ? ParameterKind::vector : ParameterKind::matrix;
}

// What a reader has and the language model it begins as does not.
bool is_new_in_reader(const std::string& name) { return name == "token_types.weight" || name == "cls.output.weight"; }

// Stores reals in the parameter's format, row by row.
void store_row(const Parameter& p, int row, const std::vector<float>& values) {
  std::byte* out = p.data + static_cast<size_t>(row) * row_bytes(p.dtype, p.cols);
  if (p.dtype == kRealType) {
    std::transform(values.begin(), values.end(), reinterpret_cast<real*>(out), [](float v) { return real{v}; });
  } else {
    traits(p.dtype).encode(values.data(), out, p.cols);
  }
}

}  // namespace

Parameters::Parameters(const ModelConfig& config, DType matrices) : config_(config) {
  if (matrices != kRealType && matrices != DType::bf16) {
    throw UsageError("weights of format {} cannot be trained; use {} or bf16", traits(matrices).name,
                     traits(kRealType).name);
  }
  weights_ = Weights(config_);
  size_t data_bytes = 0;
  std::vector<Matrix*> views;
  const auto plan = [&](const std::string& name, int rows, int cols, Matrix& view) {
    const ParameterKind kind = kind_of_tensor(name, rows);
    const DType dtype = kind == ParameterKind::vector ? kRealType : matrices;
    list_.push_back({name, kind, rows, cols, dtype, nullptr, nullptr});
    views.push_back(&view);
    count_ += list_.back().size();
    data_bytes += aligned(list_.back().bytes(), kAlignment);
    grad_count_ += aligned(list_.back().size(), kAlignment / sizeof(real));
  };
  for_each_tensor(config_, plan, weights_);

  data_ = PageBuffer(data_bytes);
  grad_ = PageBuffer(grad_count_ * sizeof(real));
  std::byte* data = data_.data();
  real* grad = gradients().data();
  for (size_t i = 0; i < list_.size(); ++i) {
    Parameter& p = list_[i];
    p.data = data;
    p.grad = grad;
    *views[i] = {p.data, p.grad, p.rows, p.cols, p.dtype};
    data += aligned(p.bytes(), kAlignment);
    grad += aligned(p.size(), kAlignment / sizeof(real));
  }
}

void Parameters::clear_gradients() { std::ranges::fill(gradients(), real{0}); }

void Parameters::initialise(uint64_t seed) {
  Rng rng(seed);
  for (const Parameter& p : list_) {
    const bool is_norm = ends_with(p.name, "norm.weight");
    const bool ends_branch = ends_with(p.name, "attn_output.weight") || ends_with(p.name, "ffn_down.weight");
    double deviation = 0;
    if (p.kind == ParameterKind::embedding || p.kind == ParameterKind::head) deviation = kEmbeddingDeviation;
    if (p.kind == ParameterKind::matrix && !ends_branch) deviation = 1 / std::sqrt(static_cast<double>(p.cols));
    const float base = is_norm && !config_.norm_plus_one ? 1.f : 0.f;

    std::vector<float> row(static_cast<size_t>(p.cols));
    for (int r = 0; r < p.rows; ++r) {
      for (float& v : row) v = deviation > 0 ? static_cast<float>(deviation * rng.normal()) : base;
      store_row(p, r, row);
    }
  }
}

void Parameters::copy_from(const ModelConfig& config, const Weights& weights, const std::string& source) {
  std::map<std::string, const Matrix*> theirs;
  for_each_tensor(
      config, [&](const std::string& name, int, int, const Matrix& from) { theirs[name] = &from; }, weights);
  for (const Parameter& p : list_) {
    const auto found = theirs.find(p.name);
    if (found == theirs.end()) {
      if (is_new_in_reader(p.name)) continue;
      throw UsageError("{}: has no tensor '{}'; expected a model of {} layers with {} embeddings", source, p.name,
                       config_.layers(), config_.tied_embeddings ? "tied" : "untied");
    }
    const Matrix& from = *found->second;
    if (from.rows != p.rows || from.cols != p.cols) {
      throw UsageError("{}: tensor '{}' has shape {}x{}, expected {}x{}", source, p.name, from.rows, from.cols, p.rows,
                       p.cols);
    }
    std::vector<float> row(static_cast<size_t>(p.cols));
    for (int r = 0; r < p.rows; ++r) {
      if (from.dtype == kRealType) {
        const real* values = from.values() + static_cast<size_t>(r) * static_cast<size_t>(p.cols);
        std::transform(values, values + p.cols, row.begin(), [](real v) { return static_cast<float>(v); });
      } else {
        traits(from.dtype).decode(from.row(r), row.data(), p.cols);
      }
      store_row(p, r, row);
    }
  }
}

}  // namespace bantam
