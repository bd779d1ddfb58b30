// Requests made from the schemas of docs/openapi.json, with one or more fields made wrong: every answer is a 2xx or a
// 4xx with the error body of its API, and the server goes on. The cases are the same in every run.
#include <algorithm>
#include <fstream>
#include <random>

#include "server/page/conversation_store.h"
#include "server/routes.h"
#include "server/test_service.h"

namespace bantam {
namespace {

constexpr int kCasesPerRoute = 60;

class Generator {
 public:
  Generator(const Json& document, uint64_t seed) : document_(document), random_(seed) {}

  // A value that the schema allows; every now and then, by `damage` percent, one that it does not.
  Json value(const Json& given, int damage, int depth = 0) {
    if (chance(damage)) return junk();
    const Json& schema = resolved(given);
    if (schema.contains("oneOf")) return value(schema["oneOf"][pick(schema["oneOf"].size())], damage, depth);
    if (schema.contains("enum")) return schema["enum"][pick(schema["enum"].size())];
    const std::string type = schema.contains("type") ? schema["type"].get<std::string>() : "object";
    if (type == "string") return text();
    if (type == "boolean") return chance(50);
    if (type == "integer") return number(schema, true);
    if (type == "number") return number(schema, false);
    if (type == "array") return list(schema, damage, depth);
    return object(schema, damage, depth);
  }

  bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  size_t pick(size_t count) { return random_() % count; }

 private:
  const Json& resolved(const Json& schema) const {
    if (!schema.contains("$ref")) return schema;
    const std::string path = schema["$ref"].get<std::string>();
    return document_["components"]["schemas"][path.substr(path.rfind('/') + 1)];
  }

  static bool contains(const Json& list, const std::string& text) {
    return std::any_of(list.begin(), list.end(), [&](const Json& item) { return item == text; });
  }

  Json object(const Json& schema, int damage, int depth) {
    Json out = Json::object();
    if (!schema.contains("properties")) return out;
    for (const auto& [name, property] : schema["properties"].items()) {
      const bool required = schema.contains("required") && contains(schema["required"], name);
      if (required ? chance(damage / 4) : !chance(25)) continue;
      out[name] = name == "model" && !chance(damage) ? Json("fake") : value(property, damage, depth + 1);
    }
    return out;
  }

  Json list(const Json& schema, int damage, int depth) {
    Json out = Json::array();
    const size_t count = chance(damage / 4) ? 200 : pick(4) + (schema.contains("minItems") ? 1 : 0);
    for (size_t i = 0; i < count; ++i) out.push_back(value(schema["items"], damage / 2, depth + 1));
    return out;
  }

  Json number(const Json& schema, bool integer) {
    const double least = schema.contains("minimum") ? schema["minimum"].get<double>() : -1e6;
    const double most = schema.contains("maximum") ? schema["maximum"].get<double>() : 1e6;
    const double drawn = least + (most - least) * static_cast<double>(pick(1001)) / 1000;
    if (integer) return static_cast<int64_t>(drawn);
    return drawn;
  }

  Json text() {
    static const std::vector<std::string> kTexts = {"fake",        "",     "a",  "Hi there",    "한국어", "json",
                                                    "<tool_call>", "a\nb", "{}", "<|im_start|>"};
    return kTexts[pick(kTexts.size())];
  }

  Json junk() {
    static const std::vector<Json> kJunk = {nullptr,
                                            true,
                                            -1,
                                            0,
                                            1e308,
                                            -1e308,
                                            5e-324,
                                            int64_t{INT64_MIN},
                                            uint64_t{UINT64_MAX},
                                            0.5,
                                            "",
                                            std::string(3000, 'x'),
                                            std::string("\0\x01", 2),
                                            Json::array(),
                                            Json::array({nullptr}),
                                            Json::array({Json::array({Json::array()})}),
                                            Json::object(),
                                            {{"a", {{"b", Json::array({1, "2", nullptr})}}}},
                                            {{"type", "function"}},
                                            {{"role", 3}}};
    return kJunk[pick(kJunk.size())];
  }

  const Json& document_;
  std::mt19937_64 random_;
};

std::string damaged_text(std::string text, Generator& generator) {
  if (text.empty() || !generator.chance(10)) return text;
  const size_t at = generator.pick(text.size());
  if (generator.chance(50)) return text.substr(0, at);
  text[at] = static_cast<char>(generator.pick(256));
  return text;
}

class FuzzTest : public ServiceTest {};

TEST_F(FuzzTest, every_route_answers_whatever_it_is_sent) {
  std::ifstream file(BANTAM_SOURCE_DIR "/docs/openapi.json");
  const Json document = parse_json(std::string(std::istreambuf_iterator<char>(file), {}), "docs/openapi.json");
  backend_.set({.pieces = {"ok"}});
  ConversationStore conversations(folder_ / "conversations.db");
  page_.conversations = &conversations;
  batches_ = std::make_unique<Batches>(folder_ / "batches.db");
  Generator generator(document, 1);
  int good = 0, refused = 0;
  for (const auto& [pattern, methods] : document["paths"].items()) {
    for (const auto& [name, operation] : methods.items()) {
      if (!operation.contains("requestBody")) continue;
      const Json& content = operation["requestBody"]["content"];
      if (!content.contains("application/json")) continue;
      const Json& schema = content["application/json"]["schema"];
      std::string path = pattern, method = name;
      for (char& c : method) c = static_cast<char>(c & ~0x20);
      for (size_t brace = path.find('{'); brace != std::string::npos; brace = path.find('{')) {
        path.replace(brace, path.find('}') - brace + 1, "fake");
      }
      for (int i = 0; i < kCasesPerRoute; ++i) {
        const std::string body = damaged_text(to_line(generator.value(schema, i % 4 == 0 ? 0 : 8)), generator);
        // One each: a request that is refused before its body is read ends its connection, as all are once one has made
        // a key.
        const TestReply reply = ask(method, path + "?api-version=1", body);
        const bool taken = reply.status == 200 || reply.status == 201;
        ASSERT_TRUE(taken || (reply.status >= 400 && reply.status < 500)) << method << " " << path << "\n"
                                                                          << body << "\n"
                                                                          << reply.status << " " << reply.body;
        ++(taken ? good : refused);
        if (taken) continue;
        const Json error = parse_json(reply.body, "a response");
        ASSERT_TRUE(error.contains("error")) << reply.body;
        ASSERT_EQ(error["error"].is_string(), path.starts_with("/api/")) << reply.body;
      }
    }
  }
  EXPECT_GT(good, 100) << "the cases reach the handlers";
  EXPECT_GT(refused, 300);
  EXPECT_EQ(backend_.running(), 0);
  server_.reset();
}

}  // namespace
}  // namespace bantam
