// Everything between a request's bytes and the handler of its route: who may ask from where, which route it is, what
// its response says besides, and what is written down about it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "server/call.h"

namespace bantam {

struct ServiceOptions {
  std::vector<std::string> origins;  // pages of these may ask: "https://example.com", or "*"
  std::vector<std::string> hosts;    // names of this server besides those of loopback; empty: any, once there are keys
  std::function<void(const std::string& json)> log;  // a line for each request; never holds prompts or keys
};

class Service final : public HttpHandler {
 public:
  Service(ServerParts parts, ServiceOptions options) : parts_(parts), options_(std::move(options)) {}

  // Host, origin, path and key are looked at before a body is read.
  std::optional<HttpResponse> refuse(const IncomingRequest& head) override;
  std::shared_ptr<BodyFile> body_file(const IncomingRequest& head) override;
  std::unique_ptr<Job> start(IncomingRequest request, Wake wake) override;
  HttpResponse failure(int status, std::string_view message, std::string_view path) override;

 private:
  class Told;

  struct RouteMatch route_of(const IncomingRequest& request) const;  // the files of the page too
  KeyInfo let_in(const IncomingRequest& request, const struct RouteMatch& match);
  void check_host(const IncomingRequest& request, bool open);
  void check_origin(const IncomingRequest& request) const;
  HttpResponse preflight(const IncomingRequest& request) const;
  void add_cors(const IncomingRequest& request, HttpResponse& response) const;
  void log(const IncomingRequest& request, const std::string& id, const std::string& route, const std::string& key,
           int status, SteadyTime begun, bool complete) const;

  ServerParts parts_;
  ServiceOptions options_;
};

}  // namespace bantam
