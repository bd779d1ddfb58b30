// The real Backend: engines of a ModelPool, loaded when they are asked for and unloaded when others need the room.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/model_pool.h"
#include "formats/model_file.h"
#include "model/panel_cache.h"
#include "server/backend.h"

namespace bantam {

struct ModelSource {
  ModelCard card;  // as far as it is known without reading the file
  std::function<ModelFile()> read;
};

class EngineBackend final : public Backend {
 public:
  // `sources` is asked when a name is not known yet: models may come and go.
  EngineBackend(std::function<std::vector<ModelSource>()> sources, const EngineOptions& engine,
                const ModelPoolOptions& pool, std::optional<PanelCache> panels = {});

  std::vector<ModelCard> models() override;
  std::unique_ptr<OpenModel> open(const std::string& name) override;
  // A model that is answering stays.
  void unload(const std::string& name) override;
  BackendStats stats() override;
  bool full() override { return pool_.full(); }
  std::vector<ModelCard> described_models() override;
  // To be called now and then.
  void unload_expired() { pool_.unload_expired(); }

 private:
  class Pin;
  ModelPool::Opened load(const std::string& name) const;
  void describe(const ModelSource& source, ModelCard& card);
  std::optional<ModelSource> find(const std::string& name) const;

  const std::function<std::vector<ModelSource>()> sources_;
  const EngineOptions engine_;
  const std::optional<PanelCache> panels_;  // where packed weights are kept
  std::mutex mutex_;
  std::map<std::string, ModelCard> cards_;      // of models that have been loaded
  std::map<std::string, ModelCard> described_;  // by name, digest and size
  ModelPool pool_;
};

}  // namespace bantam
