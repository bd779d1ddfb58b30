// Bodies of any bytes to every route that takes one: the answer is complete, and never a fault of the server.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "server/fake_backend.h"
#include "server/routes.h"
#include "server/service.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bantam;
  static FakeBackend backend;
  static Tenants tenants(":memory:", {});
  static Metrics metrics;
  static Service service({.backend = backend, .tenants = tenants, .metrics = metrics}, {});
  static const std::vector<const Route*> kTaking = [] {
    std::vector<const Route*> out;
    for (const Route& route : routes()) {
      if (route.method != "GET") out.push_back(&route);
    }
    return out;
  }();
  if (size == 0) return 0;
  const Route& route = *kTaking[data[0] % kTaking.size()];
  IncomingRequest request;
  request.method = route.method;
  request.path = route.pattern;
  if (const size_t brace = request.path.find("{deployment}"); brace != std::string::npos)
    request.path.replace(brace, 12, "fake");
  request.query = "api-version=1";
  request.body.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto job = service.start(std::move(request), [] {});
  const auto response = job->response();
  if (!response || response->status >= 500) std::abort();
  std::string body;
  while (response->streamed && job->next(body) == Job::Body::more) {
  }
  return 0;
}
