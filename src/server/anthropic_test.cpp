// Anthropic's Messages API: blocks in, blocks out, and its stream builds the same message as the whole answer.
#include "server/test_service.h"

namespace bantam {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class AnthropicTest : public ServiceTest {
 protected:
  static Json ask_for(const Json& content) {
    return {
        {"model", "fake"}, {"max_tokens", 20}, {"messages", Json::array({{{"role", "user"}, {"content", content}}})}};
  }
  static Json text(const std::string& text) { return {{"type", "text"}, {"text", text}}; }

  // The message that a client builds from the events.
  Json streamed(Json request) {
    request["stream"] = true;
    Json message;
    std::vector<std::string> arguments;
    types_.clear();
    for (const Json& event : events(post("/v1/messages", request).body)) {
      const std::string type = event["type"];
      types_.push_back(type);
      if (type == "message_start") message = event["message"];
      if (type == "content_block_start") {
        EXPECT_EQ(event["index"], message["content"].size());
        message["content"].push_back(event["content_block"]);
        arguments.emplace_back();
      }
      if (type == "content_block_delta") {
        const Json& delta = event["delta"];
        Json& block = message["content"][event["index"].get<size_t>()];
        if (delta["type"] == "text_delta")
          block["text"] = block["text"].get<std::string>() + delta["text"].get<std::string>();
        if (delta["type"] == "input_json_delta") arguments.back() += delta["partial_json"];
      }
      if (type == "content_block_stop" && message["content"].back()["type"] == "tool_use")
        message["content"].back()["input"] = parse_json(arguments.back(), "the arguments");
      if (type == "message_delta") {
        message.update(event["delta"]);
        message["usage"] = event["usage"];
      }
    }
    return message;
  }

  // Whole and streamed alike but for the ids, which are made for each request.
  Json answer(const Json& request) {
    Json whole = good("/v1/messages", request), stream = streamed(request);
    const Json first = whole;
    for (Json* message : {&whole, &stream}) {
      message->erase("id");
      for (Json& block : (*message)["content"]) block.erase("id");
    }
    EXPECT_EQ(whole, stream);
    return first;
  }

  const Json tools_ = Json::array(
      {{{"name", "weather"},
        {"description", "of a city"},
        {"input_schema",
         {{"type", "object"}, {"properties", {{"city", {{"enum", {"Seoul"}}}}}}, {"required", {"city"}}}}}});
  std::vector<std::string> types_;  // of the events of the last stream
};

TEST_F(AnthropicTest, a_message_is_answered_whole_and_as_a_stream) {
  Json request = ask_for("Hi");
  request["system"] = "Be brief.";
  request["temperature"] = 0.5;
  request["top_k"] = 3;
  const Json out = answer(request);
  EXPECT_THAT(out["id"].get<std::string>(), testing::StartsWith("msg_"));
  EXPECT_EQ(out["type"], "message");
  EXPECT_EQ(out["role"], "assistant");
  EXPECT_EQ(out["model"], "fake");
  EXPECT_EQ(out["content"][0]["text"], "Hello world");
  EXPECT_EQ(out["stop_reason"], "end_turn");
  EXPECT_TRUE(out["stop_sequence"].is_null());
  EXPECT_EQ(out["usage"]["input_tokens"], 25);
  EXPECT_EQ(out["usage"]["cache_read_input_tokens"], 0);
  EXPECT_EQ(out["usage"]["output_tokens"], 11);
  EXPECT_THAT(types_, ElementsAre("message_start", "content_block_start", "content_block_delta", "content_block_delta",
                                  "content_block_stop", "message_delta", "message_stop"));
  const FakeBackend::Asked asked = backend_.asked();
  EXPECT_EQ(asked.prompt, "system:Be brief.\nuser:Hi\n");
  EXPECT_EQ(asked.max_tokens, 20);
  EXPECT_EQ(asked.sampling.temperature, 0.5);
  EXPECT_EQ(asked.sampling.top_k, 3);
  EXPECT_THAT(post("/v1/messages", with(request, "stream", true)).body, HasSubstr("event: message_stop\ndata: {"));
}

TEST_F(AnthropicTest, blocks_become_the_conversation) {
  Json request = ask_for(Json::array({text("What is "), text("the weather?")}));
  request["system"] =
      Json::array({{{"type", "text"}, {"text", "Be"}, {"cache_control", {{"type", "ephemeral"}}}}, text(" brief.")});
  request["messages"].push_back(
      {{"role", "assistant"},
       {"content",
        Json::array(
            {{{"type", "thinking"}, {"thinking", "hm"}, {"signature", ""}},
             text("I look."),
             {{"type", "tool_use"}, {"id", "toolu_1"}, {"name", "weather"}, {"input", {{"city", "Seoul"}}}}})}});
  request["messages"].push_back(
      {{"role", "user"},
       {"content",
        Json::array({{{"type", "tool_result"}, {"tool_use_id", "toolu_1"}, {"content", Json::array({text("sun")})}},
                     {{"type", "tool_result"}, {"tool_use_id", "toolu_2"}, {"content", "late"}, {"is_error", true}},
                     text("And?")})}});
  request["messages"].push_back({{"role", "user"}, {"content", "Well?"}});
  request["tools"] = tools_;
  good("/v1/messages", request);
  EXPECT_EQ(backend_.asked().prompt,
            "system:Be brief.\nuser:What is the weather?\nassistant:I look.\n<tool_call>\n"
            "{\"name\":\"weather\",\"arguments\":{\"city\":\"Seoul\"}}\n</tool_call>\ntool:sun\ntool:Error: late\n"
            "user:And?\nWell?\n");
  const Json given = parse_json(backend_.asked().tools, "tools");
  EXPECT_EQ(given[0]["type"], "function");
  EXPECT_EQ(given[0]["function"]["description"], "of a city");
  EXPECT_EQ(given[0]["function"]["parameters"], tools_[0]["input_schema"]);
}

TEST_F(AnthropicTest, a_last_message_of_the_assistant_is_the_beginning_of_the_answer) {
  Json request = ask_for("Hi");
  request["messages"].push_back({{"role", "assistant"}, {"content", "Well, "}});
  EXPECT_EQ(good("/v1/messages", request)["content"][0]["text"], "Hello world");
  EXPECT_EQ(backend_.asked().prompt, "user:Hi\nWell, ");
}

TEST_F(AnthropicTest, the_stop_sequence_that_ended_the_answer_is_named) {
  const Json request = with(ask_for("Hi"), "stop_sequences", {"END", "."});
  backend_.set({.reason = FinishReason::stop_string, .stop = "END"});
  Json out = answer(request);
  EXPECT_EQ(backend_.asked().stops, (std::vector<std::string>{"END", ".", "<stop>"}));
  EXPECT_EQ(out["stop_reason"], "stop_sequence");
  EXPECT_EQ(out["stop_sequence"], "END");
  backend_.set({.reason = FinishReason::stop_string, .stop = "<stop>"});  // the model's own
  out = answer(request);
  EXPECT_EQ(out["stop_reason"], "end_turn");
  EXPECT_TRUE(out["stop_sequence"].is_null());
  backend_.set({.reason = FinishReason::max_tokens});
  EXPECT_EQ(answer(request)["stop_reason"], "max_tokens");
}

TEST_F(AnthropicTest, calls_of_tools_are_blocks) {
  const std::string call = R"(<tool_call>{"name":"weather","arguments":{"city":"Seoul"}}</tool_call>)";
  backend_.set({.pieces = {"I look. ", call.substr(0, 8), call.substr(8), "\n", call}});
  const Json request = with(ask_for("Hi"), "tools", tools_);
  Json out = answer(request);
  ASSERT_EQ(out["content"].size(), 3u);
  EXPECT_EQ(out["content"][0]["text"], "I look. \n");
  for (const size_t i : {1u, 2u}) {
    EXPECT_EQ(out["content"][i]["type"], "tool_use");
    EXPECT_EQ(out["content"][i]["name"], "weather");
    EXPECT_EQ(out["content"][i]["input"]["city"], "Seoul");
  }
  EXPECT_NE(out["content"][1]["id"], out["content"][2]["id"]);
  EXPECT_EQ(out["stop_reason"], "tool_use");
  EXPECT_EQ(backend_.asked().form.kind, AnswerForm::Kind::text_with_calls);
  backend_.set({.pieces = {"\n", call, "\n", call}});
  EXPECT_EQ(answer(request)["content"].size(), 2u) << "white space alone is no block";
}

TEST_F(AnthropicTest, the_choice_of_tools_is_kept_to) {
  using Kind = AnswerForm::Kind;
  const auto form_of = [&](const Json& choice) {
    good("/v1/messages", with(with(ask_for("Hi"), "tools", tools_), "tool_choice", choice));
    return backend_.asked().form.kind;
  };
  backend_.set({.pieces = {R"({"name":"weather","arg)", R"(uments":{"city":"Seoul"}})"}});
  EXPECT_EQ(form_of({{"type", "auto"}}), Kind::text_with_calls);
  EXPECT_EQ(form_of({{"type", "any"}}), Kind::tool_call);
  EXPECT_EQ(form_of({{"type", "tool"}, {"name", "weather"}}), Kind::tool_call);
  const Json out = answer(with(with(ask_for("Hi"), "tools", tools_), "tool_choice", {{"type", "any"}}));
  ASSERT_EQ(out["content"].size(), 1u);
  EXPECT_EQ(out["content"][0]["input"]["city"], "Seoul");
  good("/v1/messages", with(with(ask_for("Hi"), "tools", tools_), "tool_choice", {{"type", "none"}}));
  EXPECT_EQ(backend_.asked().tools, "");
  const Json schema = {{"type", "object"}, {"properties", Json::object()}};
  good("/v1/messages",
       with(ask_for("Hi"), "output_config", {{"format", {{"type", "json_schema"}, {"schema", schema}}}}));
  EXPECT_EQ(backend_.asked().form.kind, Kind::json_schema);
}

TEST_F(AnthropicTest, tokens_are_counted_as_they_are_billed) {
  Json request = ask_for("Hi");
  const int64_t billed = good("/v1/messages", request)["usage"]["input_tokens"];
  request.erase("max_tokens");
  EXPECT_EQ(good("/v1/messages/count_tokens", request), Json({{"input_tokens", billed}}));
  EXPECT_EQ(totals()[0].tokens.prompt, billed);
  EXPECT_EQ(totals()[0].requests, 1);
}

TEST_F(AnthropicTest, errors_have_anthropics_types) {
  const auto error_of = [&](const TestReply& reply) {
    const Json body = parse_json(reply.body, "a response");
    EXPECT_EQ(body["type"], "error");
    EXPECT_EQ(reply.headers.count("request-id"), reply.status == 413 ? 0u : 1u);
    return body["error"]["type"].get<std::string>();
  };
  const auto refused = [&](const Json& request, const std::string& why) {
    const TestReply reply = post("/v1/messages", request);
    EXPECT_EQ(reply.status, 400) << to_line(request);
    EXPECT_EQ(error_of(reply), "invalid_request_error");
    EXPECT_THAT(reply.body, HasSubstr(why));
  };
  Json no_limit = ask_for("Hi");
  no_limit.erase("max_tokens");
  refused(no_limit, "max_tokens");
  refused(ask_for(Json::array({{{"type", "image"}, {"source", Json::object()}}})), "'image'");
  refused(ask_for(Json::array({{{"type", "document"}, {"source", Json::object()}}})), "'document'");
  refused(ask_for(Json::array({{{"type", "tool_use"}, {"id", "1"}, {"name", "f"}, {"input", Json::object()}}})),
          "messages[0].content[0].type");
  refused(ask_for(""), "holds no text of the user");
  refused(with(ask_for("Hi"), "tools", Json::array({{{"type", "web_search_20250305"}, {"name", "web_search"}}})),
          "tools[0].type");
  refused(with(ask_for("Hi"), "tool_choice", {{"type", "any"}}), "there are no tools");
  refused(with(ask_for("Hi"), "tools",
               Json::array({{{"name", "f"},
                             {"input_schema", {{"type", "object"}, {"properties", {{"a", {{"not", true}}}}}}}}})),
          "#/properties/a/not");
  TestReply reply = post("/v1/messages", with(ask_for("Hi"), "model", "none"));
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(error_of(reply), "not_found_error");
  backend_.set({.full = true});
  reply = post("/v1/messages", ask_for("Hi"));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(error_of(reply), "overloaded_error");
  backend_.set({.seen_full = true});
  EXPECT_EQ(error_of(post("/v1/messages", ask_for("Hi"))), "overloaded_error");
  EXPECT_EQ(post("/v1/messages/count_tokens", ask_for("Hi")).status, 200) << "counting waits for no model";
  backend_.set({.error = "the weights are damaged"});
  EXPECT_EQ(error_of(post("/v1/messages", ask_for("Hi"))), "api_error");
  EXPECT_THAT(post("/v1/messages", with(ask_for("Hi"), "stream", true)).body, HasSubstr("the weights are damaged"));
  backend_.set({});
  TestClient client(port());
  client.send("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99000000\r\n\r\n");
  reply = client.reply();
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(error_of(reply), "request_too_large");

  new_key({.requests_per_minute = 1}, "chat");
  EXPECT_EQ(error_of(post("/v1/messages", ask_for("Hi"))), "authentication_error");
  const std::string key = "x-api-key: " + secret_ + "\r\n";
  EXPECT_EQ(post("/v1/messages", ask_for("Hi"), key).status, 200);
  reply = post("/v1/messages", ask_for("Hi"), key);
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(error_of(reply), "rate_limit_error");
  EXPECT_EQ(reply.headers.count("Retry-After"), 1u);
  const std::string other = new_key({}, "embeddings");
  EXPECT_EQ(error_of(post("/v1/messages", ask_for("Hi"), other)), "permission_error");
}

}  // namespace
}  // namespace bantam
