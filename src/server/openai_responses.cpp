// POST /v1/responses: OpenAI's newer API. Its stream is a list of numbered events that build the same object as the
// whole response. Nothing is stored, so a response cannot be continued by its id.
#include "server/handlers.h"
#include "server/tool_calls.h"
#include "server/wire.h"

namespace bantam {
namespace {

constexpr size_t kMostItems = 10'000;

struct ResponseStyle {
  std::string id, model;
  int64_t created = 0;
  bool azure = false, forced_call = false, takes_calls = false;
  Json echo;  // fields that the response repeats
};

Json part_json(const std::string& text) {
  return {{"type", "output_text"}, {"text", text}, {"annotations", Json::array()}, {"logprobs", Json::array()}};
}

class ResponseWriter final : public AnswerFormat {
 public:
  explicit ResponseWriter(ResponseStyle style) : style_(std::move(style)), reader_(style_.forced_call) {}

  std::string whole(const std::vector<ChoiceResult>& choices, const TokenCounts& billed) override {
    shown_ = style_.takes_calls ? reader_.read(choices[0].text) : choices[0].text;
    return to_line(finished(choices[0], billed));
  }

  void begin(std::string& out) override {
    add(out, "response.created", {{"response", object("in_progress")}});
    add(out, "response.in_progress", {{"response", object("in_progress")}});
  }

  void text(std::string& out, size_t, const TextEvent& event) override {
    add_text(out, style_.takes_calls ? reader_.add(event.text) : event.text);
  }

  void finish(std::string& out, size_t, const ChoiceResult&) override {
    add_text(out, reader_.finish());
    if (open_) {
      add(out, "response.output_text.done",
          {{"item_id", message_id()},
           {"output_index", 0},
           {"content_index", 0},
           {"text", shown_},
           {"logprobs", Json::array()}});
      add(out, "response.content_part.done",
          {{"item_id", message_id()}, {"output_index", 0}, {"content_index", 0}, {"part", part_json(shown_)}});
      add(out, "response.output_item.done", {{"output_index", 0}, {"item", message("completed")}});
    }
    for (size_t i = 0; i < reader_.calls().size(); ++i) {
      const size_t index = i + (open_ ? 1 : 0);
      Json begun = call(i, "in_progress");
      begun["arguments"] = "";
      add(out, "response.output_item.added", {{"output_index", index}, {"item", begun}});
      const std::string& arguments = reader_.calls()[i].arguments;
      add(out, "response.function_call_arguments.delta",
          {{"item_id", begun["id"]}, {"output_index", index}, {"delta", arguments}});
      add(out, "response.function_call_arguments.done",
          {{"item_id", begun["id"]}, {"output_index", index}, {"arguments", arguments}});
      add(out, "response.output_item.done", {{"output_index", index}, {"item", call(i, "completed")}});
    }
  }

  void end(std::string& out, const std::vector<ChoiceResult>& choices, const TokenCounts& billed) override {
    const bool cut = finish_word(choices[0].reason) == "length";
    add(out, cut ? "response.incomplete" : "response.completed", {{"response", finished(choices[0], billed)}});
  }

  void error(std::string& out, const ApiError& error) override {
    add(out, "error", {{"code", error.code}, {"message", error.what()}, {"param", nullptr}});
  }

 private:
  std::string message_id() const { return "msg_" + style_.id.substr(5); }

  void add(std::string& out, std::string_view type, Json fields) {
    fields["sequence_number"] = sequence_++;
    add_named_event(out, type, fields);
  }

  void add_text(std::string& out, const std::string& text) {
    if (text.empty()) return;
    if (!open_) {
      open_ = true;
      Json begun = message("in_progress");
      begun["content"] = Json::array();
      add(out, "response.output_item.added", {{"output_index", 0}, {"item", begun}});
      add(out, "response.content_part.added",
          {{"item_id", message_id()}, {"output_index", 0}, {"content_index", 0}, {"part", part_json("")}});
    }
    shown_ += text;
    add(out, "response.output_text.delta",
        {{"item_id", message_id()},
         {"output_index", 0},
         {"content_index", 0},
         {"delta", text},
         {"logprobs", Json::array()}});
  }

  Json message(std::string_view status) const {
    return {{"id", message_id()},
            {"type", "message"},
            {"status", status},
            {"role", "assistant"},
            {"content", Json::array({part_json(shown_)})}};
  }

  Json call(size_t index, std::string_view status) const {
    const ToolCall& of = reader_.calls()[index];
    const std::string id = fmt::format("{}_{}", style_.id.substr(5), index);
    return {{"id", "fc_" + id},        {"type", "function_call"}, {"status", status},
            {"call_id", "call_" + id}, {"name", of.name},         {"arguments", of.arguments}};
  }

  Json object(std::string_view status) const {
    Json out = {{"id", style_.id},       {"object", "response"},   {"created_at", style_.created},
                {"status", status},      {"error", nullptr},       {"incomplete_details", nullptr},
                {"model", style_.model}, {"output", Json::array()}};
    out.update(style_.echo);
    out["usage"] = nullptr;
    return out;
  }

  Json finished(const ChoiceResult& result, const TokenCounts& billed) const {
    const bool cut = finish_word(result.reason) == "length";
    Json out = object(cut ? "incomplete" : "completed");
    if (cut) out["incomplete_details"] = {{"reason", "max_output_tokens"}};
    if (!shown_.empty() || reader_.calls().empty()) out["output"].push_back(message(cut ? "incomplete" : "completed"));
    for (size_t i = 0; i < reader_.calls().size(); ++i) out["output"].push_back(call(i, "completed"));
    out["usage"] = {{"input_tokens", billed.prompt},
                    {"input_tokens_details", {{"cached_tokens", billed.cached}}},
                    {"output_tokens", billed.completion},
                    {"output_tokens_details", {{"reasoning_tokens", 0}}},
                    {"total_tokens", billed.prompt + billed.completion}};
    return out;
  }

  ResponseStyle style_;
  ToolCallReader reader_;
  std::string shown_;
  int64_t sequence_ = 0;
  bool open_ = false;  // the message has begun
};

// One item of "input": a message, a call that the assistant made, or what its tool said.
ChatMessage read_item(const Json& json, const std::string& where) {
  const Fields item(json, where);
  const std::string type = item.text("type").value_or("message");
  if (type == "function_call")
    return {"assistant", call_as_text(item.required_text("name"), item.required_text("arguments"))};
  if (type == "function_call_output") return {"tool", item.required_text("output")};
  if (type != "message")
    throw not_supported(item.path("type"), fmt::format("an item of type '{}'", type.substr(0, 40)));
  const std::string role = item.required_text("role");
  if (!item.has("content")) item.missing("content");
  const std::string content = read_content(*item.find("content"), item.path("content"));
  if (role == "developer" || role == "system") return {"system", content};
  if (role == "user" || role == "assistant") return {role, content};
  throw bad_field(item.path("role"), "is '{}', expected one of: system, developer, user, assistant",
                  role.substr(0, 40));
}

std::vector<ChatMessage> read_input(const Fields& fields) {
  std::vector<ChatMessage> out;
  if (const auto instructions = fields.text("instructions")) out.push_back({"system", *instructions});
  const Json* input = fields.find("input");
  if (!input) fields.missing("input");
  if (input->is_string()) {
    out.push_back({"user", input->get<std::string>()});
    return out;
  }
  const Json* list = fields.list("input", kMostItems);
  if (list->empty()) throw bad_field("input", "is empty");
  for (size_t i = 0; i < list->size(); ++i) out.push_back(read_item((*list)[i], fmt::format("input[{}]", i)));
  return out;
}

// The tools of this API are flat; templates want those of chat/completions.
Json as_chat_request(const Fields& fields) {
  Json out = Json::object();
  if (const Json* tools = fields.list("tools", kMostTools)) {
    out["tools"] = Json::array();
    for (size_t i = 0; i < tools->size(); ++i) {
      const Fields tool((*tools)[i], fmt::format("tools[{}]", i));
      if (tool.required_text("type") != "function")
        throw not_supported(tool.path("type"), "a tool that is no function");
      Json function = (*tools)[i];
      function.erase("type");
      out["tools"].push_back({{"type", "function"}, {"function", std::move(function)}});
    }
  }
  if (const Json* choice = fields.find("tool_choice")) {
    out["tool_choice"] = *choice;
    if (choice->is_object() && choice->contains("name")) out["tool_choice"]["function"] = {{"name", (*choice)["name"]}};
  }
  return out;
}

AnswerForm read_text_form(const Fields& fields) {
  const Json* text = fields.object("text");
  if (!text) return {};
  const Json* format = Fields(*text, "text").object("format");
  if (!format) return {};
  const Fields of(*format, "text.format");
  return read_format_object(of, of);
}

Json echoed(const Fields& fields, const Request& request) {
  const auto or_null = [&](const char* name) { return fields.has(name) ? *fields.find(name) : Json(nullptr); };
  return {{"instructions", or_null("instructions")},
          {"max_output_tokens", or_null("max_output_tokens")},
          {"metadata", fields.has("metadata") ? *fields.find("metadata") : Json::object()},
          {"parallel_tool_calls", true},
          {"previous_response_id", nullptr},
          {"store", false},
          {"temperature", request.sampling.temperature},
          {"top_p", request.sampling.top_p},
          {"text", fields.has("text") ? *fields.find("text") : Json({{"format", {{"type", "text"}}}})},
          {"tool_choice", fields.has("tool_choice") ? *fields.find("tool_choice") : Json("auto")},
          {"tools", fields.has("tools") ? *fields.find("tools") : Json::array()},
          {"truncation", "disabled"}};
}

}  // namespace

std::unique_ptr<Job> responses(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  if (fields.has("previous_response_id"))
    throw not_supported("previous_response_id", "going on with a stored response");
  if (fields.boolean("background").value_or(false)) throw not_supported("background", "a response in the background");
  const std::vector<ChatMessage> messages = read_input(fields);
  const Json chat = as_chat_request(fields);
  const ToolUse tools = read_tools(Fields(chat));
  const AnswerForm form = form_of_answer(tools, read_text_form(fields));

  GenerationPlan plan;
  plan.streamed = fields.boolean("stream").value_or(false);
  plan.model = open_model(call, model_name(call, fields));
  OpenModel& model = *plan.model;
  Request request;
  request.sampling = read_sampling(fields, model.tokenizer().vocab_size());
  request.prompt = model.chat_prompt(messages, tools.tools);
  request.max_tokens =
      answer_room(model.card(), request.prompt.size(), fields.integer("max_output_tokens", 1, INT32_MAX), "input");
  request.stops = model.chat_stops();
  plan.prompt_tokens = static_cast<int64_t>(request.prompt.size());
  ResponseStyle style{.id = "resp_" + call.id,
                      .model = model.card().name,
                      .created = unix_seconds(),
                      .azure = call.dialect == Dialect::azure,
                      .forced_call = tools.forced,
                      .takes_calls = !tools.tools.empty(),
                      .echo = echoed(fields, request)};
  plan.choices = make_choices(model, std::move(request), 1, form);
  plan.format = std::make_unique<ResponseWriter>(std::move(style));
  return run_generation(std::move(call), std::move(plan));
}

}  // namespace bantam
