// chat/completions with the field "documents": {} or {"index": NAME} (or {"dir": NAME}). The last message of the user
// is answered from the collection of that name with the bytes that say it, or the answer is that the documents do not
// say. Where the request names a model that can write, it writes the answer and each sentence is held against its
// passage.
//
// A client names a collection that the operator has opened, never a path: it could read every file of the machine.
#include <algorithm>
#include <filesystem>

#include "engine/writer.h"
#include "retrieval/answer_json.h"
#include "retrieval/follow_up.h"
#include "retrieval/hangul.h"
#include "retrieval/written_answer.h"
#include "server/grounded.h"
#include "server/handlers.h"
#include "server/wire.h"
#include "text/unicode.h"

namespace bantam {
namespace {

constexpr std::string_view kNotSaid = "The documents do not say.", kNotSaidKorean = "문서에 답이 없습니다.";

struct GroundedPlan {
  std::string model;  // the name in the answer
  std::string collection, question;
  bool streamed = false;
  std::unique_ptr<OpenModel> writer;  // null: the answer is quoted
};

class GroundedJob final : public Job {
 public:
  GroundedJob(Call call, GroundedPlan plan, std::unique_ptr<Admission> admission)
      : call_(std::move(call)), plan_(std::move(plan)), admission_(std::move(admission)) {
    asked_ = call_.parts.documents->ask(plan_.collection, plan_.question, options_.passages, call_.wake);
  }

  // The client is gone: what was written until now is on the bill, as incomplete.
  ~GroundedJob() override {
    running_.reset();
    try {
      settle(false);
    } catch (const std::exception&) {  // the disk is full: nobody is left to hear it
    }
  }

  std::optional<HttpResponse> response() override {
    go_on();
    if (plan_.streamed && (findings_ || answer_)) {
      return HttpResponse{.headers = {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}},
                          .streamed = true};
    }
    if (!answer_) return std::nullopt;
    return json_response(to_line(whole()));
  }

  Body next(std::string& out) override {
    try {
      go_on();
    } catch (const std::exception& error) {
      out += "data: " + error_json(as_api_error(error), call_.dialect) + "\n\n";
      return Body::end;
    }
    out += std::exchange(pending_, {});
    if (!answer_) return Body::wait;
    Json last = chunk(Json::object(), "stop");
    add_grounding(last);
    add_event(out, last);
    out += "data: [DONE]\n\n";
    return Body::end;
  }

 private:
  // As far as there is something to go on with. Throws what search and engine do.
  void go_on() {
    if (!findings_) {
      if (auto found = asked_->take()) {
        findings_ = std::move(*found);
        begin();
      }
    }
    while (running_) {
      const auto event = running_->try_next();
      if (!event) return;
      std::visit([this](const auto& e) { take(e); }, *event);
    }
  }

  void begin() {
    if (plan_.streamed) add_event(pending_, chunk({{"role", "assistant"}, {"content", ""}}, nullptr));
    written_.emplace(*findings_, options_);
    if (!plan_.writer || written_->sources().empty()) return end(answer_from(*findings_, options_));
    begun_ = std::chrono::steady_clock::now();
    const int context = plan_.writer->card().context, most = std::min(kMostWrittenTokens, context / 3);
    Request request;
    for (sources_read_ = std::min(written_->sources().size(), kMostSources);; --sources_read_) {
      if (sources_read_ == 0) throw PromptTooLongError(request.prompt.size(), context - most);
      request.prompt =
          plan_.writer->chat_prompt(writing_messages(plan_.question, written_->sources().first(sources_read_)), "");
      if (static_cast<int>(request.prompt.size()) + most <= context) break;
    }
    request.max_tokens = most;
    request.sampling.temperature = 0;
    request.stops = plan_.writer->chat_stops();
    request.constraint = plan_.writer->cited_text(static_cast<int>(sources_read_));
    request.tenant = call_.key.id;
    request.on_event = call_.wake;
    usage_.prompt_tokens = static_cast<int>(request.prompt.size());
    running_ = plan_.writer->submit(std::move(request));
  }

  void take(const TextEvent& event) {
    usage_.completion_tokens += static_cast<int>(event.tokens.size());
    say(text_.add(event.text));
  }

  void take(const FinishEvent& event) {
    running_.reset();
    if (event.reason == FinishReason::cancelled)
      throw ApiError(503, "cancelled", "", "the request was cancelled because the server is shutting down");
    usage_ = event.usage;
    say(text_.finish());
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun_;
    end(written_->finish({{}, sources_read_, text_.not_found()}, took.count()));
  }

  void take(const ErrorEvent& event) {
    running_.reset();
    throw ApiError(500, "generation_failed", "", event.message);
  }

  // Holds sentences against what they cite; those that it says are sent at once.
  void say(const std::vector<CitedSentence>& sentences) {
    for (const CitedSentence& sentence : sentences) {
      const size_t before = written_->so_far().text.size();
      written_->add(sentence);
      said_ = said_ || written_->so_far().text.size() > before;
      if (plan_.streamed && written_->so_far().text.size() > before)
        add_event(pending_, chunk({{"content", written_->so_far().text.substr(before)}}, nullptr));
    }
  }

  void settle(bool complete) {
    if (!std::exchange(settled_, true)) admission_->settle(billed(), complete);
  }

  void end(Answer answer) {
    settle(true);
    call_.parts.metrics.add_tokens(plan_.model, billed());
    answer_ = std::move(answer);
    if (plan_.streamed && !said_) add_event(pending_, chunk({{"content", text()}}, nullptr));
  }

  TokenCounts billed() const { return {usage_.prompt_tokens, usage_.cached_tokens, usage_.completion_tokens}; }

  std::string text() const {
    if (answer_->abstained) return std::string(contains_hangul(plan_.question) ? kNotSaidKorean : kNotSaid);
    return said_ ? answer_->text : std::string(shown_text(*answer_));
  }

  Json head(const char* object) const {
    return {{"id", "chatcmpl-" + call_.id}, {"object", object}, {"created", unix_seconds()}, {"model", plan_.model}};
  }

  Json chunk(Json delta, Json reason) const {
    Json event = head("chat.completion.chunk");
    event["choices"] = Json::array({{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(reason)}}});
    return event;
  }

  // With what the page opens documents by; names instead of the server's paths.
  Json places() const {
    Json out = citations_json(*answer_);
    for (size_t i = 0; i < out.size(); ++i) {
      const std::string& path = answer_->citations[i].file;
      out[i]["file"] = std::filesystem::path(path).filename().string();
      out[i]["document"] = document_id(plan_.collection, path);
    }
    return out;
  }

  void add_grounding(Json& out) const {
    Json rejected = Json::array();
    for (const Statement& s : answer_->statements) {
      if (!s.supported) rejected.push_back(s.text);
    }
    out["documents"] = {{"index", plan_.collection},
                        {"question", plan_.question},
                        {"abstained", answer_->abstained},
                        {"confidence", answer_->confidence},
                        {"written", said_},
                        {"citations", answer_->abstained ? Json::array() : places()},
                        {"nearest", answer_->abstained ? places() : Json::array()},
                        {"rejected", std::move(rejected)}};
    out["usage"] = usage_json(billed());
  }

  Json whole() const {
    Json out = head("chat.completion");
    out["choices"] = Json::array({{{"index", 0},
                                   {"message", {{"role", "assistant"}, {"content", text()}, {"refusal", nullptr}}},
                                   {"logprobs", nullptr},
                                   {"finish_reason", "stop"}}});
    add_grounding(out);
    return out;
  }

  Call call_;
  GroundedPlan plan_;
  const AnswerOptions options_;
  std::unique_ptr<Admission> admission_;
  std::shared_ptr<GroundedQuestion> asked_;
  std::optional<Findings> findings_;
  std::optional<WrittenAnswer> written_;  // looks at findings_
  WrittenSentences text_;
  size_t sources_read_ = 0;
  SteadyTime begun_;
  Usage usage_;
  bool said_ = false;  // a sentence of the writer is in the answer
  bool settled_ = false;
  std::optional<Answer> answer_;
  std::string pending_;               // of the stream
  std::unique_ptr<Running> running_;  // last: it ends before what it tells
};

std::string collection_of(const Fields& fields, GroundedAnswers& answers) {
  const Fields documents(*fields.object("documents"), "documents");
  const char* field = documents.has("dir") ? "dir" : "index";
  const std::string name = documents.text(field).value_or("");
  if (name.empty()) return answers.usual_collection();
  if (answers.has(name)) return name;
  throw ApiError(404, "collection_not_found", documents.path(field),
                 fmt::format("{}: there is no collection '{}'; there are: {}", documents.path(field),
                             name.substr(0, 100), answers.names()));
}

// The last message, with what its pronouns stand for in the conversation.
std::string question_of(const std::vector<ChatMessage>& messages) {
  if (messages.back().role != "user")
    throw bad_field("messages", "ends with the role '{}', expected user", messages.back().role);
  Dialogue dialogue;
  for (size_t i = 0; i + 1 < messages.size(); ++i) {
    if (messages[i].role != "user" || messages[i + 1].role != "assistant") continue;
    Answer said;
    said.text = messages[i + 1].content;
    said.abstained = said.text == kNotSaid || said.text == kNotSaidKorean;
    dialogue.remember(dialogue.resolve(to_nfc(messages[i].content)), said);
  }
  const std::string question = to_nfc(messages.back().content);
  if (question.find_first_not_of(" \t\r\n") == std::string::npos)
    throw bad_field("messages", "ends with an empty question");
  return dialogue.resolve(question);
}

// The model that is to write, where it is one that can.
std::unique_ptr<OpenModel> writer_of(Call& call, const std::string& name) {
  const std::vector<ModelCard> cards = call.parts.backend.models();
  const auto found = std::ranges::find(cards, name, &ModelCard::name);
  return found == cards.end() || found->embedded ? nullptr : open_model(call, name);
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
  GroundedPlan plan;
  plan.collection = collection_of(fields, *call.parts.documents);
  plan.question = question_of(read_messages(fields));
  plan.model = fields.text("model").value_or("bantam-reader");
  plan.streamed = fields.boolean("stream").value_or(false);
  plan.writer = writer_of(call, plan.model);
  TokenCounts most;
  if (plan.writer) most = {std::max(0, plan.writer->card().context - kMostWrittenTokens), 0, kMostWrittenTokens};
  auto admission = call.parts.tenants.admit(call.key, {plan.model, call.route, most});
  return std::make_unique<GroundedJob>(std::move(call), std::move(plan), std::move(admission));
}

}  // namespace bantam
