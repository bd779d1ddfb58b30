// YaRN: rotations stretched to a longer context by recipe, slow pairs more than fast ones. For the readers of GGUF and
// config.json, which turn the recipe into ModelConfig's rope factors.                            arXiv 2309.00071, sec.
// 3
#pragma once

#include "model/config.h"

namespace bantam {

struct Yarn {
  double factor = 1;            // of context lengths
  double original_context = 0;  // tokens the model was trained for before
  double fast = 32, slow = 1;   // turns within it from which a pair stays as it was, and up to which it is stretched
  double extrapolated = 1;      // how much of their old speed fast pairs keep
  bool whole_pairs = true;      // the first and last pair that are blended are rounded outwards
};

// What the frequency of each of rope_dim / 2 pairs is divided by. Throws FormatError naming `source` when the recipe's
// numbers are not positive.
std::vector<float> yarn_factors(const Yarn& yarn, const ModelConfig& config, const std::string& source);

// How much longer rotated queries and keys become, to keep attention as sharp in a longer context.
double yarn_amplitude(double factor, double weight = 1);

}  // namespace bantam
