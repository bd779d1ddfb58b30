// chat/completions with the field "documents": {"index": NAME} or {"dir": NAME}. The last message of the user is
// answered from the collection of that name with the bytes that say it, or the answer is that the documents do not say.
//
// A client names a collection that the operator has opened, never a path: it could read every file of the machine.
#include "retrieval/answer_json.h"
#include "server/grounded.h"
#include "server/handlers.h"
#include "server/wire.h"
#include "text/unicode.h"

namespace bantam {
namespace {

constexpr std::string_view kNotFound = "The documents do not say.";

class GroundedJob final : public Job {
 public:
  GroundedJob(Call call, std::string model, bool streamed, std::shared_ptr<GroundedQuestion> question,
              std::unique_ptr<Admission> admission)
      : call_(std::move(call)),
        model_(std::move(model)),
        streamed_(streamed),
        question_(std::move(question)),
        admission_(std::move(admission)) {}

  std::optional<HttpResponse> response() override {
    const auto found = question_->take();
    if (!found) return std::nullopt;
    admission_->settle({}, true);  // the reader generates nothing: a request without tokens
    return streamed_ ? stream(*found) : json_response(to_line(whole(*found)));
  }

 private:
  Json head(const char* object) const {
    return {{"id", "chatcmpl-" + call_.id}, {"object", object}, {"created", unix_seconds()}, {"model", model_}};
  }

  static std::string text_of(const Answer& answer) { return answer.abstained ? std::string(kNotFound) : answer.text; }

  void add_grounding(Json& out, const Answer& answer) const {
    out["documents"] = {
        {"abstained", answer.abstained}, {"confidence", answer.confidence}, {"citations", citations_json(answer)}};
    out["usage"] = usage_json({});
  }

  Json whole(const Answer& answer) const {
    Json out = head("chat.completion");
    out["choices"] =
        Json::array({{{"index", 0},
                      {"message", {{"role", "assistant"}, {"content", text_of(answer)}, {"refusal", nullptr}}},
                      {"logprobs", nullptr},
                      {"finish_reason", "stop"}}});
    add_grounding(out, answer);
    return out;
  }

  HttpResponse stream(const Answer& answer) const {
    HttpResponse out{.headers = {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}}};
    const auto chunk = [&](Json delta, Json reason) {
      Json event = head("chat.completion.chunk");
      event["choices"] =
          Json::array({{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(reason)}}});
      return event;
    };
    add_event(out.body, chunk({{"role", "assistant"}, {"content", text_of(answer)}}, nullptr));
    Json last = chunk(Json::object(), "stop");
    add_grounding(last, answer);
    add_event(out.body, last);
    out.body += "data: [DONE]\n\n";
    return out;
  }

  Call call_;
  std::string model_;
  bool streamed_;
  std::shared_ptr<GroundedQuestion> question_;
  std::unique_ptr<Admission> admission_;
};

std::string collection_of(const Fields& fields, GroundedAnswers& answers) {
  const Fields documents(*fields.object("documents"), "documents");
  const char* field = documents.has("dir") ? "dir" : "index";
  const std::string name = documents.required_text(field);
  if (answers.has(name)) return name;
  throw ApiError(404, "collection_not_found", documents.path(field),
                 fmt::format("{}: there is no collection '{}'; there are: {}", documents.path(field),
                             name.substr(0, 100), answers.names()));
}

}  // namespace

std::unique_ptr<Job> grounded_chat(Call call) {
  const Json body = parse_body(call.request);
  const Fields fields(body);
  if (!call.key.scopes.allow("documents"))
    throw ApiError(403, "insufficient_permissions", "documents",
                   "the key may not do this: it needs the scope 'documents'");
  if (!fields.object("documents") || !call.parts.documents)
    throw not_supported("documents", "answering from documents, of which this server has none,");
  GroundedAnswers& answers = *call.parts.documents;
  const std::string collection = collection_of(fields, answers);
  const std::vector<ChatMessage> messages = read_messages(fields);
  if (messages.back().role != "user")
    throw bad_field("messages", "ends with the role '{}', expected user", messages.back().role);
  std::string question = to_nfc(messages.back().content);
  if (question.find_first_not_of(" \t\r\n") == std::string::npos)
    throw bad_field("messages", "ends with an empty question");
  const std::string model = fields.text("model").value_or("bantam-reader");
  const bool streamed = fields.boolean("stream").value_or(false);
  auto admission = call.parts.tenants.admit(call.key, {model, call.route, {}});
  auto asked = answers.ask(collection, std::move(question), {}, call.wake);
  return std::make_unique<GroundedJob>(std::move(call), model, streamed, std::move(asked), std::move(admission));
}

}  // namespace bantam
