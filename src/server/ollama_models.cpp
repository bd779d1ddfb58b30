// Ollama's routes about models: which there are, what they are, and getting, copying and deleting them.
#include <algorithm>
#include <array>
#include <atomic>
#include <ctime>
#include <mutex>
#include <thread>

#include "server/handlers.h"
#include "server/library.h"
#include "server/ollama.h"
#include "server/wire.h"

namespace bantam {
namespace {

std::string utc_text(int64_t unix_ms_value) {
  const std::time_t seconds = unix_ms_value / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text;
  const size_t n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03}Z", std::string_view(text.data(), n), unix_ms_value % 1000);
}

std::string count_text(uint64_t n) {
  if (n >= 1'000'000'000) return fmt::format("{:.1f}B", static_cast<double>(n) / 1e9);
  return fmt::format("{:.2f}M", static_cast<double>(n) / 1e6);
}

Json details_json(const ModelCard& card) {
  return {{"parent_model", ""},
          {"format", "gguf"},
          {"family", card.family},
          {"families", Json::array({card.family})},
          {"parameter_size", count_text(card.parameters)},
          {"quantization_level", card.format}};
}

Json tag_json(const ModelCard& card) {
  return {{"name", card.name},  {"model", card.name},    {"modified_at", rfc3339(card.created_s)},
          {"size", card.bytes}, {"digest", card.digest}, {"details", details_json(card)}};
}

ModelCard find_card(Call& call, const std::string& name) {
  for (ModelCard& card : call.parts.backend.models()) {
    if (card.name == name) return std::move(card);
  }
  throw ApiError(404, "model_not_found", "model", fmt::format("model '{}' not found", name.substr(0, 100)));
}

ModelLibrary& library_of(Call& call) {
  if (!call.parts.library) throw ApiError(403, "not_allowed", "", "this server does not change its models");
  return *call.parts.library;
}

// Runs a pull in a thread of its own and streams its progress.
class PullJob final : public Job {
 public:
  PullJob(ModelLibrary& library, std::string source, bool streamed, Wake wake)
      : streamed_(streamed),
        wake_(std::move(wake)),
        thread_([this, &library, source = std::move(source)] { run(library, source); }) {}

  ~PullJob() override {
    stop_ = true;
    thread_.join();
  }

  std::optional<HttpResponse> response() override {
    const std::lock_guard lock(mutex_);
    if (streamed_) return HttpResponse{.headers = {{"Content-Type", "application/x-ndjson"}}, .streamed = true};
    if (!ended_) return std::nullopt;
    if (!failure_.empty()) throw ApiError(500, "pull_failed", "", failure_);
    return json_response(R"({"status":"success"})");
  }

  Body next(std::string& out) override {
    const std::lock_guard lock(mutex_);
    out += std::exchange(lines_, {});
    return ended_ ? Body::end : Body::wait;
  }

 private:
  void run(ModelLibrary& library, const std::string& source) {
    try {
      library.pull(source, [this](const PullProgress& p) {
        if (stop_) throw IoError("stopped");
        Json line = {{"status", p.status}};
        if (p.total > 0) line.update({{"digest", ""}, {"total", p.total}, {"completed", p.done}});
        add(line, false);
      });
      add({{"status", "success"}}, true);
    } catch (const std::exception& error) {
      {
        const std::lock_guard lock(mutex_);
        failure_ = error.what();
      }
      add({{"error", error.what()}}, true);
    }
  }

  void add(const Json& line, bool last) {
    {
      const std::lock_guard lock(mutex_);
      lines_ += to_line(line) + "\n";
      ended_ = last;
    }
    wake_();
  }

  const bool streamed_;
  const Wake wake_;
  std::mutex mutex_;
  std::string lines_, failure_;
  bool ended_ = false;
  std::atomic<bool> stop_ = false;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace

std::string rfc3339(int64_t unix_s) { return utc_text(unix_s * 1000); }
std::string rfc3339_now() { return utc_text(unix_ms()); }

std::string ollama_name(const Call& call, const Fields& fields) {
  std::string name = fields.has("model") ? fields.required_text("model") : fields.text("name").value_or("");
  if (name.empty()) fields.missing("model");
  constexpr std::string_view kLatest = ":latest";
  if (!name.ends_with(kLatest)) return name;
  const auto cards = call.parts.backend.models();
  if (std::ranges::find(cards, name, &ModelCard::name) == cards.end()) name.resize(name.size() - kLatest.size());
  return name;
}

std::unique_ptr<Job> ollama_root(Call call) {
  if (wants_page(call)) return page_file(std::move(call));
  return ready({.headers = {{"Content-Type", "text/plain"}, {"Vary", "Accept"}}, .body = "Bantam is running\n"});
}

std::unique_ptr<Job> ollama_version(Call call) {
  return ready(json_response(to_line({{"version", call.parts.version}})));
}

std::unique_ptr<Job> ollama_tags(Call call) {
  Json models = Json::array();
  for (const ModelCard& card : call.parts.backend.models()) models.push_back(tag_json(card));
  return ready(json_response(to_line({{"models", models}})));
}

std::unique_ptr<Job> ollama_ps(Call call) {
  Json models = Json::array();
  for (const ModelCard& card : call.parts.backend.models()) {
    if (!card.loaded) continue;
    Json model = tag_json(card);
    model["size_vram"] = 0;
    model["context_length"] = card.context;
    models.push_back(std::move(model));
  }
  return ready(json_response(to_line({{"models", models}})));
}

std::unique_ptr<Job> ollama_show(Call call) {
  const Json body = parse_body(call.request);
  const ModelCard card = find_card(call, ollama_name(call, Fields(body)));
  Json capabilities = Json::array({"completion", "embedding"});
  if (card.infills) capabilities.push_back("insert");
  return ready(json_response(to_line({{"license", ""},
                                      {"modelfile", "FROM " + card.name + "\n"},
                                      {"parameters", ""},
                                      {"template", card.chat_template},
                                      {"details", details_json(card)},
                                      {"model_info",
                                       {{"general.architecture", card.family},
                                        {"general.parameter_count", card.parameters},
                                        {card.family + ".context_length", card.context}}},
                                      {"capabilities", capabilities},
                                      {"modified_at", rfc3339(card.created_s)}})));
}

std::unique_ptr<Job> ollama_pull(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  const bool streamed = fields.boolean("stream").value_or(true);
  return std::make_unique<PullJob>(library_of(call), ollama_name(call, fields), streamed, call.wake);
}

// A name for what another model is. Modelfiles that change parameters or prompts are not taken.
std::unique_ptr<Job> ollama_create(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  for (const char* field :
       {"modelfile", "files", "adapters", "template", "system", "parameters", "messages", "quantize"}) {
    if (fields.has(field)) throw not_supported(field, "a model made with it");
  }
  const std::string name = ollama_name(call, fields), from = fields.required_text("from");
  find_card(call, from);
  library_of(call).copy(from, name);
  if (!fields.boolean("stream").value_or(true)) return ready(json_response(R"({"status":"success"})"));
  return ready({.headers = {{"Content-Type", "application/x-ndjson"}}, .body = "{\"status\":\"success\"}\n"});
}

std::unique_ptr<Job> ollama_copy(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  const std::string from = fields.required_text("source"), to = fields.required_text("destination");
  find_card(call, from);
  library_of(call).copy(from, to);
  return ready({});
}

std::unique_ptr<Job> ollama_delete(Call call) {
  const Json body = parse_body(call.request);
  const ModelCard card = find_card(call, ollama_name(call, Fields(body)));
  if (card.digest.empty())
    throw ApiError(403, "not_allowed", "model", fmt::format("{} is inside the program", card.name));
  ModelLibrary& library = library_of(call);
  call.parts.backend.unload(card.name);
  library.remove(card.name);
  return ready({});
}

}  // namespace bantam
