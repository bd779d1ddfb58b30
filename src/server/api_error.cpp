#include "server/api_error.h"

#include "base/json.h"

namespace bantam {
namespace {

// The `type` of OpenAI's errors; clients choose the class of their exception by the status.
std::string_view type_of(int status) {
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  if (status == 429) return "rate_limit_error";
  if (status >= 500) return "server_error";
  return "invalid_request_error";
}

// Anthropic's has one for most of the statuses.
std::string_view anthropic_type_of(int status) {
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  if (status == 404) return "not_found_error";
  if (status == 413) return "request_too_large";
  if (status == 429) return "rate_limit_error";
  if (status == 503 || status == 529) return "overloaded_error";
  return status >= 500 ? "api_error" : "invalid_request_error";
}

Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

// Azure answers what its gateway refuses (keys, deployments, quotas) with a code and a message alone.
Json azure_error(const ApiError& error) {
  if (error.status == 401) return {{"code", "401"}, {"message", error.what()}};
  if (error.status == 403) return {{"code", "403"}, {"message", error.what()}};
  if (error.status == 404 && error.code == "model_not_found") {
    return {{"code", "DeploymentNotFound"}, {"message", error.what()}};
  }
  if (error.status == 404) return {{"code", "404"}, {"message", error.what()}};
  if (error.status == 429) return {{"code", "429"}, {"message", error.what()}};
  return {{"message", error.what()},
          {"type", type_of(error.status)},
          {"param", or_null(error.param)},
          {"code", or_null(error.code)}};
}

}  // namespace

ApiError not_supported(std::string_view field, std::string_view what) {
  return ApiError(400, "unsupported_value", std::string(field),
                  fmt::format("{}: {} is not supported yet by this build", field, what));
}

std::string error_json(const ApiError& error, Dialect dialect) {
  if (dialect == Dialect::ollama) return to_line({{"error", error.what()}});
  if (dialect == Dialect::azure) return to_line({{"error", azure_error(error)}});
  if (dialect == Dialect::anthropic) {
    const Json of = {{"type", anthropic_type_of(error.status)}, {"message", error.what()}};
    return to_line({{"type", "error"}, {"error", of}});
  }
  return to_line({{"error",
                   {{"message", error.what()},
                    {"type", type_of(error.status)},
                    {"param", or_null(error.param)},
                    {"code", or_null(error.code)}}}});
}

HttpResponse error_response(const ApiError& error, Dialect dialect) {
  HttpResponse response{.status = error.status, .headers = {{"Content-Type", "application/json"}}};
  response.body = error_json(error, dialect);
  if (error.retry_after_ms > 0) {
    response.headers.push_back({"Retry-After", fmt::format("{}", (error.retry_after_ms + 999) / 1000)});
    response.headers.push_back({"retry-after-ms", fmt::format("{}", error.retry_after_ms)});
  }
  if (error.status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

}  // namespace bantam
