#include "model/model.h"

#include <future>
#include <map>
#include <utility>

#include "base/error.h"
#include "formats/gguf.h"
#include "formats/hf_folder.h"
#include "model/families/family.h"

namespace bantam {
namespace {

// Whether the metadata came from a Hugging Face config.json.
bool is_hf(const Metadata& meta) { return meta.has("hf.architectures"); }

const Family& family_of(const ModelFile& file) {
  const Metadata& meta = file.metadata;
  if (!is_hf(meta)) return family_by_name(meta.string("general.architecture"), file.source());
  const auto& architectures = meta.strings("hf.architectures");
  if (architectures.empty()) throw FormatError("{}: 'architectures' is empty", file.source());
  return family_by_hf_architecture(architectures[0], file.source());
}

void check_tokenizer_fits(const ModelFile& file, const ModelConfig& config) {
  if (!file.metadata.has("tokenizer.ggml.tokens")) return;
  const size_t tokens = file.metadata.strings("tokenizer.ggml.tokens").size();
  if (tokens > static_cast<size_t>(config.vocab)) {
    throw FormatError("{}: the tokenizer has {} tokens but the embedding only {} rows: they do not belong together",
                      file.source(), tokens, config.vocab);
  }
}

// Buffers that old checkpoints carry along with the weights they are computed from.
bool is_computed(std::string_view name) { return name.ends_with(".rotary_emb.inv_freq"); }

}  // namespace

// Finds tensors in a file one after the other, in the order of weights.h.
class Model::Binder {
 public:
  Binder(const ModelFile& file, const TensorLayout& layout, std::vector<std::vector<real>>& converted)
      : file_(file), layout_(layout), converted_(converted) {}

  void operator()(const std::string& name, int rows, int cols, Matrix& w) {
    const NamedTensor* tensor = layout_.find(file_, name);
    if (!tensor) throw FormatError("{}: the tensor '{}' is missing", file_.source(), stored_name(name));
    Stored& stored = stored_[tensor];
    const bool vector = rows == 1;
    // A vector's parts follow each other in its one row.
    const int64_t first = stored.taken, count = vector ? cols : rows;
    stored.cols = vector ? 0 : cols;
    stored.taken += count;
    if (const auto [found_rows, found_cols] = shape_of(*tensor); stored.taken > found_rows || stored.cols != found_cols)
      refuse(*tensor, stored);
    if (vector) return bind_vector(*tensor, first, cols, w);
    w = {tensor->bytes.data() + static_cast<size_t>(first) * row_bytes(tensor->dtype, cols), nullptr, rows, cols,
         tensor->dtype};
  }

  // Throws unless every tensor of the file has been used, all of it.
  void finish(const ModelConfig& config) const {
    for (const NamedTensor& tensor : file_.tensors()) {
      const auto found = stored_.find(&tensor);
      if (found != stored_.end()) {
        if (found->second.taken != shape_of(tensor).first) refuse(tensor, found->second);
        continue;
      }
      const bool rope =
          tensor.name == kRopeFactors || tensor.name == kShortRopeFactors || tensor.name == kLongRopeFactors;
      if (is_computed(tensor.name) || (rope && !config.rope_factors.empty())) continue;
      throw UnsupportedError(
          "{}: the tensor '{}' has no use in the architecture '{}' as this build knows it; running "
          "without it would give wrong answers",
          file_.source(), tensor.name, config.family);
    }
  }

 private:
  // How much of a tensor of the file the weights so far take: rows of `cols`, or, of a vector, values.
  struct Stored {
    int64_t taken = 0, cols = 0;
  };

  // Rows and columns; of a vector, values and 0.
  static std::pair<int64_t, int64_t> shape_of(const NamedTensor& tensor) {
    const int64_t last = tensor.shape.empty() ? 1 : tensor.shape.back();
    if (tensor.shape.size() < 2) return {last, 0};
    int64_t rows = 1;
    for (size_t i = 0; i + 1 < tensor.shape.size(); ++i) rows *= tensor.shape[i];
    return {rows, last};
  }

  std::string stored_name(const std::string& name) const {
    const std::string alone = layout_.name_of(name);
    return alone.empty() ? layout_.whole_of(name) : alone;
  }

  [[noreturn]] void refuse(const NamedTensor& tensor, const Stored& wanted) const {
    const std::string cols = wanted.cols > 0 ? fmt::format("x{}", wanted.cols) : "";
    throw FormatError("{}: the tensor '{}' has shape {}, expected {}{}", file_.source(), tensor.name,
                      fmt::join(tensor.shape, "x"), wanted.taken, cols);
  }

  // Vectors are small and wanted as reals. Copied also where they are: looked at in the mapped file, each of them would
  // keep 64 KiB of it in memory, which is what the kernel maps around a page.
  void bind_vector(const NamedTensor& tensor, int64_t first, int cols, Matrix& w) {
    w = {nullptr, nullptr, 1, cols, kRealType};
    const int64_t values = shape_of(tensor).first;
    std::vector<real> whole(static_cast<size_t>(values));
    traits(tensor.dtype).decode(tensor.bytes.data(), whole.data(), values);
    w.data = reinterpret_cast<const std::byte*>(converted_.emplace_back(std::move(whole)).data() + first);
  }

  const ModelFile& file_;
  const TensorLayout& layout_;
  std::vector<std::vector<real>>& converted_;
  std::map<const NamedTensor*, Stored> stored_;
};

std::shared_ptr<const Model> Model::load(const std::filesystem::path& path, LoadFor use) {
  return from_file(std::filesystem::is_directory(path) ? read_hf_folder(path) : read_gguf(path), use);
}

std::shared_ptr<const Model> Model::from_file(ModelFile opened, LoadFor use, const PanelCache* cache,
                                              const std::function<void(const Metadata&)>& beside) {
  const Family& family = family_of(opened);
  const bool hf = is_hf(opened.metadata);
  if (hf && family.arrange_hf) opened = family.arrange_hf(std::move(opened));
  const std::shared_ptr<Model> model(new Model(std::move(opened)));
  const ModelFile& file = model->file_;
  model->config_ = hf ? config_from_hf(family, file) : config_from_gguf(family, file);
  const ModelConfig& config = model->config_;
  validate(config, file.source());
  check_tokenizer_fits(file, config);

  model->weights_ = Weights(config);
  Binder bind(file, hf ? family.hf : family.gguf, model->converted_);
  for_each_tensor(config, bind, model->weights_);
  bind.finish(config);
  std::future<void> other;
  if (beside) other = std::async(std::launch::async, [&] { beside(file.metadata); });
  if (use == LoadFor::running) model->panels_ = pack_weights(config, model->weights_, file, cache);
  if (beside) other.get();
  return model;
}

size_t Model::weight_bytes() const {
  size_t total = 0;
  for_each_tensor(
      config_,
      [&](const std::string&, int rows, int, const Matrix& w) { total += static_cast<size_t>(rows) * w.row_bytes(); },
      weights_);
  return total;
}

size_t Model::parameters() const {
  size_t total = 0;
  for_each_tensor(
      config_, [&](const std::string&, int, int, const Matrix& w) { total += w.size(); }, weights_);
  return total;
}

}  // namespace bantam
