#include "server/service.h"

#include <sys/random.h>

#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "base/json.h"
#include "server/generation.h"
#include "server/handlers.h"
#include "server/page/bundle.h"
#include "server/routes.h"

namespace bantam {
namespace {

constexpr size_t kLongestQuery = 4096;
constexpr int kShutdownRetryMs = 1000;

bool is_one_of(std::string_view text, const std::vector<std::string>& list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string lowercase(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return out;
}

// "localhost:8080" without the port, "[::1]:80" too.
std::string host_name(std::string_view host) {
  const size_t bracket = host.find(']');
  const size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  return lowercase(host.substr(0, colon));
}

bool is_loopback_name(std::string_view name) {
  return name == "localhost" || name == "127.0.0.1" || name == "[::1]" || name.ends_with(".localhost");
}

// As OpenAI's clients send it, Azure's, and Anthropic's.
std::string key_of(const IncomingRequest& request) {
  if (const std::string* value = request.header("authorization")) {
    if (value->size() > 7 && lowercase(value->substr(0, 7)) == "bearer ") return value->substr(7);
  }
  for (const char* name : {"api-key", "x-api-key"}) {
    if (const std::string* value = request.header(name)) return *value;
  }
  return {};
}

// Azure's resource does not exist without a version of its interface; which one, makes no difference here.
void check_api_version(const IncomingRequest& request) {
  if (!request.path.starts_with("/openai/") || request.path.starts_with("/openai/v1/")) return;
  const auto version = query_value(request.query, "api-version");
  if (!version || version->empty()) throw ApiError(404, "404", "", "Resource not found: the query has no api-version");
}

void add_id(HttpResponse& response, const std::string& id, Dialect dialect) {
  response.headers.push_back({"x-request-id", id});
  if (dialect == Dialect::azure) response.headers.push_back({"apim-request-id", id});
  if (dialect == Dialect::anthropic) response.headers.push_back({"request-id", id});
}

ApiError shutting_down() {
  ApiError out(503, "shutting_down", "", "the server is shutting down");
  out.retry_after_ms = kShutdownRetryMs;
  return out;
}

ApiError no_route(const RouteMatch& match, const IncomingRequest& request) {
  if (match.allowed.empty())
    return ApiError(404, "unknown_url", "", fmt::format("there is nothing at {} {}", request.method, request.path));
  return ApiError(405, "method_not_allowed", "", fmt::format("{} takes only: {}", request.path, match.allowed));
}

}  // namespace

HttpResponse json_response(std::string json) {
  return {.headers = {{"Content-Type", "application/json"}}, .body = std::move(json)};
}

int64_t unix_seconds() { return unix_ms() / 1000; }

std::string random_id() {
  Hash random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
    throw IoError("the system gives no random numbers");
  return to_hex(random, 12);
}

std::unique_ptr<OpenModel> open_model(Call& call, const std::string& name) {
  auto model = call.parts.backend.open(name);
  if (model) return model;
  throw ApiError(404, "model_not_found", "model", fmt::format("there is no model '{}'", name.substr(0, 100)));
}

std::unique_ptr<Job> health(Call) { return ready(json_response(R"({"status":"ok"})")); }

std::unique_ptr<Job> readiness(Call call) {
  if (call.parts.draining && call.parts.draining()) throw shutting_down();
  return health(std::move(call));
}

std::unique_ptr<Job> metrics(Call call) {
  const Metrics::Gauges gauges = call.parts.gauges ? call.parts.gauges() : Metrics::Gauges{};
  return ready({.headers = {{"Content-Type", "text/plain; version=0.0.4"}},
                .body = call.parts.metrics.text(call.parts.backend.stats(), gauges)});
}

// Adds the headers that every response has, and writes the line of the log when the response has ended.
class Service::Told final : public Job {
 public:
  Told(const Service& service, IncomingRequest head, std::unique_ptr<Job> job, std::string id, std::string route,
       Dialect dialect, std::string key, SteadyTime begun)
      : service_(service),
        head_(std::move(head)),
        job_(std::move(job)),
        id_(std::move(id)),
        route_(std::move(route)),
        dialect_(dialect),
        key_(std::move(key)),
        begun_(begun) {}

  ~Told() override {
    job_.reset();
    service_.log(head_, id_, route_, key_, status_, begun_, ended_);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
    service_.parts_.metrics.add_response(route_, status_, seconds);
  }

  std::optional<HttpResponse> response() override {
    std::optional<HttpResponse> out;
    try {
      out = job_->response();
    } catch (const std::exception& error) {
      out = error_response(as_api_error(error), dialect_);
    }
    if (!out) return out;
    status_ = out->status;
    ended_ = !out->streamed;
    add_id(*out, id_, dialect_);
    service_.add_cors(head_, *out);
    return out;
  }

  Body next(std::string& out) override { return noted(job_->next(out)); }
  Body next_at_once(std::string& out) override { return noted(job_->next_at_once(out)); }

 private:
  Body noted(Body body) {
    ended_ = body == Body::end;
    return body;
  }

  const Service& service_;
  const IncomingRequest head_;  // without headers but Origin, and without the body
  std::unique_ptr<Job> job_;
  const std::string id_, route_;
  const Dialect dialect_;
  const std::string key_;
  const SteadyTime begun_;
  int status_ = 499;  // the client left before there was one
  bool ended_ = false;
};

RouteMatch Service::route_of(const IncomingRequest& request) const {
  RouteMatch match = find_route(request.method, request.path);
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (match.allowed.empty() && !match.route && reads && parts_.page.bundle && parts_.page.bundle->find(request.path))
    match.route = &page_file_route();
  return match;
}

std::optional<HttpResponse> Service::refuse(const IncomingRequest& head) {
  const auto begun = std::chrono::steady_clock::now();
  const RouteMatch match = route_of(head);
  try {
    if (head.method == "OPTIONS" && head.header("origin")) return preflight(head);
    let_in(head, match);
    // Before the body is read and understood: what takes long under a load that is too high already.
    if (match.route && asks_a_model(*match.route) && parts_.backend.full())
      throw overloaded("as many requests wait as may");
    return std::nullopt;
  } catch (const std::exception& error) {
    const ApiError api = as_api_error(error);
    HttpResponse response = error_response(api, dialect_of(head.path));
    if (api.status == 405) response.headers.push_back({"Allow", match.allowed});
    const std::string id = random_id();
    add_id(response, id, dialect_of(head.path));
    add_cors(head, response);
    log(head, id, match.route ? std::string(match.route->pattern) : "", "", api.status, begun, true);
    parts_.metrics.add_response(match.route ? std::string(match.route->pattern) : "", api.status, 0);
    return response;
  }
}

std::shared_ptr<BodyFile> Service::body_file(const IncomingRequest& head) { return page_body_file(parts_.page, head); }

std::unique_ptr<Job> Service::start(IncomingRequest request, Wake wake) {
  const RouteMatch match = route_of(request);
  IncomingRequest head{request.method, request.path, {}, {}, {}, request.peer, request.keep_alive, request.http_1_0};
  if (const std::string* origin = request.header("origin")) head.headers.push_back({"origin", *origin});
  Call call{.parts = parts_,
            .request = {},
            .wake = std::move(wake),
            .dialect = Dialect::openai,
            .route = {},
            .params = match.params,
            .key = {},
            .id = random_id()};
  std::unique_ptr<Job> job;
  const std::string id = call.id;
  const SteadyTime begun = call.begun;
  std::string key;
  try {
    call.key = let_in(request, match);
    key = call.key.id;
    call.request = std::move(request);
    call.dialect = match.route->dialect;
    call.route = match.route->pattern;
    job = match.route->handler(std::move(call));
  } catch (const std::exception& error) {
    job = ready(error_response(as_api_error(error), dialect_of(head.path)));
  }
  const std::string route = match.route ? std::string(match.route->pattern) : "";
  const Dialect dialect = dialect_of(head.path);
  return std::make_unique<Told>(*this, std::move(head), std::move(job), id, route, dialect, key, begun);
}

HttpResponse Service::failure(int status, std::string_view message, std::string_view path) {
  return error_response(ApiError(status, status >= 500 ? "internal_error" : "bad_request", "", std::string(message)),
                        dialect_of(path));
}

KeyInfo Service::let_in(const IncomingRequest& request, const RouteMatch& match) {
  const bool open = !parts_.tenants.needs_key();
  check_host(request, open);
  check_origin(request);
  if (request.query.size() > kLongestQuery) throw ApiError(400, "invalid_value", "", "the query is too long");
  if (match.route && match.route->scope.empty()) return {};
  if (parts_.draining && parts_.draining()) throw shutting_down();
  if (open && !match.route) throw no_route(match, request);
  if (open) {
    check_api_version(request);
    return Tenants::local();
  }
  const std::string secret = key_of(request);
  const auto key = secret.empty() ? std::nullopt : parts_.tenants.find(secret);
  if (!key) {
    throw ApiError(
        401, "invalid_api_key", "",
        secret.empty()
            ? "the request has no key: send it as 'Authorization: Bearer KEY', 'api-key: KEY' or 'x-api-key: KEY'"
            : "the key is not known or was revoked");
  }
  if (!match.route) throw no_route(match, request);
  check_api_version(request);
  if (match.route->scope != kAnyKey && !key->scopes.allow(match.route->scope)) {
    throw ApiError(403, "insufficient_permissions", "",
                   fmt::format("the key may not do this: it needs the scope '{}'", match.route->scope));
  }
  return *key;
}

// A page on the web can name this machine by a name of its own (DNS rebinding), but cannot send another Host.
void Service::check_host(const IncomingRequest& request, bool open) {
  const std::string* host = request.header("host");
  if (!host) return;  // HTTP/1.0
  const std::string name = host_name(*host);
  if (is_loopback_name(name) || is_one_of(name, options_.hosts)) return;
  if (!open && options_.hosts.empty()) return;
  throw ApiError(403, "unknown_host", "", "the header Host names another server");
}

void Service::check_origin(const IncomingRequest& request) const {
  const std::string* origin = request.header("origin");
  if (!origin || is_one_of(*origin, options_.origins) || is_one_of("*", options_.origins)) return;
  const std::string* host = request.header("host");
  if (host && (*origin == "http://" + *host || *origin == "https://" + *host)) return;
  throw ApiError(403, "unknown_origin", "", "pages of this origin may not ask; --origin allows them");
}

HttpResponse Service::preflight(const IncomingRequest& request) const {
  check_origin(request);
  HttpResponse response{.status = 204};
  add_cors(request, response);
  const std::string* headers = request.header("access-control-request-headers");
  response.headers.push_back({"Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS"});
  response.headers.push_back(
      {"Access-Control-Allow-Headers", headers ? *headers : "authorization, api-key, content-type"});
  response.headers.push_back({"Access-Control-Max-Age", "600"});
  return response;
}

void Service::add_cors(const IncomingRequest& request, HttpResponse& response) const {
  const std::string* origin = request.header("origin");
  if (!origin || (!is_one_of(*origin, options_.origins) && !is_one_of("*", options_.origins))) return;
  response.headers.push_back({"Access-Control-Allow-Origin", *origin});
  response.headers.push_back({"Access-Control-Expose-Headers", "x-request-id, retry-after, retry-after-ms"});
  response.headers.push_back({"Vary", "Origin"});
}

void Service::log(const IncomingRequest& request, const std::string& id, const std::string& route,
                  const std::string& key, int status, SteadyTime begun, bool complete) const {
  if (!options_.log) return;
  const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
  options_.log(to_line({{"time_ms", unix_ms()},
                        {"event", "request"},
                        {"id", id},
                        {"peer", request.peer},
                        {"method", request.method},
                        {"route", route},
                        {"key", key},
                        {"status", status},
                        {"complete", complete},
                        {"ms", std::round(ms * 1000) / 1000}}));
}

}  // namespace bantam
