// POST /v1/chat/completions, of OpenAI and of Azure.
#include "server/handlers.h"
#include "server/tool_calls.h"
#include "server/wire.h"

namespace bantam {
namespace {

constexpr int64_t kMostLogprobsAsked = 20;

struct ChatStyle {
  std::string id, model;
  int64_t created = 0;
  bool azure = false, include_usage = false;
  bool scores = false;       // logprobs are wanted
  bool forced_call = false;  // the whole answer is a call
  bool takes_calls = false;  // there are tools
};

Json bytes_of(std::string_view text) {
  Json out = Json::array();
  for (const char c : text) out.push_back(static_cast<unsigned char>(c));
  return out;
}

Json score_json(std::string_view text, float logprob) {
  return {{"token", text}, {"logprob", logprob}, {"bytes", bytes_of(text)}};
}

// "logprobs": {"content": [...]}
Json scores_json(const Tokenizer& tokenizer, const std::vector<SampledToken>& tokens) {
  Json content = Json::array();
  for (const SampledToken& token : tokens) {
    Json entry = score_json(tokenizer.piece(token.token), token.logprob);
    entry["top_logprobs"] = Json::array();
    for (const TokenScore& other : token.likeliest) {
      entry["top_logprobs"].push_back(score_json(tokenizer.piece(other.token), other.logprob));
    }
    content.push_back(std::move(entry));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

Json call_json(const ToolCall& call, const std::string& id) {
  return {{"id", id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
}

class ChatWriter final : public AnswerFormat {
 public:
  ChatWriter(ChatStyle style, const Tokenizer& tokenizer, size_t choices)
      : style_(std::move(style)), tokenizer_(tokenizer) {
    readers_.resize(choices, ToolCallReader(style_.forced_call));
  }

  std::string whole(const std::vector<ChoiceResult>& choices, const TokenCounts& billed) override {
    Json list = Json::array();
    for (size_t i = 0; i < choices.size(); ++i) list.push_back(choice_json(i, choices[i]));
    Json out = head("chat.completion");
    out["choices"] = std::move(list);
    out["usage"] = usage_json(billed);
    if (style_.azure) out["prompt_filter_results"] = prompt_filter();
    return to_line(out);
  }

  // Azure says what it thinks of the prompt first.
  void begin(std::string& out) override {
    if (style_.azure) {
      Json first = chunk();
      first["choices"] = Json::array();
      first["prompt_filter_results"] = prompt_filter();
      add_event(out, first);
    }
    for (size_t i = 0; i < readers_.size(); ++i)
      add_delta(out, i, {{"role", "assistant"}, {"content", ""}, {"refusal", nullptr}});
  }

  void text(std::string& out, size_t choice, const TextEvent& event) override {
    const std::string shown = style_.takes_calls ? readers_[choice].add(event.text) : event.text;
    const bool scored = style_.scores && !event.tokens.empty();
    if (shown.empty() && !scored) return;
    add_delta(out, choice, {{"content", shown}}, scored ? scores_json(tokenizer_, event.tokens) : Json(nullptr));
  }

  void finish(std::string& out, size_t choice, const ChoiceResult& result) override {
    ToolCallReader& reader = readers_[choice];
    if (const std::string rest = reader.finish(); !rest.empty()) add_delta(out, choice, {{"content", rest}});
    for (size_t i = 0; i < reader.calls().size(); ++i) {
      Json call = call_json(reader.calls()[i], call_id(choice, i));
      call["index"] = i;
      add_delta(out, choice, {{"tool_calls", Json::array({call})}});
    }
    add_delta(out, choice, Json::object(), nullptr, reader.calls().empty() ? finish_word(result.reason) : "tool_calls");
  }

  void end(std::string& out, const std::vector<ChoiceResult>&, const TokenCounts& billed) override {
    add_stream_end(out, chunk(), style_.include_usage ? usage_json(billed) : Json(nullptr));
  }

  void error(std::string& out, const ApiError& error) override { add_stream_error(out, error, style_.azure); }

 private:
  // Nothing is filtered, and Azure's form for that is an empty object.
  static Json prompt_filter() {
    return Json::array({{{"prompt_index", 0}, {"content_filter_results", Json::object()}}});
  }

  Json head(const char* object) const {
    return {{"id", style_.id},
            {"object", object},
            {"created", style_.created},
            {"model", style_.model},
            {"system_fingerprint", nullptr}};
  }
  Json chunk() const { return head("chat.completion.chunk"); }

  std::string call_id(size_t choice, size_t call) const {
    return fmt::format("call_{}_{}_{}", style_.id.substr(9), choice, call);
  }

  void add_delta(std::string& out, size_t choice, Json delta, Json scores = nullptr,
                 std::string_view reason = "") const {
    Json event = chunk();
    Json of = {{"index", choice},
               {"delta", std::move(delta)},
               {"logprobs", std::move(scores)},
               {"finish_reason", reason.empty() ? Json(nullptr) : Json(reason)}};
    if (style_.azure) of["content_filter_results"] = Json::object();
    event["choices"] = Json::array({std::move(of)});
    if (style_.include_usage) event["usage"] = nullptr;
    add_event(out, event);
  }

  Json choice_json(size_t index, const ChoiceResult& result) {
    const std::string shown = style_.takes_calls ? readers_[index].read(result.text) : result.text;
    const std::vector<ToolCall>& calls = readers_[index].calls();
    Json message = {{"role", "assistant"},
                    {"content", shown.empty() && !calls.empty() ? Json(nullptr) : Json(shown)},
                    {"refusal", nullptr}};
    for (size_t i = 0; i < calls.size(); ++i) message["tool_calls"].push_back(call_json(calls[i], call_id(index, i)));
    Json out = {{"index", index},
                {"message", std::move(message)},
                {"logprobs", style_.scores ? scores_json(tokenizer_, result.tokens) : Json(nullptr)},
                {"finish_reason", calls.empty() ? finish_word(result.reason) : "tool_calls"}};
    if (style_.azure) out["content_filter_results"] = Json::object();
    return out;
  }

  ChatStyle style_;
  const Tokenizer& tokenizer_;
  std::vector<ToolCallReader> readers_;
};

bool wants_usage(const Fields& fields) {
  const Json* options = fields.object("stream_options");
  return options && Fields(*options, "stream_options").boolean("include_usage").value_or(false);
}

std::optional<int> read_logprobs(const Fields& fields) {
  const auto top = fields.integer("top_logprobs", 0, kMostLogprobsAsked);
  const bool wanted = fields.boolean("logprobs").value_or(false);
  if (top && !wanted) throw bad_field("top_logprobs", "is given, but logprobs is not true");
  if (!wanted) return std::nullopt;
  return static_cast<int>(top.value_or(0));
}

std::optional<int64_t> read_most_tokens(const Fields& fields) {
  const auto completion = fields.integer("max_completion_tokens", 1, INT32_MAX);
  const auto older = fields.integer("max_tokens", 1, INT32_MAX);
  return completion ? completion : older;
}

}  // namespace

std::unique_ptr<Job> chat_completions(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  if (fields.has("documents")) return grounded_chat(std::move(call));
  const std::vector<ChatMessage> messages = read_messages(fields);
  const ToolUse tools = read_tools(fields);
  const AnswerForm form = form_of_answer(tools, read_form(fields));
  const int64_t n = fields.integer("n", 1, kMostChoices).value_or(1);

  GenerationPlan plan;
  plan.streamed = fields.boolean("stream").value_or(false);
  plan.model = open_model(call, model_name(call, fields));
  OpenModel& model = *plan.model;
  Request request;
  request.sampling = read_sampling(fields, model.tokenizer().vocab_size());
  request.logprobs = read_logprobs(fields);
  request.prompt = model.chat_prompt(messages, tools.tools);
  request.max_tokens = answer_room(model.card(), request.prompt.size(), read_most_tokens(fields), "messages");
  request.stops = read_stops(fields);
  for (std::string& stop : model.chat_stops()) request.stops.push_back(std::move(stop));
  plan.prompt_tokens = static_cast<int64_t>(request.prompt.size());
  ChatStyle style{.id = "chatcmpl-" + call.id,
                  .model = model.card().name,
                  .created = unix_seconds(),
                  .azure = call.dialect == Dialect::azure,
                  .include_usage = wants_usage(fields),
                  .scores = request.logprobs.has_value(),
                  .forced_call = tools.forced,
                  .takes_calls = !tools.tools.empty()};
  plan.choices = make_choices(model, std::move(request), n, form);
  plan.format = std::make_unique<ChatWriter>(std::move(style), model.tokenizer(), plan.choices.size());
  return run_generation(std::move(call), std::move(plan));
}

}  // namespace bantam
