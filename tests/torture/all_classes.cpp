#include <iterator>

#include "bad_file.h"

namespace bantam::torture {

BadClasses all_classes() {
  BadClasses all;
  for (BadClasses& classes : std::vector{gguf_classes(), shape_classes(), safetensors_classes(), folder_classes(),
                                         tokenizer_classes(), sentencepiece_classes(), template_classes()}) {
    all.insert(all.end(), std::make_move_iterator(classes.begin()), std::make_move_iterator(classes.end()));
  }
  return all;
}

const std::vector<BadFile>& files_of(const BadClass& bad) {
  static std::string last;
  static std::vector<BadFile> files;
  if (last != bad.name) {
    files = bad.make();
    last = bad.name;
  }
  return files;
}

}  // namespace bantam::torture
