// What the page keeps of conversations, over HTTP: whose they are, how they are found, and that deleted is gone.
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "base/file.h"
#include "server/page/conversation_search.h"
#include "server/page/conversation_store.h"
#include "server/test_service.h"

namespace bantam {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ConversationsTest : public ServiceTest {
 protected:
  ConversationsTest() { page_.conversations = &store_; }
  ~ConversationsTest() override { server_.reset(); }

  Json call(std::string_view method, const std::string& path, const Json& body = nullptr, int status = 200,
            const std::string& key = "") {
    const TestReply reply = ask(method, path, body.is_null() ? "" : to_line(body), key);
    EXPECT_EQ(reply.status, status) << method << " " << path << " " << reply.body;
    return reply.body.empty() ? Json() : parse_json(reply.body, "a response");
  }
  void make(const std::string& id, const std::string& title, const Json& more = Json::object(),
            const std::string& key = "") {
    Json body = {{"id", id}, {"title", title}};
    body.update(more);
    call("POST", "/bantam/conversations", body, 201, key);
  }
  void say(const std::string& id, const std::string& message, const std::string& parent, const std::string& content) {
    const Json body = {
        {"parent", parent.empty() ? Json(nullptr) : Json(parent)}, {"role", "user"}, {"content", content}};
    call("PUT", "/bantam/conversations/" + id + "/messages/" + message, body);
  }
  std::vector<std::string> listed(const std::string& query = "", const std::string& key = "") {
    std::vector<std::string> out;
    const Json list = call("GET", "/bantam/conversations" + query, nullptr, 200, key);
    for (const Json& c : list["conversations"]) out.push_back(c["id"]);
    return out;
  }
  // A header with a new key that was made so long after 1970.
  std::string key_made_at(int64_t ms, const std::string& scopes = "") {
    return "Authorization: Bearer " + TenantStore(database()).create("team", parse_scopes(scopes), {}, ms).secret +
           "\r\n";
  }
  // Everything that is on the disk.
  std::string bytes() const {
    std::string out;
    for (const char* name : {"conversations.db", "conversations.db-wal", "conversations.db-shm"}) {
      if (std::filesystem::exists(folder_ / name)) out += read_file(folder_ / name);
    }
    return out;
  }

  ConversationStore store_{folder_ / "conversations.db"};
};

TEST_F(ConversationsTest, a_conversation_is_a_tree_with_the_branch_that_is_shown) {
  make("c1", "Backups", {{"settings", {{"model", "fake"}, {"temperature", 0.5}}}});
  say("c1", "m1", "", "Who makes them?");
  say("c1", "m2", "m1", "Kim does.");
  say("c1", "m3", "m1", "Nobody does.");  // another answer to the same
  Json c = call("GET", "/bantam/conversations/c1");
  EXPECT_EQ(c["title"], "Backups");
  EXPECT_EQ(c["settings"]["temperature"], 0.5);
  EXPECT_EQ(c["head"], "m3");
  ASSERT_EQ(c["messages"].size(), 3u);
  EXPECT_EQ(c["messages"][0]["parent"], nullptr);
  EXPECT_EQ(c["messages"][2]["parent"], "m1");
  c = call("PATCH", "/bantam/conversations/c1",
           {{"head", "m2"}, {"title", "백업"}, {"pinned", true}, {"folder", "일"}});
  EXPECT_EQ(c["head"], "m2");
  EXPECT_EQ(c["title"], "백업");
  EXPECT_EQ(c["pinned"], true);
  EXPECT_EQ(c["folder"], "일");
  say("c1", "m2", "m1", "Kim does, every night.");
  c = call("GET", "/bantam/conversations/c1");
  EXPECT_EQ(c["messages"].size(), 3u) << "the same message again is no other";
  EXPECT_EQ(c["messages"][1]["content"], "Kim does, every night.");
  EXPECT_EQ(c["head"], "m2");
}

TEST_F(ConversationsTest, what_makes_no_sense_is_refused_by_name) {
  make("c1", "t");
  say("c1", "m1", "", "a");
  say("c1", "m2", "m1", "b");
  const auto refused = [&](std::string_view method, const std::string& path, const Json& body, int status) {
    return call(method, path, body, status)["error"]["message"].get<std::string>();
  };
  const std::string messages = "/bantam/conversations/c1/messages/";
  EXPECT_THAT(refused("PUT", messages + "m3", {{"parent", "none"}, {"role", "user"}, {"content", "x"}}, 400),
              HasSubstr("parent"));
  EXPECT_THAT(refused("PUT", messages + "m1", {{"parent", "m2"}, {"role", "user"}, {"content", "x"}}, 400),
              HasSubstr("tree"));
  EXPECT_THAT(refused("PUT", messages + "m3", {{"role", "boss"}, {"content", "x"}}, 400), HasSubstr("role"));
  EXPECT_THAT(refused("PUT", messages + "m3", {{"role", "user"}}, 400), HasSubstr("content"));
  EXPECT_THAT(refused("PUT", messages + "a%2Fb", {{"role", "user"}, {"content", "x"}}, 400), HasSubstr("message"));
  EXPECT_THAT(
      refused("PUT", messages + "m3", {{"role", "user"}, {"content", std::string(kMostMessageBytes + 1, 'a')}}, 400),
      HasSubstr("1048577 bytes"));
  EXPECT_THAT(refused("PATCH", "/bantam/conversations/c1", {{"head", "none"}}, 400), HasSubstr("head"));
  EXPECT_THAT(refused("PATCH", "/bantam/conversations/c1", {{"title", std::string(501, 'a')}}, 400),
              HasSubstr("title"));
  EXPECT_THAT(refused("POST", "/bantam/conversations", {{"id", "c1"}}, 409), HasSubstr("c1"));
  refused("GET", "/bantam/conversations/none", nullptr, 404);
  refused("DELETE", "/bantam/conversations/none", nullptr, 404);
  EXPECT_THAT(refused("GET", "/bantam/conversations?limit=x", nullptr, 400), HasSubstr("limit"));
}

TEST_F(ConversationsTest, the_list_comes_in_pages_with_pinned_ones_first) {
  for (int i = 0; i < 7; ++i) make(fmt::format("c{}", i), "t", {{"folder", i % 2 ? "odd" : ""}});
  call("PATCH", "/bantam/conversations/c2", {{"pinned", true}});
  EXPECT_THAT(listed("?limit=3"), ElementsAre("c2", "c6", "c5"));
  EXPECT_THAT(listed("?limit=3&before=c5"), ElementsAre("c4", "c3", "c1"));
  EXPECT_THAT(listed("?limit=3&before=c1"), ElementsAre("c0"));
  EXPECT_THAT(listed("?before=1"), ElementsAre());
  EXPECT_EQ(listed("?before=4000000000").size(), 6u) << "a time: all but the pinned one";
  EXPECT_EQ(call("GET", "/bantam/conversations?limit=6")["more"], true);
  EXPECT_EQ(call("GET", "/bantam/conversations?limit=7")["more"], false);
  EXPECT_THAT(listed("?folder=odd"), ElementsAre("c5", "c3", "c1"));
}

TEST_F(ConversationsTest, search_finds_words_of_titles_and_messages_in_both_languages) {
  make("en", "Travel rules");
  say("en", "m1", "", "A night in a HOTEL costs 120 euros at most.");
  make("ko", "휴가");
  say("ko", "m1", "", "연차는 며칠인가요? 입사 첫해에는 열한 날입니다.");
  make("odd", "100% sure_thing");
  EXPECT_THAT(listed("?q=hotel"), ElementsAre("en"));
  EXPECT_THAT(listed("?q=hotel%20travel"), ElementsAre("en")) << "one word in the title, one in a message";
  EXPECT_THAT(listed("?q=hotel+holiday"), ElementsAre());
  EXPECT_THAT(listed("?q=%EC%97%B0%EC%B0%A8"), ElementsAre("ko")) << "연차, two syllables of a longer word";
  EXPECT_THAT(listed("?q=%E1%84%92%E1%85%B2%E1%84%80%E1%85%A1"), ElementsAre("ko"))
      << "휴가 in pieces, as macOS types it";
  EXPECT_THAT(listed("?q=0%25"), ElementsAre("odd")) << "a percent sign is a percent sign";
  EXPECT_THAT(listed("?q=e_t"), ElementsAre("odd"));
  EXPECT_EQ(call("GET", "/bantam/conversations?q=hotel")["conversations"][0]["snippet"],
            "A night in a HOTEL costs 120 euros at most.");
}

TEST_F(ConversationsTest, each_key_has_its_own) {
  make("before", "without keys");
  const std::string one = new_key(), two = new_key({}, "chat"), none = new_key({}, "models");
  make("c1", "mine", Json::object(), one);
  make("c1", "yours", Json::object(), two);
  EXPECT_EQ(call("GET", "/bantam/conversations/c1", nullptr, 200, one)["title"], "mine");
  EXPECT_EQ(call("GET", "/bantam/conversations/c1", nullptr, 200, two)["title"], "yours");
  make("c2", "mine", Json::object(), one);
  for (const char* method : {"GET", "DELETE"}) call(method, "/bantam/conversations/c2", nullptr, 404, two);
  call("PATCH", "/bantam/conversations/c2", {{"title", "x"}}, 404, two);
  call("PUT", "/bantam/conversations/c2/messages/m", {{"role", "user"}, {"content", "x"}}, 404, two);
  EXPECT_THAT(listed("", two), ElementsAre("c1"));
  EXPECT_THAT(ask("GET", "/bantam/export", "", two).body, Not(HasSubstr("mine")));
  call("GET", "/bantam/conversations", nullptr, 401);
  call("GET", "/bantam/conversations", nullptr, 403, none);
}

TEST_F(ConversationsTest, what_was_said_before_there_were_keys_is_the_first_owner_s_and_nobody_else_s) {
  make("before", "said without keys");
  say("before", "m1", "", "a secret");
  const std::string partner = key_made_at(3), owner = key_made_at(2), guest = key_made_at(1, "chat");
  for (const std::string& other : {guest, partner}) {
    EXPECT_THAT(listed("", other), ElementsAre());
    EXPECT_THAT(listed("?q=secret", other), ElementsAre());
    call("GET", "/bantam/conversations/before", nullptr, 404, other);
    EXPECT_THAT(ask("GET", "/bantam/export", "", other).body, Not(HasSubstr("secret")));
  }
  EXPECT_EQ(call("GET", "/bantam/conversations/before", nullptr, 200, owner)["messages"].size(), 1u);
  EXPECT_THAT(listed("?q=secret", owner), ElementsAre("before"));
  make("after", "said with a key", Json::object(), owner);
  EXPECT_THAT(listed("", owner).size(), 2u);
  EXPECT_THAT(listed("", partner), ElementsAre());
}

TEST_F(ConversationsTest, when_the_first_owner_s_key_was_revoked_the_next_one_has_what_was_said_before_keys) {
  make("before", "said without keys");
  const std::string next = key_made_at(2);
  key_made_at(1);
  TenantStore(database()).revoke(TenantStore(database()).keys().front().id);
  EXPECT_THAT(listed("", next), ElementsAre("before"));
}

TEST_F(ConversationsTest, export_and_import_give_the_same_again) {
  make("c1", "Backups", {{"folder", "work"}, {"settings", {{"system", "Be brief."}}}});
  say("c1", "m1", "", "Who?");
  say("c1", "m2", "m1", "Kim.");
  make("c2", "empty");
  const TestReply exported = ask("GET", "/bantam/export");
  const Json all = parse_json(exported.body, "the export");
  EXPECT_EQ(all["version"], 1);
  ASSERT_EQ(all["conversations"].size(), 2u);
  EXPECT_EQ(call("POST", "/bantam/import", all), Json({{"imported", 0}, {"skipped", 2}}));
  call("DELETE", "/bantam/conversations/c1", nullptr, 204);
  EXPECT_EQ(call("POST", "/bantam/import", all), Json({{"imported", 1}, {"skipped", 1}}));
  EXPECT_TRUE(std::filesystem::is_empty(store_.incoming()));
  EXPECT_EQ(call("GET", "/bantam/conversations/c1"), all["conversations"][0]);
  Json wrong = all;
  wrong["conversations"][0]["id"] = "c3";
  wrong["conversations"][0]["messages"][1]["parent"] = "none";
  const std::string message = call("POST", "/bantam/import", wrong, 400)["error"]["message"];
  EXPECT_THAT(message, HasSubstr("none"));
  call("GET", "/bantam/conversations/c3", nullptr, 404);
}

TEST_F(ConversationsTest, pages_of_other_sites_read_and_change_nothing) {
  make("c1", "secret");
  for (const char* method : {"GET", "DELETE"}) {
    EXPECT_EQ(ask(method, "/bantam/conversations/c1", "", "Origin: https://evil.example\r\n").status, 403);
  }
  EXPECT_EQ(ask("POST", "/bantam/import", "{}", "Origin: null\r\n").status, 403);
  TestClient client(port());
  client.send("GET /bantam/export HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_EQ(client.reply().status, 403) << "a name that points to this machine (DNS rebinding)";
}

// Messages of many sizes that grow, move and split pages: no byte of what is deleted stays anywhere.
TEST_F(ConversationsTest, deleted_is_gone_from_the_bytes_of_all_files) {
  std::mt19937 random(1);
  const auto text = [&](const std::string& mark, size_t size) {
    std::string out;
    while (out.size() < size) out += mark + fmt::format(" {} ", random() % 1000);
    return out;
  };
  for (const char* id : {"gone", "kept"}) make(id, fmt::format("title-{}", id));
  for (int i = 0; i < 120; ++i) {
    for (const char* id : {"gone", "kept"}) {
      const std::string message = fmt::format("m{}", i % 90);
      const std::string parent = i % 90 == 0 ? "" : "m0";
      store_.put("", id,
                 {message, parent, "user", text(fmt::format("secret-{}", id), random() % (random() % 3 ? 300 : 6000)),
                  "{\"k\":\"data\"}", 0},
                 i);
    }
  }
  ASSERT_THAT(bytes(), HasSubstr("secret-gone"));
  call("DELETE", "/bantam/conversations/gone", nullptr, 204);
  EXPECT_THAT(bytes(), Not(HasSubstr("secret-gone")));
  EXPECT_THAT(bytes(), Not(HasSubstr("title-gone")));
  EXPECT_THAT(bytes(), HasSubstr("secret-kept"));
  EXPECT_EQ(call("GET", "/bantam/conversations/kept")["messages"].size(), 90u);
}

TEST_F(ConversationsTest, what_was_answered_survives_kill) {
  const std::filesystem::path path = folder_ / "killed.db";
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ConversationStore store(path);
    StoredConversation c;
    c.info.id = "c1";
    c.settings = "{}";
    store.add("", {&c, 1});
    for (int i = 0;; ++i) {
      store.put("", "c1", {fmt::format("m{}", i), "", "user", std::string(2000, 'x'), "{}", 0}, i);
      if (::write(told[1], "x", 1) != 1) ::_exit(1);
    }
  }
  size_t answered = 0;
  for (char c; answered < 40 && ::read(told[0], &c, 1) == 1;) ++answered;
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(told[1]);
  for (char c; ::read(told[0], &c, 1) == 1;) ++answered;
  ::close(told[0]);
  ConversationStore store(path);
  const auto found = store.get("", "c1");
  ASSERT_TRUE(found);
  EXPECT_GE(found->messages.size(), answered);
  EXPECT_LE(found->messages.size(), answered + 1) << "one may have been on its way";
  for (const StoredMessage& m : found->messages) EXPECT_EQ(m.content.size(), 2000u);
}

TEST_F(ConversationsTest, a_file_that_is_none_of_conversations_is_named) {
  folder_.write("other.db", std::string(5000, 'x'));
  try {
    const ConversationStore store(folder_ / "other.db");
    FAIL() << "it was opened";
  } catch (const FormatError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("other.db"), HasSubstr("not a file of conversations")));
  }
}

TEST(ConversationSearchTest, a_snippet_is_cut_at_characters) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "가나\n";
  text += "찾을말";
  for (int i = 0; i < 200; ++i) text += " 다라";
  const std::string snippet = snippet_around(text, "찾을말");
  EXPECT_THAT(snippet, HasSubstr("찾을말"));
  EXPECT_TRUE(snippet.starts_with("…") && snippet.ends_with("…")) << snippet;
  EXPECT_EQ(to_line(Json(snippet)).find("\xEF\xBF\xBD"), std::string::npos) << "no broken character";
}

}  // namespace
}  // namespace bantam
