// POST /v1/messages and /v1/messages/count_tokens: Anthropic's Messages API. Its messages and answers are lists of
// blocks; its stream builds the blocks of the whole answer one after the other.
#include <algorithm>

#include "server/handlers.h"
#include "server/tool_calls.h"
#include "server/wire.h"

namespace bantam {
namespace {

constexpr size_t kMostBlocks = 10'000;

struct MessageStyle {
  std::string id, model;
  int64_t prompt_tokens = 0;
  bool forced_call = false, takes_calls = false;
  std::vector<std::string> stops;  // that the request asked for
};

// Tokens from the cache are not among the input tokens.
Json usage_of(const TokenCounts& billed) {
  return {{"input_tokens", billed.prompt - billed.cached},
          {"cache_creation_input_tokens", 0},
          {"cache_read_input_tokens", billed.cached},
          {"output_tokens", billed.completion}};
}

class MessageWriter final : public AnswerFormat {
 public:
  explicit MessageWriter(MessageStyle style) : style_(std::move(style)), reader_(style_.forced_call) {}

  std::string whole(const std::vector<ChoiceResult>& choices, const TokenCounts& billed) override {
    std::string events;  // which nobody hears
    text(events, 0, {choices[0].text, {}});
    finish(events, 0, choices[0]);
    Json out = message(billed);
    out.update(ending(choices[0]));
    return to_line(out);
  }

  void begin(std::string& out) override {
    add_named_event(out, "message_start", {{"message", message({.prompt = style_.prompt_tokens})}});
  }

  void text(std::string& out, size_t, const TextEvent& event) override {
    add_text(out, style_.takes_calls ? reader_.add(event.text) : event.text);
  }

  void finish(std::string& out, size_t, const ChoiceResult&) override {
    add_text(out, reader_.finish());
    if (!content_.empty()) add_named_event(out, "content_block_stop", {{"index", 0}});
    for (const ToolCall& call : reader_.calls()) add_call(out, call);
  }

  void end(std::string& out, const std::vector<ChoiceResult>& choices, const TokenCounts& billed) override {
    add_named_event(out, "message_delta", {{"delta", ending(choices[0])}, {"usage", usage_of(billed)}});
    add_named_event(out, "message_stop", Json::object());
  }

  void error(std::string& out, const ApiError& error) override {
    out += "event: error\ndata: " + error_json(error, Dialect::anthropic) + "\n\n";
  }

 private:
  // White space alone is no block: models write it between calls.
  void add_text(std::string& out, const std::string& text) {
    held_ += text;
    if (content_.empty()) {
      if (held_.find_first_not_of(" \t\r\n") == std::string::npos) return;
      content_.push_back({{"type", "text"}, {"text", ""}, {"citations", nullptr}});
      add_named_event(out, "content_block_start", {{"index", 0}, {"content_block", content_[0]}});
    }
    const std::string shown = std::exchange(held_, {});
    if (shown.empty()) return;
    content_[0]["text"].get_ref<std::string&>() += shown;
    add_named_event(out, "content_block_delta", {{"index", 0}, {"delta", {{"type", "text_delta"}, {"text", shown}}}});
  }

  void add_call(std::string& out, const ToolCall& call) {
    const size_t index = content_.size();
    Json block = {{"type", "tool_use"},
                  {"id", fmt::format("toolu_{}_{}", style_.id.substr(4), index)},
                  {"name", call.name},
                  {"input", Json::object()}};
    add_named_event(out, "content_block_start", {{"index", index}, {"content_block", block}});
    add_named_event(out, "content_block_delta",
                    {{"index", index}, {"delta", {{"type", "input_json_delta"}, {"partial_json", call.arguments}}}});
    add_named_event(out, "content_block_stop", {{"index", index}});
    block["input"] = parse_json(call.arguments, "a tool call");
    content_.push_back(std::move(block));
  }

  Json message(const TokenCounts& billed) const {
    return {{"id", style_.id},     {"type", "message"},      {"role", "assistant"},      {"model", style_.model},
            {"content", content_}, {"stop_reason", nullptr}, {"stop_sequence", nullptr}, {"usage", usage_of(billed)}};
  }

  // Why the answer ends.
  Json ending(const ChoiceResult& result) const {
    const bool named = result.reason == FinishReason::stop_string && std::ranges::count(style_.stops, result.stop) > 0;
    const bool calls = !reader_.calls().empty();
    const char* reason = calls                                  ? "tool_use"
                         : named                                ? "stop_sequence"
                         : finish_word(result.reason) == "stop" ? "end_turn"
                                                                : "max_tokens";
    return {{"stop_reason", reason}, {"stop_sequence", named && !calls ? Json(result.stop) : Json(nullptr)}};
  }

  const MessageStyle style_;
  ToolCallReader reader_;
  Json content_ = Json::array();  // the text, if there is any, then the calls
  std::string held_;              // white space so far
};

// Messages of one role after another are one.
void add_message(std::vector<ChatMessage>& out, const std::string& role, const std::string& content) {
  if (content.empty()) return;
  if (out.empty() || out.back().role != role) {
    out.push_back({role, content});
  } else {
    out.back().content += "\n" + content;
  }
}

std::string read_result(const Fields& block) {
  block.required_text("tool_use_id");
  const Json* content = block.find("content");
  const std::string text = content ? read_content(*content, block.path("content")) : "";
  return block.boolean("is_error").value_or(false) ? "Error: " + text : text;
}

void read_blocks(const Fields& message, const std::string& role, std::vector<ChatMessage>& out) {
  const Json* list = message.list("content", kMostBlocks);
  std::string text;
  for (size_t i = 0; i < list->size(); ++i) {
    const Fields block((*list)[i], fmt::format("{}[{}]", message.path("content"), i));
    const std::string type = block.required_text("type");
    if (type == "text") {
      text += block.required_text("text");
    } else if (type == "tool_use" && role == "assistant") {
      const Json* input = block.object("input");
      if (!input) block.missing("input");
      text += call_as_text(block.required_text("name"), to_line(*input));
    } else if (type == "tool_result" && role == "user") {
      add_message(out, role, std::exchange(text, {}));
      out.push_back({"tool", read_result(block)});
    } else if (type != "thinking" && type != "redacted_thinking") {  // those are what another model thought
      throw not_supported(block.path("type"), fmt::format("a block of type '{}' here", type.substr(0, 40)));
    }
  }
  add_message(out, role, text);
}

std::vector<ChatMessage> read_conversation(const Fields& fields) {
  std::vector<ChatMessage> out;
  if (const Json* system = fields.find("system")) add_message(out, "system", read_content(*system, "system"));
  const Json* list = fields.list("messages", kMostMessages);
  if (!list) fields.missing("messages");
  for (size_t i = 0; i < list->size(); ++i) {
    const Fields message((*list)[i], fmt::format("messages[{}]", i));
    const std::string role = message.required_text("role");
    message.word("role", {"user", "assistant", "system"});
    const Json* content = message.find("content");
    if (!content) message.missing("content");
    if (content->is_array()) {
      read_blocks(message, role, out);
    } else {
      add_message(out, role, read_content(*content, message.path("content")));
    }
  }
  if (std::ranges::none_of(out, [](const ChatMessage& m) { return m.role == "user" || m.role == "tool"; }))
    throw bad_field("messages", "holds no text of the user");
  return out;
}

// The tools of this API as templates want them, those of chat/completions.
Json as_chat_request(const Fields& fields) {
  Json out = Json::object();
  const Json* tools = fields.list("tools", kMostTools);
  if (tools) out["tools"] = Json::array();
  for (size_t i = 0; tools && i < tools->size(); ++i) {
    const Fields tool((*tools)[i], fmt::format("tools[{}]", i));
    if (tool.text("type").value_or("custom") != "custom")
      throw not_supported(tool.path("type"), "a tool of the server itself");
    const Json* schema = tool.object("input_schema");
    if (!schema) tool.missing("input_schema");
    Json function = {{"name", tool.required_text("name")}};
    if (const auto description = tool.text("description")) function["description"] = *description;
    function["parameters"] = *schema;
    out["tools"].push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  if (const Json* choice = fields.object("tool_choice")) {
    const Fields of(*choice, "tool_choice");
    const auto type = of.word("type", {"auto", "any", "none", "tool"});
    if (!type) of.missing("type");
    constexpr const char* kWords[] = {"auto", "required", "none"};
    if (*type < std::size(kWords)) {
      out["tool_choice"] = kWords[*type];
    } else {
      out["tool_choice"] = {{"type", "function"}, {"function", {{"name", of.required_text("name")}}}};
    }
  }
  return out;
}

AnswerForm read_output_form(const Fields& fields) {
  const Json* config = fields.object("output_config");
  const Json* format = config ? Fields(*config, "output_config").object("format") : nullptr;
  if (!format) return {};
  const Fields of(*format, "output_config.format");
  return read_format_object(of, of);
}

// A last message of the assistant is the beginning of the answer.
std::vector<int32_t> prompt_of(const OpenModel& model, std::vector<ChatMessage> messages, const ToolUse& tools) {
  std::string begun;
  if (messages.back().role == "assistant") {
    begun = std::move(messages.back().content);
    messages.pop_back();
  }
  std::vector<int32_t> prompt = model.chat_prompt(messages, tools.tools);
  const std::vector<int32_t> tokens = model.tokenizer().encode(begun);
  prompt.insert(prompt.end(), tokens.begin(), tokens.end());
  return prompt;
}

}  // namespace

std::unique_ptr<Job> messages(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  const std::vector<ChatMessage> conversation = read_conversation(fields);
  const Json chat = as_chat_request(fields);
  const ToolUse tools = read_tools(Fields(chat));
  const AnswerForm form = form_of_answer(tools, read_output_form(fields));
  const auto most = fields.integer("max_tokens", 1, INT32_MAX);
  if (!most) fields.missing("max_tokens");

  GenerationPlan plan;
  plan.streamed = fields.boolean("stream").value_or(false);
  plan.model = open_model(call, model_name(call, fields));
  OpenModel& model = *plan.model;
  Request request;
  request.sampling = read_sampling(fields, model.tokenizer().vocab_size());
  request.prompt = prompt_of(model, conversation, tools);
  request.max_tokens = answer_room(model.card(), request.prompt.size(), most, "messages");
  request.stops = read_stops(fields, "stop_sequences");
  plan.prompt_tokens = static_cast<int64_t>(request.prompt.size());
  plan.format = std::make_unique<MessageWriter>(MessageStyle{.id = "msg_" + call.id,
                                                             .model = model.card().name,
                                                             .prompt_tokens = plan.prompt_tokens,
                                                             .forced_call = tools.forced,
                                                             .takes_calls = !tools.tools.empty(),
                                                             .stops = request.stops});
  for (std::string& stop : model.chat_stops()) request.stops.push_back(std::move(stop));
  plan.choices = make_choices(model, std::move(request), 1, form);
  return run_generation(std::move(call), std::move(plan));
}

std::unique_ptr<Job> count_message_tokens(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  const std::vector<ChatMessage> conversation = read_conversation(fields);
  const Json chat = as_chat_request(fields);
  const ToolUse tools = read_tools(Fields(chat));
  const auto model = open_model(call, model_name(call, fields));
  return ready(json_response(to_line({{"input_tokens", prompt_of(*model, conversation, tools).size()}})));
}

}  // namespace bantam
