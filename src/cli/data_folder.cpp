#include "cli/data_folder.h"

#include <cstdlib>
#include <string_view>

#include "base/error.h"

namespace bantam {

namespace fs = std::filesystem;

namespace {

// bantam's folder below the one that an XDG variable names, else below one of the home folder.
std::optional<fs::path> find_folder(const char* variable, const char* in_home) {
  const char* named = std::getenv(variable);
  if (named != nullptr && *named == '/') return fs::path(named) / "bantam";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return std::nullopt;
  return fs::path(home) / in_home / "bantam";
}

}  // namespace

std::optional<fs::path> find_data_folder() { return find_folder("XDG_DATA_HOME", ".local/share"); }

std::optional<PanelCache> find_panel_cache() {
  const char* named = std::getenv("BANTAM_CACHE");
  if (named != nullptr && std::string_view(named) == "off") return std::nullopt;
  if (named != nullptr && *named != '\0') return PanelCache(fs::path(named) / "panels");
  if (const auto folder = find_folder("XDG_CACHE_HOME", ".cache")) return PanelCache(*folder / "panels");
  return std::nullopt;
}

Store open_store() {
  const auto folder = find_data_folder();
  if (!folder) throw UsageError("there is no home folder for models; set HOME or XDG_DATA_HOME");
  return Store(*folder / "models");
}

std::string free_model_name(const Store& store, const std::string& name, const std::string& source) {
  check_model_name(name);
  const auto there = store.find(name);
  if (there && there->source != source) {
    throw UsageError("{} is already the name of {}; choose another with --name, or remove that with bantam rm {}", name,
                     there->source, name);
  }
  return name;
}

std::string find_model(const std::string& model) {
  std::error_code none;  // a name too long for a path is no path
  if (model.empty() || fs::exists(model, none)) return model;
  if (const auto folder = find_data_folder()) {
    const Store store(*folder / "models");
    if (const auto manifest = store.find(model)) return store.model_path(*manifest).string();
  }
  throw IoError("{}: No such file, and no model has this name; bantam list shows names, bantam pull gets models",
                model);
}

}  // namespace bantam
