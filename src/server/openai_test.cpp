// OpenAI's API over sockets.
#include "server/test_service.h"

namespace bantam {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class OpenAiTest : public ServiceTest {
 protected:
  // A 400 (or another status) with OpenAI's error body about that field.
  void expect_error(std::string_view path, const std::string& body, const std::string& param, int status = 400) {
    const TestReply reply = ask("POST", path, body);
    ASSERT_EQ(reply.status, status) << path << " " << body.substr(0, 200) << "\n" << reply.body;
    const Json error = parse_json(reply.body, "a response")["error"];
    for (const char* field : {"message", "type", "param", "code"}) EXPECT_TRUE(error.contains(field)) << reply.body;
    EXPECT_EQ(error["type"], status == 429 ? "rate_limit_error" : "invalid_request_error");
    if (!param.empty()) {
      EXPECT_EQ(error["param"], param) << body.substr(0, 200) << "\n" << reply.body;
    }
  }
};

TEST_F(OpenAiTest, lists_models) {
  const Json list = get("/v1/models");
  EXPECT_EQ(list["object"], "list");
  EXPECT_EQ(list["data"][0]["id"], "fake");
  EXPECT_EQ(get("/v1/models/fake")["object"], "model");
  EXPECT_EQ(ask("GET", "/v1/models/other").status, 404);
}

TEST_F(OpenAiTest, a_chat_is_answered) {
  const Json out = good("/v1/chat/completions", chat());
  EXPECT_EQ(out["object"], "chat.completion");
  EXPECT_EQ(out["model"], "fake");
  EXPECT_EQ(out["choices"][0]["message"]["content"], "Hello world");
  EXPECT_EQ(out["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(out["usage"]["prompt_tokens"], 8);
  EXPECT_EQ(out["usage"]["completion_tokens"], 11);
  EXPECT_EQ(out["usage"]["total_tokens"], 19);
  EXPECT_EQ(backend_.asked().prompt, "user:Hi\n");
  EXPECT_EQ(backend_.asked().max_tokens, 192);
  EXPECT_EQ(backend_.asked().tenant, "local");
}

TEST_F(OpenAiTest, a_stream_says_the_same_in_pieces) {
  const TestReply reply =
      post("/v1/chat/completions", with(with(chat(), "stream", true), "stream_options", {{"include_usage", true}}));
  EXPECT_EQ(reply.headers.at("Content-Type"), "text/event-stream");
  EXPECT_TRUE(reply.body.ends_with("data: [DONE]\n\n"));
  std::string text, reason;
  const std::vector<Json> all = events(reply.body);
  EXPECT_EQ(all[0]["choices"][0]["delta"]["role"], "assistant");
  for (const Json& event : all) {
    EXPECT_EQ(event["object"], "chat.completion.chunk");
    EXPECT_EQ(event["id"], all[0]["id"]);
    if (event["choices"].empty()) continue;
    EXPECT_TRUE(event["usage"].is_null());
    text += event["choices"][0]["delta"].value("content", "");
    if (!event["choices"][0]["finish_reason"].is_null()) reason = event["choices"][0]["finish_reason"];
  }
  EXPECT_EQ(text, "Hello world");
  EXPECT_EQ(reason, "stop");
  EXPECT_EQ(all.back()["usage"]["total_tokens"], 19);
  EXPECT_EQ(post("/v1/chat/completions", with(chat(), "stream", true)).body.find("\"usage\""), std::string::npos);
}

TEST_F(OpenAiTest, the_ledger_has_the_row_before_the_last_event_of_a_stream) {
  backend_.set({.held = true});
  TestClient client(port());
  const std::string body = to_line(with(chat(), "stream", true));
  client.send(fmt::format("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
                          body.size(), body));
  while (backend_.running() == 0) std::this_thread::yield();
  EXPECT_TRUE(totals().empty());
  backend_.release();
  client.read_until("[DONE]");
  ASSERT_EQ(totals().size(), 1u);
  EXPECT_EQ(totals()[0].tokens, (TokenCounts{8, 0, 11}));
  EXPECT_EQ(totals()[0].cost_nano, 8 + 22);
  EXPECT_EQ(totals()[0].incomplete, 0);
}

TEST_F(OpenAiTest, several_choices_share_the_bill_of_the_prompt) {
  const Json out = good("/v1/chat/completions", with(chat(), "n", 3));
  ASSERT_EQ(out["choices"].size(), 3u);
  EXPECT_EQ(out["choices"][2]["index"], 2);
  EXPECT_EQ(out["usage"]["prompt_tokens"], 8);
  EXPECT_EQ(out["usage"]["completion_tokens"], 33);
}

TEST_F(OpenAiTest, parameters_reach_the_engine) {
  Json body = chat();
  body.update({{"temperature", 0.25},
               {"top_p", 0.5},
               {"seed", 7},
               {"stop", {"a", "b"}},
               {"max_completion_tokens", 5},
               {"presence_penalty", 1},
               {"frequency_penalty", -1},
               {"logit_bias", {{"65", -100}}}});
  good("/v1/chat/completions", body);
  const FakeBackend::Asked asked = backend_.asked();
  EXPECT_EQ(asked.sampling.temperature, 0.25);
  EXPECT_EQ(asked.sampling.top_p, 0.5);
  EXPECT_EQ(asked.sampling.seed, 7u);
  EXPECT_EQ(asked.sampling.presence_penalty, 1);
  EXPECT_EQ(asked.sampling.frequency_penalty, -1);
  EXPECT_EQ(asked.sampling.logit_bias, (std::vector<std::pair<int32_t, float>>{{65, -100.0F}}));
  EXPECT_EQ(asked.stops, (std::vector<std::string>{"a", "b", "<stop>"}));
  EXPECT_EQ(asked.max_tokens, 5);
}

TEST_F(OpenAiTest, fields_that_are_wrong_are_named) {
  const std::string path = "/v1/chat/completions";
  const auto wrong = [&](const std::string& field, const Json& value, const std::string& param = "") {
    expect_error(path, to_line(with(chat(), field, value)), param.empty() ? field : param);
  };
  wrong("temperature", -0.1);
  wrong("temperature", 2.5);
  wrong("temperature", "hot");
  wrong("temperature", 1e308);
  wrong("top_p", 1.5);
  wrong("n", 0);
  wrong("n", 1'000'000'000);
  wrong("n", 1.5);
  wrong("n", 18446744073709551615ULL);
  wrong("max_tokens", 0);
  wrong("max_tokens", -5);
  wrong("max_completion_tokens", 1e20);
  wrong("presence_penalty", 3);
  wrong("stop", 3);
  wrong("stop", Json::array({"a", 4}), "stop[1]");
  wrong("stop", Json::array({""}), "stop");
  wrong("seed", 1.5);
  wrong("seed", "one");
  wrong("stream", "yes");
  wrong("stream_options", 3);
  wrong("logit_bias", {{"x", 1}});
  wrong("logit_bias", {{"999999", 1}});
  wrong("logit_bias", {{"65", 101}}, "logit_bias.65");
  wrong("logit_bias", Json::array());
  wrong("top_logprobs", 3);
  wrong("logprobs", 3);
  wrong("messages", Json::array());
  wrong("messages", "Hi");
  wrong("messages", Json::array({3}), "messages[0]");
  wrong("messages", Json::array({{{"content", "a"}}}), "messages[0].role");
  wrong("messages", Json::array({{{"role", "king"}, {"content", "a"}}}), "messages[0].role");
  wrong("messages", Json::array({{{"role", "user"}}}), "messages[0].content");
  wrong("messages", Json::array({{{"role", "user"}, {"content", 3}}}), "messages[0].content");
  wrong("messages", Json::array({{{"role", "user"}, {"content", Json::array({{{"type", "image_url"}}})}}}),
        "messages[0].content[0].type");
  wrong("response_format", "json");
  wrong("response_format", Json::object(), "response_format.type");
  wrong("response_format", {{"type", "xml"}}, "response_format.type");
  wrong("response_format", {{"type", "json_schema"}}, "response_format.json_schema");
  wrong("tools", 3);
  wrong("tools", Json::array({{{"type", "web"}}}), "tools[0].type");
  wrong("tools", Json::array({{{"type", "function"}, {"function", {{"name", "a b"}}}}}), "tools[0].function.name");
  wrong("tool_choice", "required");
  wrong("model", nullptr);
  wrong("model", 3);
  expect_error(path, to_line(with(chat(), "model", "other")), "model", 404);
  EXPECT_EQ(backend_.submitted(), 0);
}

TEST_F(OpenAiTest, bodies_that_are_no_json_are_refused) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("3"), std::string("[]"), std::string("{\"a\":NaN}"),
        std::string("{\"temperature\":1e999}"), deep, "{\"messages\":" + deep + "}",
        std::string("{\"model\":\"\xff\"}"), std::string("{\"a\":1}{\"b\":2}"), std::string("\0", 1)}) {
    expect_error("/v1/chat/completions", body, "");
  }
}

TEST_F(OpenAiTest, a_prompt_longer_than_the_context_is_refused_with_both_numbers) {
  const TestReply reply = post("/v1/chat/completions", chat(std::string(300, 'x')));
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, AllOf(HasSubstr("306 tokens"), HasSubstr("200"), HasSubstr("context_length_exceeded")));
  EXPECT_EQ(post("/v1/completions", {{"model", "fake"}, {"prompt", std::string(200, 'x')}}).status, 400);
  EXPECT_EQ(post("/v1/completions", {{"model", "fake"}, {"prompt", std::string(199, 'x')}}).status, 200);
  EXPECT_EQ(post("/v1/embeddings", {{"model", "fake"}, {"input", std::string(201, 'x')}}).status, 400);
}

TEST_F(OpenAiTest, a_form_that_cannot_be_held_to_is_never_a_200) {
  const Json tools = Json::array(
      {{{"type", "function"},
        {"function",
         {{"name", "f"}, {"parameters", {{"type", "object"}, {"properties", {{"a", {{"not", true}}}}}}}}}}});
  const auto refused = [&](const Json& request, const std::string& why) {
    const TestReply reply = post("/v1/chat/completions", request);
    EXPECT_EQ(reply.status, 400) << to_line(request);
    EXPECT_THAT(reply.body, HasSubstr(why));
  };
  const auto schema_format = [](const Json& schema) -> Json {
    return {{"type", "json_schema"}, {"json_schema", {{"name", "x"}, {"schema", schema}}}};
  };
  refused(with(chat(), "response_format", schema_format({{"not", true}})), "#/not");
  refused(with(chat(), "response_format", schema_format({{"type", "text"}})), "#/type");
  refused(with(with(chat(), "tools", tools), "tool_choice", "required"), "#/properties/a/not");
  refused(with(chat(), "tools", tools), "#/properties/a/not");
  refused(with(chat(), "guided_regex", "a(?=b)"), "looking around");
  refused(with(chat(), "guided_regex", "a("), "without a ')'");
  refused(with(chat(), "guided_grammar", "x ::= y"), "no rule 'root'");
  refused(with(chat(), "guided_choice", Json::array()), "there are none");
  refused(with(chat(), "guided_json", "{"), "not valid JSON");
  refused(with(chat(), "structured_outputs", {{"jsn", true}}), "structured_outputs");
  refused(with(chat(), "grammar", "root ::= root"), "nothing can be written");
  EXPECT_EQ(backend_.submitted(), 0);
}

TEST_F(OpenAiTest, every_way_to_ask_for_a_form_reaches_the_engine) {
  using Kind = AnswerForm::Kind;
  const Json schema = {{"type", "object"}, {"properties", {{"a", {{"type", "null"}}}}}};
  const auto form_of = [&](const Json& request) {
    good("/v1/chat/completions", request);
    return backend_.asked().form;
  };
  const auto expect_form = [&](const std::string& field, const Json& value, Kind kind, const std::string& definition) {
    const AnswerForm form = form_of(with(chat(), field, value));
    EXPECT_EQ(form.kind, kind) << field;
    EXPECT_EQ(form.definition, definition) << field;
  };
  expect_form("response_format", {{"type", "json_object"}}, Kind::json, "");
  expect_form("response_format", {{"type", "json_schema"}, {"json_schema", {{"name", "x"}, {"schema", schema}}}},
              Kind::json_schema, to_line(schema));
  expect_form("guided_regex", "a+", Kind::regex, "a+");
  expect_form("guided_grammar", "root ::= \"a\"", Kind::grammar, "root ::= \"a\"");
  expect_form("guided_json", schema, Kind::json_schema, to_line(schema));
  expect_form("guided_json", to_line(schema), Kind::json_schema, to_line(schema));
  expect_form("guided_choice", Json::array({"a", "b"}), Kind::choice, "[\"a\",\"b\"]");
  expect_form("structured_outputs", {{"choice", Json::array({"a"})}}, Kind::choice, "[\"a\"]");
  expect_form("grammar", "root ::= \"a\"", Kind::grammar, "root ::= \"a\"");
  expect_form("json_schema", schema, Kind::json_schema, to_line(schema));
  const Json tools = Json::array(
      {{{"type", "function"}, {"function", {{"name", "f"}}}}, {{"type", "function"}, {"function", {{"name", "g"}}}}});
  const Json named = {{"type", "function"}, {"function", {{"name", "g"}}}};
  EXPECT_EQ(form_of(with(with(chat(), "tools", tools), "tool_choice", "required")).definition, to_line(tools));
  EXPECT_EQ(form_of(with(with(chat(), "tools", tools), "tool_choice", named)).definition,
            to_line(Json::array({tools[1]})));
  // A model that may call is held to the tools in its calls only; a form of the whole answer leaves no room for calls.
  expect_form("tools", tools, Kind::text_with_calls, to_line(tools));
  EXPECT_EQ(form_of(with(with(chat(), "tools", tools), "guided_regex", "a+")).kind, Kind::regex);
  good("/api/chat", with(with(chat(), "tools", tools), "stream", false));
  EXPECT_EQ(backend_.asked().form.kind, Kind::text_with_calls);
  good("/v1/responses",
       {{"model", "fake"}, {"input", "a"}, {"tools", Json::array({{{"type", "function"}, {"name", "g"}}})}});
  EXPECT_EQ(backend_.asked().form.kind, Kind::text_with_calls);
  backend_.set({.pieces = {"{\"name\":\"g\",", "\"arguments\":{}}"}});
  const Json call = good("/v1/responses", {{"model", "fake"},
                                           {"input", "a"},
                                           {"tools", Json::array({{{"type", "function"}, {"name", "g"}}})},
                                           {"tool_choice", "required"}})["output"][0];
  EXPECT_EQ(call["type"], "function_call") << "a forced call has no marks around it";
  EXPECT_EQ(call["name"], "g");
  good("/v1/responses", {{"model", "fake"},
                         {"input", "a"},
                         {"text", {{"format", {{"type", "json_schema"}, {"name", "x"}, {"schema", schema}}}}}});
  EXPECT_EQ(backend_.asked().form.definition, to_line(schema));
  good("/api/chat", with(with(chat(), "format", schema), "stream", false));
  EXPECT_EQ(backend_.asked().form.definition, to_line(schema));
}

TEST_F(OpenAiTest, calls_of_tools_are_taken_out_of_the_text) {
  backend_.set({.pieces = {"I look. <tool", "_call>\n{\"name\": \"weather\", \"argu",
                           "ments\": {\"city\": \"Seoul\"}}\n</tool_call>"}});
  const Json tools =
      Json::array({{{"type", "function"}, {"function", {{"name", "weather"}, {"parameters", {{"type", "object"}}}}}}});
  const Json body = with(chat(), "tools", tools);
  const Json choice = good("/v1/chat/completions", body)["choices"][0];
  EXPECT_EQ(backend_.asked().tools, to_line(tools));
  EXPECT_EQ(choice["finish_reason"], "tool_calls");
  EXPECT_EQ(choice["message"]["content"], "I look. ");
  EXPECT_EQ(choice["message"]["tool_calls"][0]["function"]["name"], "weather");
  EXPECT_EQ(choice["message"]["tool_calls"][0]["function"]["arguments"], R"({"city":"Seoul"})");

  std::string text;
  Json calls;
  for (const Json& event : events(post("/v1/chat/completions", with(body, "stream", true)).body)) {
    const Json& delta = event["choices"][0]["delta"];
    text += delta.value("content", "");
    if (delta.contains("tool_calls")) calls = delta["tool_calls"];
  }
  EXPECT_EQ(text, "I look. ");
  EXPECT_EQ(calls[0]["index"], 0);
  EXPECT_EQ(calls[0]["function"]["name"], "weather");
  // Without tools, and for what is no call, the text is the model's.
  EXPECT_THAT(to_line(good("/v1/chat/completions", chat())), HasSubstr("<tool_call>"));
  backend_.set({.pieces = {"<tool_call>no", " call</tool_call> <tool_c"}});
  EXPECT_EQ(good("/v1/chat/completions", body)["choices"][0]["message"]["content"],
            "<tool_call>no call</tool_call> <tool_c");
}

TEST_F(OpenAiTest, a_mark_inside_the_arguments_of_a_call_does_not_end_it) {
  backend_.set(
      {.pieces = {"<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"\\\"</tool_", "call>\"", "}}</tool_call>!"}});
  const Json tools = Json::array({{{"type", "function"}, {"function", {{"name", "f"}}}}});
  const Json message = good("/v1/chat/completions", with(chat(), "tools", tools))["choices"][0]["message"];
  EXPECT_EQ(message["tool_calls"][0]["function"]["arguments"], R"({"a":"\"</tool_call>"})");
  EXPECT_EQ(message["content"], "!");
}

TEST_F(OpenAiTest, what_tools_said_is_part_of_the_conversation) {
  Json body = chat();
  body["messages"].push_back(
      {{"role", "assistant"},
       {"content", nullptr},
       {"tool_calls",
        Json::array(
            {{{"id", "1"}, {"type", "function"}, {"function", {{"name", "f"}, {"arguments", "{\"a\":1}"}}}}})}});
  body["messages"].push_back({{"role", "tool"}, {"tool_call_id", "1"}, {"content", "sunny"}});
  good("/v1/chat/completions", body);
  EXPECT_THAT(backend_.asked().prompt,
              AllOf(HasSubstr(R"({"name":"f","arguments":{"a":1}})"), HasSubstr("tool:sunny")));
}

TEST_F(OpenAiTest, logprobs_come_with_each_token) {
  backend_.set({.pieces = {"Hi"}});
  const Json content = good("/v1/chat/completions", with(with(chat(), "logprobs", true), "top_logprobs",
                                                         2))["choices"][0]["logprobs"]["content"];
  ASSERT_EQ(content.size(), 2u);
  EXPECT_EQ(content[0]["token"], "H");
  EXPECT_EQ(content[0]["bytes"], Json::array({'H'}));
  EXPECT_EQ(content[0]["top_logprobs"][1]["token"], "b");
  const Json older =
      good("/v1/completions", {{"model", "fake"}, {"prompt", "a"}, {"logprobs", 1}})["choices"][0]["logprobs"];
  EXPECT_EQ(older["tokens"], Json::array({"H", "i"}));
  EXPECT_EQ(older["text_offset"], Json::array({0, 1}));
  EXPECT_EQ(older["top_logprobs"][0]["a"], -1);
}

TEST_F(OpenAiTest, a_text_is_completed) {
  const Json one = good("/v1/completions", {{"model", "fake"}, {"prompt", "Once"}, {"max_tokens", 4}});
  EXPECT_EQ(one["object"], "text_completion");
  EXPECT_EQ(one["choices"][0]["text"], "Hello world");
  EXPECT_EQ(backend_.asked().prompt, "Once");
  EXPECT_EQ(backend_.asked().max_tokens, 4);
  const Json many = good("/v1/completions", {{"model", "fake"}, {"prompt", {"a", "bc"}}, {"n", 2}, {"echo", true}});
  ASSERT_EQ(many["choices"].size(), 4u);
  EXPECT_EQ(many["choices"][3]["text"], "bcHello world");
  EXPECT_EQ(many["usage"]["prompt_tokens"], 3);
  EXPECT_EQ(good("/v1/completions", {{"model", "fake"}, {"prompt", {79, 110}}})["usage"]["prompt_tokens"], 2);
  EXPECT_EQ(backend_.asked().prompt, "On");
  good("/v1/completions", {{"model", "fake"}, {"prompt", "def f("}, {"suffix", "return 1"}});
  EXPECT_EQ(backend_.asked().prompt, "<pre>def f(<suf>return 1<mid>");
  for (const Json& prompt : {Json(""), Json::array(), Json::array({-1}), Json::array({1, "a"}), Json::array({99999}),
                             Json(3), Json::array({Json::array({1.5})})}) {
    expect_error("/v1/completions", to_line({{"model", "fake"}, {"prompt", prompt}}), "");
  }
  expect_error("/v1/completions", R"({"model":"fake"})", "prompt");
}

TEST_F(OpenAiTest, embeddings_are_the_same_as_numbers_and_as_base64) {
  const Json numbers = good("/v1/embeddings", {{"model", "fake"}, {"input", {"aab", "b"}}});
  ASSERT_EQ(numbers["data"].size(), 2u);
  EXPECT_NEAR(numbers["data"][0]["embedding"][0].get<double>(), 2 / std::sqrt(5), 1e-6);
  EXPECT_EQ(numbers["usage"]["prompt_tokens"], 4);
  EXPECT_EQ(good("/v1/embeddings",
                 {{"model", "fake"}, {"input", "b"}, {"encoding_format", "base64"}})["data"][0]["embedding"],
            "AAAAAAAAgD8AAAAA");
  EXPECT_EQ(totals()[0].tokens.prompt, 5);
  expect_error("/v1/embeddings", R"({"model":"fake","input":[]})", "input");
  expect_error("/v1/embeddings", R"({"model":"fake","input":""})", "input");
  expect_error("/v1/embeddings", R"({"model":"fake","input":[3]})", "input[0]");
  expect_error("/v1/embeddings", R"({"model":"fake","input":"a","dimensions":2})", "dimensions");
}

TEST_F(OpenAiTest, rerank_orders_by_nearness) {
  const Json out = good(
      "/v1/rerank",
      {{"model", "fake"}, {"query", "aa"}, {"documents", {"bb", "a", "ab"}}, {"top_n", 2}, {"return_documents", true}});
  ASSERT_EQ(out["results"].size(), 2u);
  EXPECT_EQ(out["results"][0]["index"], 1);
  EXPECT_EQ(out["results"][1]["document"]["text"], "ab");
  EXPECT_NEAR(out["results"][0]["relevance_score"].get<double>(), 1, 1e-6);
}

TEST_F(OpenAiTest, text_becomes_tokens_and_back) {
  const Json tokens = good("/v1/tokenize", {{"model", "fake"}, {"text", "Hi"}});
  EXPECT_EQ(tokens["tokens"], Json::array({72, 105}));
  EXPECT_EQ(good("/v1/detokenize", {{"model", "fake"}, {"tokens", {72, 105}}})["text"], "Hi");
  expect_error("/v1/detokenize", R"({"model":"fake","tokens":[-1]})", "tokens");
}

TEST_F(OpenAiTest, moderation_is_refused_rather_than_made_up) {
  expect_error("/v1/moderations", R"({"input":"a"})", "model");
}

TEST_F(OpenAiTest, a_response_and_its_numbered_events_agree) {
  const Json body = {{"model", "fake"}, {"input", "Hi"}, {"instructions", "Be brief."}};
  const Json whole = good("/v1/responses", body);
  EXPECT_EQ(whole["object"], "response");
  EXPECT_EQ(whole["status"], "completed");
  EXPECT_EQ(whole["output"][0]["content"][0]["text"], "Hello world");
  EXPECT_EQ(whole["usage"]["output_tokens"], 11);
  EXPECT_EQ(backend_.asked().prompt, "system:Be brief.\nuser:Hi\n");

  std::string text;
  std::vector<std::string> types;
  int64_t number = 0;
  const std::vector<Json> all = events(post("/v1/responses", with(body, "stream", true)).body);
  for (const Json& event : all) {
    EXPECT_EQ(event["sequence_number"], number++);
    types.push_back(event["type"]);
    if (event["type"] == "response.output_text.delta") text += event["delta"];
  }
  EXPECT_EQ(text, "Hello world");
  EXPECT_EQ(types,
            (std::vector<std::string>{
                "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
                "response.output_text.delta", "response.output_text.delta", "response.output_text.done",
                "response.content_part.done", "response.output_item.done", "response.completed"}));
  EXPECT_EQ(all.back()["response"]["output"][0]["content"], whole["output"][0]["content"]);
  backend_.set({.reason = FinishReason::max_tokens});
  EXPECT_EQ(good("/v1/responses", body)["incomplete_details"]["reason"], "max_output_tokens");
  expect_error("/v1/responses", R"({"model":"fake","input":"a","previous_response_id":"resp_1"})",
               "previous_response_id");
  expect_error("/v1/responses", R"({"model":"fake","input":[]})", "input");
  expect_error("/v1/responses", R"({"model":"fake"})", "input");
}

TEST_F(OpenAiTest, responses_call_tools) {
  backend_.set({.pieces = {"<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>"}});
  const Json body = {
      {"model", "fake"},
      {"input",
       Json::array({{{"role", "user"}, {"content", Json::array({{{"type", "input_text"}, {"text", "Hi"}}})}}})},
      {"tools", Json::array({{{"type", "function"}, {"name", "f"}, {"parameters", Json::object()}}})}};
  const Json out = good("/v1/responses", body);
  EXPECT_EQ(out["output"][0]["type"], "function_call");
  EXPECT_EQ(out["output"][0]["name"], "f");
  const std::vector<Json> all = events(post("/v1/responses", with(body, "stream", true)).body);
  EXPECT_EQ(all[2]["type"], "response.output_item.added");
  EXPECT_EQ(all[2]["item"]["type"], "function_call");
  EXPECT_EQ(parse_json(backend_.asked().tools, "tools")[0]["function"]["name"], "f");
}

TEST_F(OpenAiTest, a_failure_is_a_500_or_ends_the_stream) {
  backend_.set({.error = "the weights are damaged"});
  EXPECT_EQ(post("/v1/chat/completions", chat()).status, 500);
  const TestReply stream = post("/v1/chat/completions", with(chat(), "stream", true));
  EXPECT_THAT(stream.body, HasSubstr("the weights are damaged"));
  EXPECT_EQ(stream.body.find("[DONE]"), std::string::npos);
}

TEST_F(OpenAiTest, overload_is_refused_at_once_and_leaves_no_reservation) {
  const std::string key = new_key({.concurrent = 1});
  for (const bool seen : {false, true, false}) {  // what seems free when the head comes may be full a moment later
    backend_.set({.full = true, .seen_full = seen});
    const TestReply reply = post("/v1/chat/completions", chat(), key);
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.headers.at("Retry-After"), "1");
    EXPECT_EQ(reply.headers.at("retry-after-ms"), "1000");
    EXPECT_EQ(ask("GET", "/v1/models", "", key).status, 200) << "only what waits for a model is refused";
  }
  backend_.set({});
  EXPECT_EQ(post("/v1/chat/completions", chat(), key).status, 200);
}

}  // namespace
}  // namespace bantam
