// config.json of a Hugging Face folder, to and from Metadata. For the .cpp files of this folder and its fuzzer.
#pragma once

#include <string>
#include <string_view>

#include "base/metadata.h"

namespace bantam {

// Sets "hf." keys from the text of a config.json; see read_hf_folder() for what is left out. Throws FormatError.
void read_hf_config(std::string_view text, const std::string& source, Metadata& metadata);

// The text of a config.json from "hf." keys. Throws FormatError for a key that would be both a value and an object.
std::string hf_config_text(const Metadata& metadata);

}  // namespace bantam
