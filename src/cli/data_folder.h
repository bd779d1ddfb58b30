// Where the program keeps what it should find again: bantam's folder of the user's data (XDG Base Directory
// Specification), and in it the models that have names.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "model/panel_cache.h"
#include "store/store.h"

namespace bantam {

// $XDG_DATA_HOME/bantam, else ~/.local/share/bantam; nothing when neither variable is set.
std::optional<std::filesystem::path> find_data_folder();

// Packed weights of models that ran before: in the folder that BANTAM_CACHE names, else $XDG_CACHE_HOME/bantam, else
// ~/.cache/bantam; nothing when BANTAM_CACHE is "off" or no variable is set.
std::optional<PanelCache> find_panel_cache();

// The models in the data folder. Throws UsageError when there is none.
Store open_store();

// `name`, which must be free or stand for a model of the same source. Throws UsageError.
std::string free_model_name(const Store& store, const std::string& name, const std::string& source);

// The path of a GGUF file or a Hugging Face folder: `model` itself when there is such a path, else the model of that
// name in the store; empty stays empty. Throws IoError when it is neither.
std::string find_model(const std::string& model);

}  // namespace bantam
