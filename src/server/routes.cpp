#include "server/routes.h"

#include <algorithm>

#include "server/handlers.h"

namespace bantam {
namespace {

using enum Dialect;

constexpr Route kRoutes[] = {
    {"GET", "/v1/models", openai, "models", list_models},
    {"GET", "/v1/models/{model*}", openai, "models", get_model},
    {"POST", "/v1/chat/completions", openai, "chat", chat_completions},
    {"POST", "/v1/completions", openai, "completions", completions},
    {"POST", "/v1/responses", openai, "chat", responses},
    {"POST", "/v1/embeddings", openai, "embeddings", embeddings},
    {"POST", "/v1/moderations", openai, "chat", moderations},
    {"POST", "/v1/rerank", openai, "embeddings", rerank},
    {"POST", "/v1/tokenize", openai, "models", tokenize},
    {"POST", "/v1/detokenize", openai, "models", detokenize},
    {"POST", "/v1/files", openai, "batches", create_file},
    {"GET", "/v1/files", openai, "batches", list_files},
    {"GET", "/v1/files/{file}", openai, "batches", get_file},
    {"DELETE", "/v1/files/{file}", openai, "batches", delete_file},
    {"GET", "/v1/files/{file}/content", openai, "batches", get_file_content},
    {"POST", "/v1/batches", openai, "batches", create_batch},
    {"GET", "/v1/batches", openai, "batches", list_batches},
    {"GET", "/v1/batches/{batch}", openai, "batches", get_batch},
    {"POST", "/v1/batches/{batch}/cancel", openai, "batches", cancel_batch},

    {"POST", "/v1/messages", anthropic, "chat", messages},
    {"POST", "/v1/messages/count_tokens", anthropic, "chat", count_message_tokens},

    {"POST", "/openai/deployments/{deployment}/chat/completions", azure, "chat", chat_completions},
    {"POST", "/openai/deployments/{deployment}/completions", azure, "completions", completions},
    {"POST", "/openai/deployments/{deployment}/embeddings", azure, "embeddings", embeddings},
    {"GET", "/openai/models", azure, "models", list_models},
    {"GET", "/openai/models/{model*}", azure, "models", get_model},
    {"GET", "/openai/v1/models", azure, "models", list_models},
    {"GET", "/openai/v1/models/{model*}", azure, "models", get_model},
    {"POST", "/openai/v1/chat/completions", azure, "chat", chat_completions},
    {"POST", "/openai/v1/completions", azure, "completions", completions},
    {"POST", "/openai/v1/responses", azure, "chat", responses},
    {"POST", "/openai/responses", azure, "chat", responses},
    {"POST", "/openai/v1/embeddings", azure, "embeddings", embeddings},
    {"POST", "/openai/v1/files", azure, "batches", create_file},
    {"GET", "/openai/v1/files", azure, "batches", list_files},
    {"GET", "/openai/v1/files/{file}", azure, "batches", get_file},
    {"DELETE", "/openai/v1/files/{file}", azure, "batches", delete_file},
    {"GET", "/openai/v1/files/{file}/content", azure, "batches", get_file_content},
    {"POST", "/openai/v1/batches", azure, "batches", create_batch},
    {"GET", "/openai/v1/batches", azure, "batches", list_batches},
    {"GET", "/openai/v1/batches/{batch}", azure, "batches", get_batch},
    {"POST", "/openai/v1/batches/{batch}/cancel", azure, "batches", cancel_batch},
    {"POST", "/openai/files", azure, "batches", create_file},
    {"GET", "/openai/files", azure, "batches", list_files},
    {"GET", "/openai/files/{file}", azure, "batches", get_file},
    {"DELETE", "/openai/files/{file}", azure, "batches", delete_file},
    {"GET", "/openai/files/{file}/content", azure, "batches", get_file_content},
    {"POST", "/openai/batches", azure, "batches", create_batch},
    {"GET", "/openai/batches", azure, "batches", list_batches},
    {"GET", "/openai/batches/{batch}", azure, "batches", get_batch},
    {"POST", "/openai/batches/{batch}/cancel", azure, "batches", cancel_batch},

    {"GET", "/", ollama, "", ollama_root},
    {"GET", "/api/version", ollama, "", ollama_version},
    {"GET", "/api/tags", ollama, "models", ollama_tags},
    {"GET", "/api/ps", ollama, "models", ollama_ps},
    {"POST", "/api/show", ollama, "models", ollama_show},
    {"POST", "/api/generate", ollama, "completions", ollama_generate},
    {"POST", "/api/chat", ollama, "chat", ollama_chat},
    {"POST", "/api/embed", ollama, "embeddings", ollama_embed},
    {"POST", "/api/embeddings", ollama, "embeddings", ollama_embeddings},
    {"POST", "/api/pull", ollama, "admin", ollama_pull},
    {"POST", "/api/create", ollama, "admin", ollama_create},
    {"POST", "/api/copy", ollama, "admin", ollama_copy},
    {"DELETE", "/api/delete", ollama, "admin", ollama_delete},

    {"GET", "/bantam/info", openai, kAnyKey, page_info},
    {"GET", "/bantam/conversations", openai, "chat", list_conversations},
    {"POST", "/bantam/conversations", openai, "chat", create_conversation},
    {"GET", "/bantam/conversations/{conversation}", openai, "chat", get_conversation},
    {"PATCH", "/bantam/conversations/{conversation}", openai, "chat", change_conversation},
    {"DELETE", "/bantam/conversations/{conversation}", openai, "chat", delete_conversation},
    {"PUT", "/bantam/conversations/{conversation}/messages/{message}", openai, "chat", put_message},
    {"GET", "/bantam/export", openai, "chat", export_conversations},
    {"POST", "/bantam/import", openai, "chat", import_conversations},
    {"GET", "/bantam/documents", openai, "documents", list_documents},
    {"POST", "/bantam/documents", openai, "admin", add_document},
    {"POST", "/bantam/documents/folder", openai, "admin", add_document_folder},
    {"DELETE", "/bantam/documents/{document}", openai, "admin", delete_document},
    {"GET", "/bantam/documents/{document}/text", openai, "documents", document_text},
    {"GET", "/bantam/keys", openai, "admin", list_keys},
    {"POST", "/bantam/keys", openai, "admin", create_key},
    {"PATCH", "/bantam/keys/{key}", openai, "admin", change_key},
    {"DELETE", "/bantam/keys/{key}", openai, "admin", revoke_key},
    {"GET", "/bantam/usage", openai, "admin", usage_by_day},
    {"GET", "/bantam/models", openai, "admin", described_models},
    {"POST", "/bantam/models/{model}/load", openai, "admin", load_model},
    {"POST", "/bantam/models/{model}/unload", openai, "admin", unload_model},
    {"GET", "/bantam/load", openai, "admin", server_load},

    {"GET", "/health", openai, "", health},
    {"GET", "/ready", openai, "", readiness},
    {"GET", "/metrics", openai, "metrics", metrics},
};

// The segment before the next '/', which is taken off `path` with it.
std::string_view take_segment(std::string_view& path) {
  const size_t slash = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, slash);
  path.remove_prefix(std::min(slash + 1, path.size()));
  return segment;
}

bool matches(std::string_view pattern, std::string_view path, RouteMatch& match) {
  match.params.clear();
  pattern.remove_prefix(1);
  path.remove_prefix(1);
  for (;;) {
    if (pattern.empty() || path.empty()) return pattern.empty() && path.empty();
    const std::string_view wanted = take_segment(pattern);
    const bool rest = wanted.ends_with("*}");
    const std::string_view found = rest ? std::exchange(path, {}) : take_segment(path);
    const auto decoded = percent_decoded(found);
    if (!decoded) return false;
    if (wanted.starts_with('{')) {
      if (decoded->empty()) return false;
      match.params.emplace(wanted.substr(1, wanted.size() - (rest ? 3 : 2)), *decoded);
    } else if (*decoded != wanted) {
      return false;
    }
  }
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

bool asks_a_model(const Route& route) {
  const bool scope = route.scope == "chat" || route.scope == "completions" || route.scope == "embeddings";
  const bool only_counts = route.handler == count_message_tokens;
  return scope && route.method == "POST" && !only_counts && !route.pattern.starts_with("/bantam/");
}

RouteMatch find_route(std::string_view method, std::string_view path) {
  RouteMatch match;
  if (!path.starts_with('/')) return match;
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::string_view asked = method == "HEAD" ? "GET" : method;
  for (const Route& route : kRoutes) {
    if (!matches(route.pattern, path, match)) continue;
    if (route.method == asked) {
      match.route = &route;
      return match;
    }
    match.allowed += match.allowed.empty() ? "" : ", ";
    match.allowed += route.method == "GET" ? "GET, HEAD" : route.method;
  }
  match.params.clear();
  return match;
}

Dialect dialect_of(std::string_view path) {
  if (path.starts_with("/openai/")) return azure;
  if (path.starts_with("/v1/messages")) return anthropic;
  return path.starts_with("/api/") ? ollama : openai;
}

}  // namespace bantam
