#include "server/prices.h"

#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

namespace bantam {
namespace {

constexpr double kNanoPerMillionth = 1000;  // a price for a million tokens in 1e-9 for one
constexpr double kMostPrice = 1e6;

int64_t nano_per_token(const Json& price, const char* field, const std::string& where, int64_t otherwise) {
  const auto found = price.find(field);
  if (found == price.end()) return otherwise;
  if (!found->is_number() || !(found->get<double>() >= 0 && found->get<double>() <= kMostPrice)) {
    throw FormatError("{}.{}: is {}, expected a price for a million tokens, from 0 to {}", where, field,
                      to_line(*found), kMostPrice);
  }
  return std::llround(found->get<double>() * kNanoPerMillionth);
}

}  // namespace

TokenCounts& TokenCounts::operator+=(const TokenCounts& other) {
  prompt += other.prompt;
  cached += other.cached;
  completion += other.completion;
  return *this;
}

Price PriceList::of(std::string_view model) const {
  auto found = models.find(std::string(model));
  if (found == models.end()) found = models.find("*");
  return found == models.end() ? Price{} : found->second;
}

int64_t PriceList::cost_nano(std::string_view model, const TokenCounts& tokens) const {
  const Price price = of(model);
  return (tokens.prompt - tokens.cached) * price.prompt + tokens.cached * price.cached +
         tokens.completion * price.completion;
}

PriceList read_prices(const std::filesystem::path& path) {
  const Json json = parse_json(read_file(path), path.string());
  PriceList list;
  if (!json.is_object() || !json.contains("models") || !json["models"].is_object()) {
    throw FormatError("{}: expected an object with the field 'models', an object of prices by model", path.string());
  }
  if (json.contains("currency")) {
    if (!json["currency"].is_string()) throw FormatError("{}: currency: expected a string", path.string());
    list.currency = json["currency"].get<std::string>();
  }
  for (const auto& [name, price] : json["models"].items()) {
    const std::string where = fmt::format("{}: models.{}", path.string(), name);
    if (!price.is_object()) throw FormatError("{}: is {}, expected an object", where, to_line(price));
    const int64_t prompt = nano_per_token(price, "prompt", where, 0);
    list.models[name] = {prompt, nano_per_token(price, "cached", where, prompt),
                         nano_per_token(price, "completion", where, 0)};
  }
  return list;
}

std::string money(int64_t nano, std::string_view currency) {
  return fmt::format("{}.{:06} {}", nano / 1'000'000'000, nano % 1'000'000'000 / 1000, currency);
}

}  // namespace bantam
