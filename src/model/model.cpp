#include "model/model.h"

#include <set>

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

}  // namespace

std::shared_ptr<const Model> Model::load(const std::filesystem::path& path) {
  return from_file(std::filesystem::is_directory(path) ? read_hf_folder(path) : read_gguf(path));
}

std::shared_ptr<const Model> Model::from_file(ModelFile opened) {
  const std::shared_ptr<Model> model(new Model(std::move(opened)));
  const ModelFile& file = model->file_;
  const Family& family = family_of(file);
  const bool hf = is_hf(file.metadata);
  model->config_ = hf ? family.from_hf(file) : family.from_gguf(file);
  const ModelConfig& config = model->config_;
  validate(config, file.source());
  check_tokenizer_fits(file, config);

  model->weights_.layer.resize(config.layer.size());
  std::set<std::string, std::less<>> used;
  const auto bind = [&](const std::string& name, int rows, int cols, Matrix& w) {
    const std::string stored_name = hf ? family.hf_tensor_name(name) : name;
    const NamedTensor* tensor = file.find(stored_name);
    if (!tensor) throw FormatError("{}: the tensor '{}' is missing", file.source(), stored_name);
    used.insert(stored_name);
    const std::vector<int64_t> wanted = rows == 1 ? std::vector<int64_t>{cols} : std::vector<int64_t>{rows, cols};
    if (tensor->shape != wanted) {
      throw FormatError("{}: the tensor '{}' has shape {}, expected {}", file.source(), stored_name,
                        fmt::join(tensor->shape, "x"), fmt::join(wanted, "x"));
    }
    w = {tensor->bytes.data(), nullptr, rows, cols, tensor->dtype};
    if (rows == 1 && tensor->dtype != kRealType) {
      auto& values = model->converted_.emplace_back(static_cast<size_t>(cols));
      traits(tensor->dtype).decode(w.data, values.data(), cols);
      w = {reinterpret_cast<const std::byte*>(values.data()), nullptr, rows, cols, kRealType};
    }
  };
  for_each_tensor(config, bind, model->weights_);
  for (const NamedTensor& tensor : file.tensors()) {
    if (used.contains(tensor.name)) continue;
    throw UnsupportedError(
        "{}: the tensor '{}' has no use in the architecture '{}' as this build knows it; running "
        "without it would give wrong answers",
        file.source(), tensor.name, family.name);
  }
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
