// One request on its way through the server, with what handlers of routes need to answer it.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "server/api_error.h"
#include "server/backend.h"
#include "server/metrics.h"
#include "server/page/page.h"
#include "server/tenants.h"

namespace bantam {

class Batches;
class GroundedAnswers;
class ModelLibrary;

// What a server is made of; all outlive it.
struct ServerParts {
  Backend& backend;
  Tenants& tenants;
  Metrics& metrics;
  GroundedAnswers* documents = nullptr;  // null: no answers from documents
  ModelLibrary* library = nullptr;       // null: models cannot be pulled, copied or deleted
  Batches* batches = nullptr;            // null: no files and batches
  std::string version = {};              // of the program
  PageParts page = {};
  std::function<Metrics::Gauges()> gauges = {};
  std::function<bool()> draining = {};  // true: what runs is finished, nothing new is taken
};

using SteadyTime = std::chrono::steady_clock::time_point;

struct Call {
  ServerParts& parts;
  IncomingRequest request;
  Wake wake;
  Dialect dialect = Dialect::openai;
  std::string route;                                       // the pattern that matched
  std::map<std::string, std::string, std::less<>> params;  // of the path, decoded
  KeyInfo key;
  std::string id;  // random
  SteadyTime begun = std::chrono::steady_clock::now();
  int priority = 0;  // of its requests to the engine
};

// 200 with a JSON text.
HttpResponse json_response(std::string json);

// Throws ApiError: 404 for a model there is none of, 503 when it cannot be loaded.
std::unique_ptr<OpenModel> open_model(Call& call, const std::string& name);

int64_t unix_seconds();

// 24 random hexadecimal digits.
std::string random_id();

}  // namespace bantam
