// What the APIs have in common when requests are read: messages, sampling, stop strings, tools, the form of the answer.
// Include it from .cpp files only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/fields.h"
#include "server/generation.h"

namespace bantam {

inline constexpr size_t kMostMessages = 10'000, kMostTools = 128;
inline constexpr int64_t kMostChoices = 16;

// The deployment of Azure's paths, else the field "model".
std::string model_name(const Call& call, const Fields& fields);

// A string, or a list of parts of type "text" (or `part_types`) put together. Throws ApiError for images and sound.
std::string read_content(const Json& content, const std::string& where);

// The names of OpenAI's API. Neutral fields that are absent keep SamplerParams' defaults. `vocab` bounds logit_bias.
SamplerParams read_sampling(const Fields& fields, int vocab);

// A string or a list of at most 16.
std::vector<std::string> read_stops(const Fields& fields, std::string_view name = "stop");

// The messages of chat/completions. What an assistant called and what the tools said is put into words (tool_calls.h).
std::vector<ChatMessage> read_messages(const Fields& fields);

struct ToolUse {
  std::string tools;    // a JSON list for the model's template; empty: none
  bool forced = false;  // the answer must be a call
  AnswerForm form;      // Kind::tool_call where forced, Kind::text_with_calls where the model may call
};
// "tools" and "tool_choice" as chat/completions has them.
ToolUse read_tools(const Fields& fields);

// "response_format" as chat/completions has it, and what other servers have beside it: vLLM's structured_outputs and
// guided_regex, guided_grammar, guided_json, guided_choice; llama.cpp's grammar and json_schema.
AnswerForm read_form(const Fields& fields);
// {"type": "text" | "json_object" | "json_schema", ...}; `schema` holds "schema".
AnswerForm read_format_object(const Fields& format, const Fields& schema);

// What an answer is held to: a call that is forced, else the form that was asked for, else the calls in free text.
AnswerForm form_of_answer(const ToolUse& tools, AnswerForm asked);

// Bounds of the answer: `wanted`, or all the room that the prompt leaves. Throws ApiError with both numbers when it
// leaves none.
int answer_room(const ModelCard& card, size_t prompt_tokens, std::optional<int64_t> wanted, std::string_view field);

// `n` requests that differ in their seeds; the last with the prompt itself, the others with copies.
std::vector<Request> make_choices(OpenModel& model, Request request, int64_t n, const AnswerForm& form);

// {"prompt_tokens": ..., "completion_tokens": ..., "total_tokens": ..., details}
Json usage_json(const TokenCounts& billed);

// "stop" or "length".
std::string_view finish_word(FinishReason reason);

// "data: {...}\n\n"
void add_event(std::string& out, const Json& data);
// The same after a line with its name, which is the field "type" too.
void add_named_event(std::string& out, std::string_view type, const Json& fields);
// The end of a stream of chunks: one without choices for the usage, unless that is null, and the mark of the end.
void add_stream_end(std::string& out, Json chunk, const Json& usage);
// An error instead of the rest of a stream of chunks.
void add_stream_error(std::string& out, const ApiError& error, bool azure);

}  // namespace bantam
