// What tokens cost: a list that the operator writes, in whole numbers so that a bill adds up exactly.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace bantam {

struct TokenCounts {
  int64_t prompt = 0;  // the cached ones too
  int64_t cached = 0;  // of the prompt, not computed again
  int64_t completion = 0;

  TokenCounts& operator+=(const TokenCounts& other);
  friend bool operator==(const TokenCounts&, const TokenCounts&) = default;
};

// 1e-9 of the currency for a token.
struct Price {
  int64_t prompt = 0, cached = 0, completion = 0;
};

struct PriceList {
  std::string currency = "USD";
  std::map<std::string, Price> models;  // "*": every other model

  Price of(std::string_view model) const;
  int64_t cost_nano(std::string_view model, const TokenCounts& tokens) const;
};

// {"currency": "USD", "models": {"NAME": {"prompt": 0.15, "cached": 0.075, "completion": 0.6}, "*": ...}}, in currency
// for a million tokens; "cached" is as "prompt" where it is missing. Throws IoError, FormatError naming the field.
PriceList read_prices(const std::filesystem::path& path);

// "12.345678 USD"
std::string money(int64_t nano, std::string_view currency);

}  // namespace bantam
