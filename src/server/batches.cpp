#include "server/batches.h"

#include <algorithm>
#include <set>

#include "server/fields.h"
#include "server/generation.h"
#include "server/routes.h"

namespace bantam {
namespace {

constexpr size_t kMostLines = 50'000;
constexpr std::chrono::milliseconds kLongestWait{60'000};

}  // namespace

// {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {...}}
class Batches::Line {
 public:
  // Throws ApiError that says what is wrong.
  Line(std::string_view text, size_t number, const std::string& endpoint) {
    const std::string where = fmt::format("line {}", number + 1);
    try {
      json_ = parse_json(text, where);
    } catch (const FormatError& e) {
      throw ApiError(400, "invalid_json", "", e.what());
    }
    if (!json_.is_object()) throw bad_field(where, "is no object");
    const Fields fields(json_, where);
    id = fields.required_text("custom_id");
    if (fields.required_text("method") != "POST") throw bad_field(fields.path("method"), "expected POST");
    if (batch_path(fields.required_text("url")) != batch_path(endpoint))
      throw bad_field(fields.path("url"), "expected '{}'", endpoint);
    const Json* of = fields.object("body");
    if (!of) fields.missing("body");
    if (Fields(*of, where).boolean("stream").value_or(false))
      throw not_supported(fields.path("body.stream"), "a stream");
    body = to_line(*of);
  }

  std::string id, body;

 private:
  Json json_;
};

void Batches::start(ServerParts& parts) {
  thread_ = std::thread([this, &parts] { loop(parts); });
}

void Batches::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Batches::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void Batches::loop(ServerParts& parts) {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) return;
      woken_ = false;
    }
    try {
      if (const auto batch = store.next_open()) {
        run(parts, *batch);
        continue;
      }
    } catch (const Error&) {  // the disk is full, say: tried again later
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kLongestWait, [this] { return stopped_ || woken_; });
  }
}

void Batches::run(ServerParts& parts, const Batch& batch) {
  const auto content = store.content(batch.key_id, batch.input_file);
  if (!content) return store.fail(batch.id, "the input file was deleted");
  std::vector<Line> lines;
  try {
    std::set<std::string> ids;
    for (std::string_view rest = *content; !rest.empty();) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      const std::string_view text = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      if (lines.size() == kMostLines) throw bad_field("input_file_id", "has more than {} lines", kMostLines);
      lines.emplace_back(text, lines.size(), batch.endpoint);
      if (!ids.insert(lines.back().id).second) throw bad_field("custom_id", "'{}' is there twice", lines.back().id);
    }
    if (lines.empty()) throw bad_field("input_file_id", "the file has no requests");
  } catch (const ApiError& e) {
    return store.fail(batch.id, e.what());
  }
  store.begin(batch.id, static_cast<int64_t>(lines.size()));
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto number = static_cast<int64_t>(i);
    if (store.has_result(batch.id, number)) continue;
    const auto response = answer(parts, batch, lines[i]);
    if (!response) break;
    const bool good = response->status == 200;
    const Json result = {{"id", "batch_req_" + random_id()},
                         {"custom_id", lines[i].id},
                         {"response",
                          {{"status_code", response->status},
                           {"request_id", random_id()},
                           {"body", parse_json(response->body, "a response")}}},
                         {"error", nullptr}};
    store.add_result(batch.id, number, good, to_line(result));
  }
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;  // goes on the next time
  }
  store.finish(batch);
}

bool Batches::is_over(const Batch& batch) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return true;
  }
  const auto now = store.batch(batch.key_id, batch.id);
  return !now || now->status == "cancelling";
}

// A quota that is used up and a full engine are waited for.
std::optional<HttpResponse> Batches::answer(ServerParts& parts, const Batch& batch, const Line& line) {
  while (!is_over(batch)) {
    int retry_ms = 0;
    auto response = answer_once(parts, batch, line, retry_ms);
    if (!response || retry_ms == 0) return response;
    std::unique_lock lock(mutex_);
    const auto wait = std::min(kLongestWait, std::chrono::milliseconds(retry_ms));
    changed_.wait_for(lock, wait, [this] { return stopped_ || woken_; });
    woken_ = false;
  }
  return std::nullopt;
}

std::optional<HttpResponse> Batches::answer_once(ServerParts& parts, const Batch& batch, const Line& line,
                                                 int& retry_ms) {
  try {
    const auto key = parts.tenants.find_id(batch.key_id);
    if (!key) throw ApiError(401, "invalid_api_key", "", "the key was revoked");
    const std::string path = batch_path(batch.endpoint);
    const RouteMatch match = find_route("POST", path);
    if (!key->scopes.allow(match.route->scope))
      throw ApiError(403, "insufficient_permissions", "", "the key may not use this endpoint");
    IncomingRequest request{.method = "POST", .path = path, .query = {}, .headers = {}, .body = line.body, .peer = {}};
    // The answer's thread may still wake this one after it gave up.
    const auto wakes = std::make_shared<std::pair<std::mutex, bool>>();
    const std::unique_ptr<Job> job = match.route->handler(Call{.parts = parts,
                                                               .request = std::move(request),
                                                               .wake =
                                                                   [this, wakes] {
                                                                     {
                                                                       const std::lock_guard lock(wakes->first);
                                                                       wakes->second = true;
                                                                     }
                                                                     const std::lock_guard lock(mutex_);
                                                                     changed_.notify_all();
                                                                   },
                                                               .dialect = Dialect::openai,
                                                               .route = std::string(match.route->pattern),
                                                               .params = {},
                                                               .key = *key,
                                                               .id = random_id(),
                                                               .priority = kPriority});
    for (;;) {
      if (auto response = job->response()) return response;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] {
          const std::lock_guard own(wakes->first);
          return stopped_ || woken_ || std::exchange(wakes->second, false);
        });
        woken_ = false;
      }
      if (is_over(batch)) return std::nullopt;
    }
  } catch (const std::exception& error) {
    const ApiError api = as_api_error(error);
    const bool later = api.status == 429 || api.status == 503;
    if (later) retry_ms = std::max(100, api.retry_after_ms);
    return HttpResponse{.status = api.status, .body = error_json(api, Dialect::openai)};
  }
}

}  // namespace bantam
