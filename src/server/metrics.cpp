#include "server/metrics.h"

#include <fmt/format.h>

#include <algorithm>

namespace bantam {
namespace {

std::string label_value(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

std::string of_model(const std::string& model) { return fmt::format("model=\"{}\"", label_value(model)); }

std::string head(const char* name, const char* type, const char* help) {
  return fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

std::string single(const char* name, const char* type, const char* help, uint64_t value) {
  return head(name, type, help) + fmt::format("{} {}\n", name, value);
}

}  // namespace

void Histogram::add(double seconds) {
  const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
  ++counts_[static_cast<size_t>(bound - kBounds.begin())];
  sum_ += seconds;
}

std::string Histogram::text(const std::string& name, const std::string& labels) const {
  const std::string comma = labels.empty() ? "" : ",", braced = labels.empty() ? "" : "{" + labels + "}";
  std::string out;
  uint64_t total = 0;
  for (size_t i = 0; i < kBounds.size(); ++i) {
    total += counts_[i];
    out += fmt::format("{}_bucket{{{}{}le=\"{}\"}} {}\n", name, labels, comma, kBounds[i], total);
  }
  total += counts_.back();
  out += fmt::format("{}_bucket{{{}{}le=\"+Inf\"}} {}\n", name, labels, comma, total);
  return out + fmt::format("{}_sum{} {:.6f}\n{}_count{} {}\n", name, braced, sum_, name, braced, total);
}

void Metrics::add_response(const std::string& route, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  ++responses_[{route, status}];
  seconds_.add(seconds);
}

void Metrics::add_first_token(const std::string& model, double seconds) {
  const std::lock_guard lock(mutex_);
  models_[model].first_token.add(seconds);
}

void Metrics::add_next_token(const std::string& model, double seconds) {
  const std::lock_guard lock(mutex_);
  models_[model].next_token.add(seconds);
}

void Metrics::add_tokens(const std::string& model, const TokenCounts& tokens) {
  const std::lock_guard lock(mutex_);
  models_[model].tokens += tokens;
}

std::string Metrics::text(const BackendStats& backend, const Gauges& gauges) const {
  std::string out;
  out += single("bantam_requests_waiting", "gauge", "Requests that wait for a place", backend.waiting);
  out += single("bantam_requests_running", "gauge", "Requests being computed", backend.running);
  out += single("bantam_kv_pages_used", "gauge", "Pages of keys and values in use", backend.pages_used);
  out += single("bantam_kv_pages_total", "gauge", "Pages of keys and values there are", backend.pages_total);
  out += single("bantam_prompt_tokens_total", "counter", "Tokens of prompts", backend.prompt_tokens);
  out += single("bantam_prefix_hit_tokens_total", "counter", "Tokens of prompts found in the prefix cache",
                backend.cached_tokens);
  out += single("bantam_completion_tokens_total", "counter", "Tokens generated", backend.completion_tokens);
  out += single("bantam_drafted_tokens_total", "counter", "Tokens guessed by speculation", backend.drafted_tokens);
  out += single("bantam_accepted_tokens_total", "counter", "Guessed tokens that were right", backend.accepted_tokens);
  out += single("bantam_connections", "gauge", "Open connections", gauges.connections);
  out += single("bantam_connections_total", "counter", "Connections so far", gauges.connections_total);
  out += single("bantam_clients_gone_total", "counter", "Clients that left before their answer", gauges.clients_gone);
  out += single("bantam_connections_timed_out_total", "counter", "Connections closed for being slow", gauges.timed_out);
  const std::lock_guard lock(mutex_);
  out += head("bantam_responses_total", "counter", "Responses by route and status");
  for (const auto& [key, count] : responses_) {
    out += fmt::format("bantam_responses_total{{route=\"{}\",status=\"{}\"}} {}\n", label_value(key.first), key.second,
                       count);
  }
  out += head("bantam_request_seconds", "histogram", "From the whole request to the end of its response");
  out += seconds_.text("bantam_request_seconds", "");
  out += head("bantam_first_token_seconds", "histogram", "From the whole request to the first token");
  for (const auto& [model, m] : models_) out += m.first_token.text("bantam_first_token_seconds", of_model(model));
  out += head("bantam_next_token_seconds", "histogram", "Between two tokens of an answer");
  for (const auto& [model, m] : models_) out += m.next_token.text("bantam_next_token_seconds", of_model(model));
  out += head("bantam_model_tokens_total", "counter", "Tokens billed by model and kind");
  for (const auto& [model, m] : models_) {
    for (const auto& [kind, n] :
         {std::pair{"prompt", m.tokens.prompt}, {"cached", m.tokens.cached}, {"completion", m.tokens.completion}}) {
      out += fmt::format("bantam_model_tokens_total{{{},kind=\"{}\"}} {}\n", of_model(model), kind, n);
    }
  }
  return out;
}

}  // namespace bantam
