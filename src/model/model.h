// A loaded model: the mapped file, its config, its weights. Shared read-only by everything that runs it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>

#include "formats/model_file.h"
#include "model/config.h"
#include "model/pack.h"
#include "model/weights.h"

namespace bantam {

// What a model is loaded for: to be run, for which its weights are packed, or only to be looked at or converted.
enum class LoadFor { running, looking };

class Model {
 public:
  // Takes a GGUF file or a Hugging Face folder. Throws FormatError, UnsupportedError or IoError.
  static std::shared_ptr<const Model> load(const std::filesystem::path& path, LoadFor use = LoadFor::running);
  // From a file already read. `cache`: where packed weights are looked for and kept; none by default. `beside` is
  // called in a thread of its own with the file's metadata while weights are packed or read; what it throws comes out
  // here.
  static std::shared_ptr<const Model> from_file(ModelFile file, LoadFor use = LoadFor::running,
                                                const PanelCache* cache = nullptr,
                                                const std::function<void(const Metadata&)>& beside = {});

  const ModelConfig& config() const { return config_; }
  const Weights& weights() const { return weights_; }
  const Metadata& metadata() const { return file_.metadata; }
  // Bytes of all weights as stored, and how many values they hold.
  size_t weight_bytes() const;
  size_t parameters() const;

 private:
  class Binder;

  explicit Model(ModelFile file) : file_(std::move(file)) {}

  ModelFile file_;
  ModelConfig config_;
  Weights weights_;
  std::vector<std::vector<real>> converted_;  // vectors, as reals whatever they are stored as
  Panels panels_;
};

}  // namespace bantam
