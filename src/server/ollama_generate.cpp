// POST /api/generate and /api/chat of Ollama: streams are lines of JSON, options have llama.cpp's names.
#include "server/handlers.h"
#include "server/ollama.h"
#include "server/tool_calls.h"
#include "server/wire.h"

namespace bantam {
namespace {

struct OllamaStyle {
  std::string model;
  bool chat = false, takes_calls = false, forced_call = false;
  SteadyTime begun;
};

int64_t nanoseconds(double seconds) { return static_cast<int64_t>(seconds * 1e9); }

class OllamaWriter final : public AnswerFormat {
 public:
  explicit OllamaWriter(OllamaStyle style) : style_(std::move(style)), reader_(style_.forced_call) {}

  std::string content_type() const override { return "application/x-ndjson"; }

  std::string whole(const std::vector<ChoiceResult>& choices, const TokenCounts& billed) override {
    const std::string shown = style_.takes_calls ? reader_.read(choices[0].text) : choices[0].text;
    return to_line(last(shown, choices[0], billed));
  }

  void begin(std::string&) override {}

  void text(std::string& out, size_t, const TextEvent& event) override {
    const std::string shown = style_.takes_calls ? reader_.add(event.text) : event.text;
    if (!shown.empty()) out += to_line(piece(shown, false)) + "\n";
  }

  void finish(std::string& out, size_t, const ChoiceResult&) override {
    if (const std::string rest = reader_.finish(); !rest.empty()) out += to_line(piece(rest, false)) + "\n";
  }

  void end(std::string& out, const std::vector<ChoiceResult>& choices, const TokenCounts& billed) override {
    out += to_line(last("", choices[0], billed)) + "\n";
  }

  void error(std::string& out, const ApiError& error) override { out += error_json(error, Dialect::ollama) + "\n"; }

 private:
  Json piece(const std::string& text, bool done) const {
    Json out = {{"model", style_.model}, {"created_at", rfc3339_now()}};
    if (style_.chat) {
      out["message"] = {{"role", "assistant"}, {"content", text}};
    } else {
      out["response"] = text;
    }
    out["done"] = done;
    return out;
  }

  Json last(const std::string& text, const ChoiceResult& result, const TokenCounts& billed) const {
    Json out = piece(text, true);
    for (const ToolCall& call : reader_.calls()) {
      out["message"]["tool_calls"].push_back(
          {{"function", {{"name", call.name}, {"arguments", parse_json(call.arguments, "a tool call")}}}});
    }
    out["done_reason"] = finish_word(result.reason);
    const std::chrono::duration<double> total = std::chrono::steady_clock::now() - style_.begun;
    out["total_duration"] = nanoseconds(total.count());
    out["load_duration"] = nanoseconds(result.usage.queue_s);
    out["prompt_eval_count"] = billed.prompt;
    out["prompt_eval_duration"] = nanoseconds(result.usage.prefill_s);
    out["eval_count"] = billed.completion;
    out["eval_duration"] = nanoseconds(result.usage.decode_s);
    return out;
  }

  OllamaStyle style_;
  ToolCallReader reader_;
};

// "options": the names of a Modelfile.
void read_options(const Fields& fields, int vocab, Request& request, std::optional<int64_t>& most) {
  SamplerParams p;
  p.seed = read_sampling(Fields(Json::object()), vocab).seed;
  const Json none = Json::object();
  const Json* object = fields.object("options");
  const Fields options(object ? *object : none, "options");
  p.temperature = options.number("temperature", 0, 10).value_or(0.8);
  p.top_k = static_cast<int>(options.integer("top_k", 0, INT32_MAX).value_or(40));
  p.top_p = std::max(options.number("top_p", 0, 1).value_or(0.9), 1e-9);
  p.min_p = options.number("min_p", 0, 1).value_or(0);
  p.typical_p = std::max(options.number("typical_p", 0, 1).value_or(1), 1e-9);
  p.repetition_penalty = options.number("repeat_penalty", 0.01, 10).value_or(1.1);
  p.presence_penalty = options.number("presence_penalty", -10, 10).value_or(0);
  p.frequency_penalty = options.number("frequency_penalty", -10, 10).value_or(0);
  p.penalty_last_n = static_cast<int>(options.integer("repeat_last_n", -1, INT32_MAX).value_or(64));
  if (const auto seed = options.integer("seed", INT64_MIN, INT64_MAX)) p.seed = static_cast<uint64_t>(*seed);
  const auto predict = options.integer("num_predict", -2, INT32_MAX);
  if (predict && *predict > 0) most = predict;
  request.sampling = p;
  request.stops = read_stops(options);
}

AnswerForm read_ollama_form(const Fields& fields) {
  const Json* format = fields.find("format");
  if (!format || *format == "") return {};
  if (*format == "json") return {AnswerForm::Kind::json, {}};
  if (format->is_object()) return {AnswerForm::Kind::json_schema, to_line(*format)};
  fields.wrong("format", "'json' or a schema");
}

// An empty request loads the model, or with keep_alive 0 unloads it.
std::unique_ptr<Job> only_load(Call& call, const Fields& fields, const std::string& model, bool chat) {
  const Json* keep = fields.find("keep_alive");
  const bool unload = keep && (*keep == 0 || *keep == "0" || *keep == "0s");
  open_model(call, model);
  if (unload) call.parts.backend.unload(model);
  Json out = {{"model", model}, {"created_at", rfc3339_now()}};
  chat ? out["message"] = {{"role", "assistant"}, {"content", ""}} : out["response"] = "";
  out["done"] = true;
  out["done_reason"] = unload ? "unload" : "load";
  return ready(json_response(to_line(out)));
}

std::vector<int32_t> generate_prompt(const Fields& fields, const OpenModel& model, const std::string& prompt,
                                     bool raw) {
  const Tokenizer& tokenizer = model.tokenizer();
  if (const auto suffix = fields.text("suffix"); suffix && !suffix->empty()) {
    if (!model.card().infills)
      throw not_supported(
          "suffix", fmt::format("filling text in with {}, whose vocabulary has no marks for it,", model.card().name));
    return model.infill_prompt(prompt, *suffix);
  }
  if (raw) return tokenizer.encode(prompt, {.add_bos = tokenizer.wants_bos()});
  std::vector<ChatMessage> messages;
  if (const auto system = fields.text("system"); system && !system->empty()) messages.push_back({"system", *system});
  messages.push_back({"user", prompt});
  return model.chat_prompt(messages, "");
}

void refuse_images(const Fields& fields) {
  const Json* images = fields.list("images", 64);
  if (images && !images->empty()) throw not_supported("images", "a picture");
}

std::unique_ptr<Job> run(Call call, const Fields& fields, GenerationPlan plan, Request request,
                         std::optional<int64_t> most, const ToolUse& tools, bool chat) {
  OpenModel& model = *plan.model;
  plan.streamed = fields.boolean("stream").value_or(true);
  plan.prompt_tokens = static_cast<int64_t>(request.prompt.size());
  if (request.prompt.empty()) throw bad_field("prompt", "is empty");
  request.max_tokens = answer_room(model.card(), request.prompt.size(), most, chat ? "messages" : "prompt");
  plan.format = std::make_unique<OllamaWriter>(OllamaStyle{.model = model.card().name,
                                                           .chat = chat,
                                                           .takes_calls = !tools.tools.empty(),
                                                           .forced_call = tools.forced,
                                                           .begun = call.begun});
  plan.choices = make_choices(model, std::move(request), 1, form_of_answer(tools, read_ollama_form(fields)));
  return run_generation(std::move(call), std::move(plan));
}

}  // namespace

std::unique_ptr<Job> ollama_generate(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  refuse_images(fields);
  const std::string name = ollama_name(call, fields);
  const std::string prompt = fields.text("prompt").value_or("");
  if (prompt.empty()) return only_load(call, fields, name, false);
  if (fields.text("template")) throw not_supported("template", "another template than the model's");
  const bool raw = fields.boolean("raw").value_or(false);
  GenerationPlan plan;
  plan.model = open_model(call, name);
  Request request;
  std::optional<int64_t> most;
  read_options(fields, plan.model->tokenizer().vocab_size(), request, most);
  request.prompt = generate_prompt(fields, *plan.model, prompt, raw);
  if (!raw) {
    for (std::string& stop : plan.model->chat_stops()) request.stops.push_back(std::move(stop));
  }
  return run(std::move(call), fields, std::move(plan), std::move(request), most, {}, false);
}

std::unique_ptr<Job> ollama_chat(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  const std::string name = ollama_name(call, fields);
  const Json* list = fields.list("messages", kMostMessages);
  if (!list || list->empty()) return only_load(call, fields, name, true);
  for (size_t i = 0; i < list->size(); ++i) refuse_images(Fields((*list)[i], fmt::format("messages[{}]", i)));
  const std::vector<ChatMessage> messages = read_messages(fields);
  const ToolUse tools = read_tools(fields);
  GenerationPlan plan;
  plan.model = open_model(call, name);
  Request request;
  std::optional<int64_t> most;
  read_options(fields, plan.model->tokenizer().vocab_size(), request, most);
  request.prompt = plan.model->chat_prompt(messages, tools.tools);
  for (std::string& stop : plan.model->chat_stops()) request.stops.push_back(std::move(stop));
  return run(std::move(call), fields, std::move(plan), std::move(request), most, tools, true);
}

}  // namespace bantam
