// The sampler's parameters as flags of a command and as settings of the chat.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sampler.h"

namespace bantam {

// One numeric field of SamplerParams: "top_k" as a setting, "--top-k" as a flag.
struct SamplingField {
  std::string_view name;
  double SamplerParams::*number;  // exactly one of the two is set
  int SamplerParams::*integer;
  std::string_view help;
};
std::span<const SamplingField> sampling_fields();

struct SamplingOptions {
  SamplerParams params;
  std::optional<uint64_t> seed;         // none: a new one each time
  std::vector<std::string> logit_bias;  // "TOKEN=BIAS"
  std::vector<std::string> stops;
};

void add_sampling_options(CLI::App& command, SamplingOptions& options);

// The parameters asked for, with a seed. Throws UsageError for a bias that is not TOKEN=BIAS.
SamplerParams sampler_params(const SamplingOptions& options);

// Whole text as a number. Throw UsageError naming `what`, the text and what was expected.
int64_t parse_integer(std::string_view what, std::string_view text);
double parse_number(std::string_view what, std::string_view text);

}  // namespace bantam
