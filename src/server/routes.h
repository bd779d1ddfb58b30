// Which path is answered by what, in one table. docs/openapi.yaml describes the same, and a test compares them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "server/call.h"

namespace bantam {

inline constexpr std::string_view kAnyKey = "*";

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/v1/models/{model}"; the last name takes the rest of the path when it ends in '*'
  Dialect dialect;
  std::string_view scope;  // that a key needs; kAnyKey: none, but a key; empty: no key at all
  std::unique_ptr<Job> (*handler)(Call call);
};

std::span<const Route> routes();
// Whether requests to it wait in a model's queue.
bool asks_a_model(const Route& route);

struct RouteMatch {
  const Route* route = nullptr;  // null: the path is not known, or not with this method
  std::string allowed;           // the methods of the path: "GET, HEAD"; empty when it is not known
  std::map<std::string, std::string, std::less<>> params;
};
RouteMatch find_route(std::string_view method, std::string_view path);

// Whose errors a path that is not known gets.
Dialect dialect_of(std::string_view path);

}  // namespace bantam
