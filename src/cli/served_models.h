// The models that bantam serve offers: those named, or all in the store and the one inside this program.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "server/engine_backend.h"
#include "server/library.h"

namespace bantam {

class ServedModels {
 public:
  // As -m takes them; empty: all there are, looked up anew each time. Throws for one that cannot be found.
  explicit ServedModels(const std::vector<std::string>& named);

  std::vector<ModelSource> sources() const;
  std::string first_name() const;

 private:
  std::vector<ModelSource> named_;
  int64_t begun_s_;
};

// Pulls, copies and removes models of the user's store.
class StoreLibrary final : public ModelLibrary {
 public:
  void pull(const std::string& source, const std::function<void(const PullProgress&)>& progress) override;
  void copy(const std::string& from, const std::string& to) override;
  void remove(const std::string& name) override;
};

}  // namespace bantam
