#include "cli/conversation.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/progress.h"

namespace bantam {

Conversation::Loaded::Loaded(const RunOptions& run) : Loaded(model_title(run.model), open_to_run(run)) {}

Conversation::Loaded::Loaded(std::string shown, const ModelToRun& opened)
    : title(std::move(shown)),
      engine(opened.model, opened.options),
      format(engine.tokenizer(), engine.model().metadata()) {
  say_warning(engine.tokenizer());
}

Conversation::Conversation(const RunOptions& run, const SamplingOptions& sampling, int max_tokens)
    : run_(run),
      params_(sampler_params(sampling)),
      stops_(sampling.stops),
      max_tokens_(max_tokens),
      loaded_(std::make_unique<Loaded>(run)) {
  validate(params_, loaded_->engine.tokenizer().vocab_size());
  if (max_tokens < 1) throw UsageError("max_tokens is {}, expected at least 1", max_tokens);
}

Generation Conversation::answer(std::string text, const GenerateEvents& events) {
  std::vector<ChatMessage> messages;
  if (!system_.empty()) messages.push_back({"system", system_});
  messages.insert(messages.end(), messages_.begin(), messages_.end());
  messages.push_back({"user", std::move(text)});

  Request request;
  request.prompt = loaded_->format.prompt(messages);
  request.max_tokens = max_tokens_;
  request.sampling = params_;
  request.stops = stops_;
  for (std::string& stop : loaded_->format.stops()) request.stops.push_back(std::move(stop));
  Generation result = generate(loaded_->engine, std::move(request), events);

  ++params_.seed;  // the next answer draws other numbers
  messages_.push_back(std::move(messages.back()));
  messages_.push_back({"assistant", result.text});
  return result;
}

std::optional<Generation> Conversation::retry(const GenerateEvents& events) {
  if (messages_.empty()) return std::nullopt;
  const std::vector<ChatMessage> before = messages_;
  const auto last_question =
      std::find_if(messages_.rbegin(), messages_.rend(), [](const ChatMessage& m) { return m.role == "user"; });
  if (last_question == messages_.rend()) return std::nullopt;
  std::string text = last_question->content;
  messages_.erase(last_question.base() - 1, messages_.end());
  try {
    return answer(std::move(text), events);
  } catch (...) {
    messages_ = before;
    throw;
  }
}

void Conversation::use_model(const std::string& path) {
  RunOptions run = run_;
  run.model = path;
  auto loaded = std::make_unique<Loaded>(run);
  validate(params_, loaded->engine.tokenizer().vocab_size());
  run_ = std::move(run);
  loaded_ = std::move(loaded);
}

std::string Conversation::describe_model() const {
  const Model& model = loaded_->engine.model();
  return fmt::format("{}: {} parameters, context {} tokens", loaded_->title,
                     short_count(static_cast<double>(model.parameters())), loaded_->engine.context());
}

std::string Conversation::describe_params() const {
  std::string lines;
  for (const SamplingField& field : sampling_fields()) {
    const double value = field.number ? params_.*field.number : params_.*field.integer;
    lines += fmt::format("  {:<20}{:<8}{}\n", field.name, value, field.help);
  }
  lines += fmt::format("  {:<20}{:<8}{}\n", "seed", params_.seed, "of the next answer");
  lines += fmt::format("  {:<20}{:<8}{}\n", "max_tokens", max_tokens_, "longest answer");
  return lines;
}

void Conversation::set_param(std::string_view name, std::string_view value) {
  if (name == "max_tokens") {
    const int64_t n = parse_integer(name, value);
    if (n < 1 || n > INT32_MAX) throw UsageError("max_tokens is {}, expected at least 1", n);
    max_tokens_ = static_cast<int>(n);
    return;
  }
  SamplerParams changed = params_;
  if (name == "seed") {
    changed.seed = static_cast<uint64_t>(parse_integer(name, value));
  } else {
    const auto fields = sampling_fields();
    const auto field = std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.name == name; });
    if (field == fields.end()) throw UsageError("'{}' is not a parameter; /params lists them", name);
    if (field->number) {
      changed.*field->number = parse_number(name, value);
    } else {
      changed.*field->integer = static_cast<int>(std::clamp<int64_t>(parse_integer(name, value), INT32_MIN, INT32_MAX));
    }
  }
  validate(changed, loaded_->engine.tokenizer().vocab_size());
  params_ = changed;
}

void Conversation::save(const std::filesystem::path& path) const {
  Json out = {{"system", system_}, {"messages", Json::array()}};
  for (const ChatMessage& m : messages_) out["messages"].push_back({{"role", m.role}, {"content", m.content}});
  AtomicFile file(path);
  file.write(to_line(out) + "\n");
  file.commit();
}

void Conversation::load(const std::filesystem::path& path) {
  const Json in = parse_json(read_file(path), path.string());
  const auto text = [&](const Json& object, const char* key) -> std::string {
    if (!object.is_object() || !object.contains(key) || !object[key].is_string()) {
      throw FormatError("{}: expected a conversation as /save writes it, with a text '{}'", path.string(), key);
    }
    return object[key].get<std::string>();
  };
  std::string system = text(in, "system");
  if (!in.contains("messages") || !in["messages"].is_array()) {
    throw FormatError("{}: expected a list 'messages'", path.string());
  }
  std::vector<ChatMessage> messages;
  for (const Json& m : in["messages"]) {
    messages.push_back({text(m, "role"), text(m, "content")});
    if (messages.back().role != "user" && messages.back().role != "assistant") {
      throw FormatError("{}: a message has the role '{}', expected user or assistant", path.string(),
                        messages.back().role);
    }
  }
  system_ = std::move(system);
  messages_ = std::move(messages);
}

}  // namespace bantam
