#include "server/wire.h"

#include <sys/random.h>

#include <algorithm>
#include <charconv>

#include "server/tool_calls.h"

namespace bantam {
namespace {

constexpr size_t kMostStops = 16, kMostBiases = 2048;
constexpr size_t kLongestToolName = 64;
constexpr int64_t kMostSeed = INT64_MAX;
constexpr size_t kMostFormChoices = 1000;

uint64_t random_seed() {
  uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) throw IoError("the system gives no random numbers");
  return seed;
}

std::vector<std::pair<int32_t, float>> read_biases(const Fields& fields, int vocab) {
  std::vector<std::pair<int32_t, float>> out;
  const Json* biases = fields.object("logit_bias");
  if (!biases) return out;
  if (biases->size() > kMostBiases)
    throw bad_field("logit_bias", "has {} tokens, expected at most {}", biases->size(), kMostBiases);
  const Fields of(*biases, "logit_bias");
  for (const auto& [name, value] : biases->items()) {
    int32_t token = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), token);
    if (error != std::errc() || end != name.data() + name.size() || token < 0 || token >= vocab) {
      throw bad_field("logit_bias", "has the name '{}', expected the number of a token below {}", name.substr(0, 40),
                      vocab);
    }
    if (const auto bias = of.number(name, -100, 100)) out.emplace_back(token, static_cast<float>(*bias));
  }
  return out;
}

bool is_tool_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestToolName && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c == '-' || c == '.';
  });
}

std::string read_role(const Fields& message) {
  const std::string role = message.required_text("role");
  if (role == "developer") return "system";
  for (const std::string_view known : {"system", "user", "assistant", "tool"}) {
    if (role == known) return role;
  }
  throw bad_field(message.path("role"), "is '{}', expected one of: system, developer, user, assistant, tool",
                  role.substr(0, 40));
}

std::string read_calls(const Fields& message) {
  std::string out;
  const Json* calls = message.list("tool_calls", kMostTools);
  for (size_t i = 0; calls && i < calls->size(); ++i) {
    const std::string where = fmt::format("{}[{}]", message.path("tool_calls"), i);
    const Fields call((*calls)[i], where);
    const Json* function = call.object("function");
    if (!function) call.missing("function");
    const Fields of(*function, where + ".function");
    const Json* arguments = of.find("arguments");
    const std::string text = !arguments               ? "{}"
                             : arguments->is_string() ? arguments->get<std::string>()
                                                      : to_line(*arguments);
    out += call_as_text(of.required_text("name"), text);
  }
  return out;
}

ChatMessage read_message(const Json& json, const std::string& where) {
  const Fields message(json, where);
  ChatMessage out{read_role(message), {}};
  const std::string calls = out.role == "assistant" ? read_calls(message) : std::string();
  const Json* content = message.find("content");
  if (!content && calls.empty()) message.missing("content");
  if (content) out.content = read_content(*content, message.path("content"));
  out.content += calls;
  return out;
}

std::string named_tool(const Fields& choice, const Json& tools) {
  const Json* function = choice.object("function");
  if (!function) choice.missing("function");
  const std::string name = Fields(*function, "tool_choice.function").required_text("name");
  for (const Json& tool : tools) {
    if (tool["function"]["name"] == name) return to_line(Json::array({tool}));
  }
  throw bad_field("tool_choice", "names '{}', which is none of the tools", name.substr(0, 80));
}

}  // namespace

std::string model_name(const Call& call, const Fields& fields) {
  if (const auto deployment = call.params.find("deployment"); deployment != call.params.end())
    return deployment->second;
  return fields.required_text("model");
}

std::string read_content(const Json& content, const std::string& where) {
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array())
    throw ApiError(400, "invalid_type", where,
                   fmt::format("{}: is {}, expected a string or a list of parts", where, describe(content)));
  std::string out;
  for (size_t i = 0; i < content.size(); ++i) {
    const Fields part(content[i], fmt::format("{}[{}]", where, i));
    const std::string type = part.required_text("type");
    if (type == "text" || type == "input_text" || type == "output_text") {
      out += part.required_text("text");
    } else if (type == "refusal") {
      out += part.required_text("refusal");
    } else {
      throw not_supported(part.path("type"), fmt::format("content of type '{}'", type.substr(0, 40)));
    }
  }
  return out;
}

SamplerParams read_sampling(const Fields& fields, int vocab) {
  SamplerParams p;
  p.temperature = fields.number("temperature", 0, 2).value_or(p.temperature);
  p.top_p = fields.number("top_p", 0, 1).value_or(p.top_p);
  if (p.top_p == 0) p.top_p = 1e-9;  // the likeliest token
  p.top_k = static_cast<int>(fields.integer("top_k", 0, vocab).value_or(p.top_k));
  p.min_p = fields.number("min_p", 0, 1).value_or(p.min_p);
  p.presence_penalty = fields.number("presence_penalty", -2, 2).value_or(0);
  p.frequency_penalty = fields.number("frequency_penalty", -2, 2).value_or(0);
  p.repetition_penalty = fields.number("repetition_penalty", 0.01, 10).value_or(1);
  const auto seed = fields.integer("seed", INT64_MIN, kMostSeed);
  p.seed = seed ? static_cast<uint64_t>(*seed) : random_seed();
  p.logit_bias = read_biases(fields, vocab);
  return p;
}

std::vector<std::string> read_stops(const Fields& fields, std::string_view name) {
  const Json* stop = fields.find(name);
  if (!stop) return {};
  if (!stop->is_string() && !stop->is_array()) fields.wrong(name, "a string or a list of strings");
  std::vector<std::string> out;
  if (stop->is_string()) out.push_back(stop->get<std::string>());
  const Json* list = stop->is_array() ? fields.list(name, kMostStops) : nullptr;
  for (size_t i = 0; list && i < list->size(); ++i) {
    if (!(*list)[i].is_string())
      throw bad_field(fmt::format("{}[{}]", name, i), "is {}, expected a string", describe((*list)[i]));
    out.push_back((*list)[i].get<std::string>());
  }
  for (const std::string& text : out) {
    if (text.empty()) throw bad_field(name, "holds an empty string");
  }
  return out;
}

std::vector<ChatMessage> read_messages(const Fields& fields) {
  const Json* list = fields.list("messages", kMostMessages);
  if (!list) fields.missing("messages");
  if (list->empty()) throw bad_field("messages", "is empty, expected at least one message");
  std::vector<ChatMessage> out;
  for (size_t i = 0; i < list->size(); ++i) out.push_back(read_message((*list)[i], fmt::format("messages[{}]", i)));
  return out;
}

ToolUse read_tools(const Fields& fields) {
  ToolUse out;
  const Json* tools = fields.list("tools", kMostTools);
  const Json* choice = fields.find("tool_choice");
  if (!tools || tools->empty()) {
    if (choice && *choice != "none" && *choice != "auto")
      throw bad_field("tool_choice", "asks for a call, but there are no tools");
    return out;
  }
  for (size_t i = 0; i < tools->size(); ++i) {
    const std::string where = fmt::format("tools[{}]", i);
    const Fields tool((*tools)[i], where);
    if (tool.required_text("type") != "function") throw not_supported(tool.path("type"), "a tool that is no function");
    const Json* function = tool.object("function");
    if (!function) tool.missing("function");
    const Fields of(*function, where + ".function");
    if (!is_tool_name(of.required_text("name"))) {
      throw bad_field(of.path("name"), "is no name of 1 to {} letters, digits and _-.", kLongestToolName);
    }
    of.text("description");
    of.object("parameters");
  }
  out.tools = to_line(*tools);
  out.form = {AnswerForm::Kind::text_with_calls, out.tools};
  if (!choice || *choice == "auto") return out;
  if (*choice == "none") return {};
  out.forced = true;
  if (*choice == "required") {
    out.form = {AnswerForm::Kind::tool_call, out.tools};
  } else if (choice->is_object()) {
    const Fields of(*choice, "tool_choice");
    if (of.required_text("type") != "function")
      throw not_supported("tool_choice.type", "a choice other than 'function'");
    out.form = {AnswerForm::Kind::tool_call, named_tool(of, *tools)};
  } else {
    fields.wrong("tool_choice", "none, auto, required or an object");
  }
  return out;
}

namespace {

// What an extension calls the fields that hold a form.
struct FormNames {
  const char *regex = nullptr, *grammar = nullptr, *schema = nullptr, *choices = nullptr;
};

AnswerForm read_named_form(const Fields& fields, const FormNames& names) {
  using Kind = AnswerForm::Kind;
  for (const auto& [kind, name] : {std::pair{Kind::regex, names.regex}, std::pair{Kind::grammar, names.grammar}}) {
    if (!name) continue;
    if (auto text = fields.text(name)) return {kind, std::move(*text)};
  }
  if (const Json* schema = fields.find(names.schema))
    return {Kind::json_schema, schema->is_string() ? schema->get<std::string>() : to_line(*schema)};
  const Json* choices = names.choices ? fields.list(names.choices, kMostFormChoices) : nullptr;
  return choices ? AnswerForm{Kind::choice, to_line(*choices)} : AnswerForm{};
}

}  // namespace

AnswerForm read_format_object(const Fields& format, const Fields& schema) {
  const size_t type = format.word("type", {"text", "json_object", "json_schema"}).value_or(0);
  if (type == 0) return {};
  if (type == 1) return {AnswerForm::Kind::json, {}};
  const Json* definition = schema.object("schema");
  if (!definition) schema.missing("schema");
  return {AnswerForm::Kind::json_schema, to_line(*definition)};
}

AnswerForm read_form(const Fields& fields) {
  if (const Json* format = fields.object("response_format")) {
    const Fields of(*format, "response_format");
    if (!of.has("type")) of.missing("type");
    const Json* schema = of.object("json_schema");
    if (!schema && *of.find("type") == "json_schema") of.missing("json_schema");
    return read_format_object(of, schema ? Fields(*schema, "response_format.json_schema") : of);
  }
  AnswerForm form = read_named_form(
      fields,
      {.regex = "guided_regex", .grammar = "guided_grammar", .schema = "guided_json", .choices = "guided_choice"});
  if (form.kind != AnswerForm::Kind::free) return form;
  if (const Json* outputs = fields.object("structured_outputs")) {
    const Fields of(*outputs, "structured_outputs");
    form = read_named_form(of, {.regex = "regex", .grammar = "grammar", .schema = "json", .choices = "choice"});
    if (form.kind == AnswerForm::Kind::free)
      throw bad_field("structured_outputs", "has none of: regex, grammar, json, choice");
    return form;
  }
  return read_named_form(fields, {.grammar = "grammar", .schema = "json_schema"});
}

AnswerForm form_of_answer(const ToolUse& tools, AnswerForm asked) {
  return tools.forced || asked.kind == AnswerForm::Kind::free ? tools.form : std::move(asked);
}

int answer_room(const ModelCard& card, size_t prompt_tokens, std::optional<int64_t> wanted, std::string_view field) {
  if (prompt_tokens >= static_cast<size_t>(card.context)) {
    throw ApiError(400, "context_length_exceeded", std::string(field),
                   fmt::format("{}: the prompt has {} tokens, the context of {} holds {}; shorten it", field,
                               prompt_tokens, card.name, card.context));
  }
  const int64_t room = card.context - static_cast<int64_t>(prompt_tokens);
  return static_cast<int>(std::min(room, wanted.value_or(room)));
}

std::vector<Request> make_choices(OpenModel& model, Request request, int64_t n, const AnswerForm& form) {
  std::vector<Request> out;
  for (int64_t i = 0; i < n; ++i) {
    Request choice;
    choice.prompt = i + 1 < n ? request.prompt : std::move(request.prompt);
    choice.max_tokens = request.max_tokens;
    choice.sampling = request.sampling;
    choice.sampling.seed += static_cast<uint64_t>(i);
    choice.stops = request.stops;
    choice.logprobs = request.logprobs;
    if (form.kind != AnswerForm::Kind::free) choice.constraint = model.constraint(form, choice.prompt.back());
    out.push_back(std::move(choice));
  }
  return out;
}

Json usage_json(const TokenCounts& billed) {
  return {{"prompt_tokens", billed.prompt},
          {"completion_tokens", billed.completion},
          {"total_tokens", billed.prompt + billed.completion},
          {"prompt_tokens_details", {{"cached_tokens", billed.cached}, {"audio_tokens", 0}}},
          {"completion_tokens_details", {{"reasoning_tokens", 0}, {"audio_tokens", 0}}}};
}

std::string_view finish_word(FinishReason reason) {
  return reason == FinishReason::end_of_text || reason == FinishReason::stop_string ? "stop" : "length";
}

void add_event(std::string& out, const Json& data) {
  out += "data: ";
  out += to_line(data);
  out += "\n\n";
}

void add_named_event(std::string& out, std::string_view type, const Json& fields) {
  Json event = {{"type", type}};
  event.update(fields);
  out += fmt::format("event: {}\n", type);
  add_event(out, event);
}

void add_stream_end(std::string& out, Json chunk, const Json& usage) {
  if (!usage.is_null()) {
    chunk["choices"] = Json::array();
    chunk["usage"] = usage;
    add_event(out, chunk);
  }
  out += "data: [DONE]\n\n";
}

void add_stream_error(std::string& out, const ApiError& error, bool azure) {
  out += "data: " + error_json(error, azure ? Dialect::azure : Dialect::openai) + "\n\n";
}

}  // namespace bantam
