#include "cli/sampling_option.h"

#include <algorithm>
#include <charconv>
#include <random>

#include "base/error.h"

namespace bantam {
namespace {

using P = SamplerParams;

constexpr SamplingField kFields[] = {
    {"temperature", &P::temperature, nullptr, "0 takes the likeliest token, 1 samples as the model learnt"},
    {"top_k", nullptr, &P::top_k, "only the k likeliest tokens; 0: all"},
    {"top_p", &P::top_p, nullptr, "only the likeliest tokens that together reach p; 1: all"},
    {"min_p", &P::min_p, nullptr, "only tokens at least p times as likely as the likeliest; 0: all"},
    {"typical_p", &P::typical_p, nullptr, "only tokens of typical surprise that together reach p; 1: all"},
    {"repetition_penalty", &P::repetition_penalty, nullptr, "makes tokens seen less likely; 1: off"},
    {"presence_penalty", &P::presence_penalty, nullptr, "taken off the logit of tokens seen"},
    {"frequency_penalty", &P::frequency_penalty, nullptr, "taken off once for every time a token was seen"},
    {"penalty_last_n", nullptr, &P::penalty_last_n, "tokens the penalties look back on; -1: all"},
};

template <class T>
T parse(std::string_view what, std::string_view text, const char* wanted) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw UsageError("{} is '{}', expected {}", what, text, wanted);
  }
  return value;
}

}  // namespace

std::span<const SamplingField> sampling_fields() { return kFields; }

int64_t parse_integer(std::string_view what, std::string_view text) {
  return parse<int64_t>(what, text, "a whole number");
}

double parse_number(std::string_view what, std::string_view text) { return parse<double>(what, text, "a number"); }

void add_sampling_options(CLI::App& command, SamplingOptions& options) {
  constexpr const char* kGroup = "Sampling";
  for (const SamplingField& field : kFields) {
    std::string flags = "--" + std::string(field.name);
    std::replace(flags.begin(), flags.end(), '_', '-');
    if (field.name == "temperature") flags += ",--temp";
    CLI::Option* option = field.number
                              ? command.add_option(flags, options.params.*field.number, std::string(field.help))
                              : command.add_option(flags, options.params.*field.integer, std::string(field.help));
    option->capture_default_str()->group(kGroup);
  }
  command.add_option("-s,--seed", options.seed, "same seed, same answer (default: another each time)")->group(kGroup);
  command.add_option("--logit-bias", options.logit_bias, "TOKEN=BIAS: added to a token's logit; may be repeated")
      ->allow_extra_args(false)
      ->group(kGroup);
  command.add_option("--stop", options.stops, "end before this text; may be repeated")
      ->allow_extra_args(false)
      ->group(kGroup);
}

SamplerParams sampler_params(const SamplingOptions& options) {
  SamplerParams params = options.params;
  params.seed = options.seed ? *options.seed : std::random_device{}();
  for (const std::string& pair : options.logit_bias) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos) throw UsageError("--logit-bias is '{}', expected TOKEN=BIAS", pair);
    const int64_t token = parse_integer("--logit-bias TOKEN", std::string_view(pair).substr(0, equals));
    const double bias = parse_number("--logit-bias BIAS", std::string_view(pair).substr(equals + 1));
    if (token < 0 || token > INT32_MAX) throw UsageError("--logit-bias names token {}, expected 0 or more", token);
    params.logit_bias.emplace_back(static_cast<int32_t>(token), static_cast<float>(bias));
  }
  return params;
}

}  // namespace bantam
