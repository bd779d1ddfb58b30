// chat/completions with documents over HTTP: quotes, sentences of a model, the statement that they do not say, streams.
#include "server/grounded.h"
#include "server/test_service.h"

namespace bantam {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kBackups =
    "Backups are made every night. The person responsible for backups is Kim. Tapes are in the cellar.";
const std::string kManual = "This program answers questions. The person responsible for nothing is Nobody.";

// Chooses "Kim" where a passage has it, with these odds.
ReadPassages reader(float log_odds) {
  return [=](std::string_view, std::span<const std::string_view> passages) {
    std::vector<std::vector<AnswerSpan>> all;
    for (const std::string_view p : passages) {
      all.emplace_back();
      if (const size_t at = p.find("Kim"); at != std::string_view::npos) all.back().push_back({at, at + 3, log_odds});
    }
    return all;
  };
}

Index index_of(const std::string& name, const std::string& text) {
  Index index = Index::in_memory();
  const GivenDocument document{
      name, {"Handbook", text, {}, {}}, {{.begin = 0, .end = text.size(), .heading = {}, .page = 0}}};
  index.add({&document, 1});
  return index;
}

class GroundedChatTest : public ServiceTest {
 protected:
  ~GroundedChatTest() override { server_.reset(); }

  void answer_with(float log_odds, bool library = true) {
    GroundedAnswers::Collections collections;
    const auto add = [&](std::string_view name, const std::string& file, const std::string& text) {
      collections.emplace(name, Collection{index_of(file, text), index_of(file, text)});
    };
    add(GroundedAnswers::kManual, "docs/manual.md", kManual);
    if (library) {
      add(GroundedAnswers::kLibrary, "/home/kim/files/handbook.md", kBackups);
    } else {
      collections.emplace(GroundedAnswers::kLibrary, Collection{Index::in_memory(), Index::in_memory()});
    }
    answers_.emplace(std::move(collections), reader(log_odds));
    documents_ = &*answers_;
  }

  static Json question(const std::string& text, Json documents = Json::object()) {
    return {{"model", "bantam-1"},
            {"messages", Json::array({{{"role", "user"}, {"content", text}}})},
            {"documents", std::move(documents)}};
  }

  // What the pieces of a stream say together.
  static std::string said(const std::vector<Json>& stream) {
    std::string out;
    for (const Json& event : stream) out += event["choices"][0]["delta"].value("content", "");
    return out;
  }

  std::optional<GroundedAnswers> answers_;
};

const std::string kWho = "Who is responsible for backups?";

TEST_F(GroundedChatTest, an_answer_quotes_its_document_and_says_how_to_open_it) {
  answer_with(5);
  const Json reply = good("/v1/chat/completions", question(kWho));
  EXPECT_EQ(reply["choices"][0]["message"]["content"], "Kim");
  const Json& documents = reply["documents"];
  EXPECT_EQ(documents["abstained"], false);
  EXPECT_EQ(documents["index"], "documents");
  EXPECT_EQ(documents["written"], false);
  ASSERT_EQ(documents["citations"].size(), 1u);
  const Json& citation = documents["citations"][0];
  EXPECT_EQ(citation["file"], "handbook.md") << "no path of the server";
  EXPECT_EQ(citation["title"], "Handbook");
  EXPECT_EQ(citation["quote"], "The person responsible for backups is Kim.");
  const size_t start = citation["start"], end = citation["end"];
  EXPECT_EQ(kBackups.substr(start, end - start), citation["quote"].get<std::string>());
  const Json opened = get(
      fmt::format("/bantam/documents/{}/text?start={}&end={}", citation["document"].get<std::string>(), start, end));
  EXPECT_EQ(opened["text"], kBackups);
  EXPECT_EQ(totals()[0].requests, 1);
}

TEST_F(GroundedChatTest, a_stream_says_the_same) {
  answer_with(5);
  const Json whole = good("/v1/chat/completions", question(kWho));
  const TestReply reply = post("/v1/chat/completions", with(question(kWho), "stream", true));
  EXPECT_EQ(reply.headers.at("Content-Type"), "text/event-stream");
  EXPECT_TRUE(reply.body.ends_with("data: [DONE]\n\n"));
  const std::vector<Json> stream = events(reply.body);
  EXPECT_EQ(said(stream), "Kim");
  EXPECT_EQ(stream.back()["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(stream.back()["documents"], whole["documents"]);
  EXPECT_EQ(stream.back()["usage"], whole["usage"]);
}

TEST_F(GroundedChatTest, what_the_documents_do_not_say_comes_with_the_nearest_passages) {
  answer_with(-5);
  Json reply = good("/v1/chat/completions", question(kWho));
  EXPECT_EQ(reply["choices"][0]["message"]["content"], "The documents do not say.");
  EXPECT_EQ(reply["documents"]["abstained"], true);
  EXPECT_EQ(reply["documents"]["citations"].size(), 0u);
  ASSERT_GE(reply["documents"]["nearest"].size(), 1u);
  EXPECT_TRUE(reply["documents"]["nearest"][0].contains("document"));
  reply = good("/v1/chat/completions", question("백업은 누가 하나요?"));
  EXPECT_EQ(reply["choices"][0]["message"]["content"], "문서에 답이 없습니다.");
}

TEST_F(GroundedChatTest, without_documents_of_its_own_the_manual_answers) {
  answer_with(5, false);
  const Json reply = good("/v1/chat/completions", question(kWho));
  EXPECT_EQ(reply["documents"]["index"], "manual");
  EXPECT_EQ(reply["documents"]["nearest"][0]["file"], "manual.md");
  EXPECT_EQ(good("/v1/chat/completions", question(kWho, {{"index", "documents"}}))["documents"]["nearest"].size(), 0u);
  const TestReply refused = post("/v1/chat/completions", question(kWho, {{"index", "none"}}));
  EXPECT_EQ(refused.status, 404);
  EXPECT_THAT(refused.body, HasSubstr("documents, manual"));
}

TEST_F(GroundedChatTest, a_follow_up_is_understood_from_the_turns_before) {
  answer_with(5);
  Json body = question("What does he do?");
  body["messages"] = Json::array({{{"role", "user"}, {"content", kWho}},
                                  {{"role", "assistant"}, {"content", "Kim"}},
                                  {{"role", "user"}, {"content", "What does he do?"}}});
  EXPECT_THAT(good("/v1/chat/completions", body)["documents"]["question"].get<std::string>(), HasSubstr("Kim"));
}

TEST_F(GroundedChatTest, a_model_that_can_write_is_held_to_what_the_documents_say) {
  answer_with(5);
  backend_.set_context(8000);
  backend_.set({.pieces = {"Kim is responsible for ", "backups [1]. ", "Kim has three horses [1]. ",
                           "Tapes are in the cellar [1]."}});
  const Json body = with(question(kWho), "model", "fake");
  const Json whole = good("/v1/chat/completions", body);
  const std::string text = "Kim is responsible for backups. [1] Tapes are in the cellar. [2]";
  EXPECT_EQ(whole["choices"][0]["message"]["content"], text);
  EXPECT_EQ(whole["documents"]["written"], true);
  EXPECT_EQ(whole["documents"]["rejected"], Json::array({"Kim has three horses."}));
  ASSERT_EQ(whole["documents"]["citations"].size(), 2u);
  EXPECT_EQ(whole["documents"]["citations"][1]["quote"], "Tapes are in the cellar.");
  EXPECT_GT(whole["usage"]["prompt_tokens"], 300);
  EXPECT_THAT(backend_.asked().prompt, AllOf(HasSubstr("[1] Handbook"), HasSubstr(kBackups), HasSubstr(kWho)));
  EXPECT_EQ(backend_.asked().sampling.temperature, 0);
  const std::vector<Json> stream = events(post("/v1/chat/completions", with(body, "stream", true)).body);
  EXPECT_EQ(said(stream), text);
  EXPECT_GE(stream.size(), 4u) << "sentence by sentence";
  EXPECT_EQ(stream.back()["documents"], whole["documents"]);
  EXPECT_EQ(totals()[0].tokens.completion, whole["usage"]["completion_tokens"].get<int64_t>() * 2);
}

TEST_F(GroundedChatTest, where_the_model_writes_nothing_that_holds_the_quote_answers) {
  answer_with(5);
  backend_.set_context(8000);
  backend_.set({.pieces = {"Lee has three horses [1]."}});
  const Json body = with(with(question(kWho), "model", "fake"), "stream", true);
  const std::vector<Json> stream = events(post("/v1/chat/completions", body).body);
  EXPECT_EQ(said(stream), "Kim");
  EXPECT_EQ(stream.back()["documents"]["written"], false);
  backend_.set({.pieces = {"NOT_FOUND"}});
  EXPECT_EQ(good("/v1/chat/completions", with(body, "stream", false))["documents"]["abstained"], true);
}

TEST_F(GroundedChatTest, failures_are_errors_before_the_stream_and_events_in_it) {
  answer_with(5);
  backend_.set({.pieces = {}, .error = "the model broke"});
  backend_.set_context(8000);
  const Json body = with(question(kWho), "model", "fake");
  EXPECT_EQ(post("/v1/chat/completions", body).status, 500);
  const TestReply stream = post("/v1/chat/completions", with(body, "stream", true));
  EXPECT_THAT(stream.body, HasSubstr("the model broke"));
  EXPECT_EQ(post("/v1/chat/completions", question(" ")).status, 400);
  const std::string no_documents = new_key({}, "chat");
  EXPECT_EQ(post("/v1/chat/completions", question(kWho), no_documents).status, 403);
}

}  // namespace
}  // namespace bantam
