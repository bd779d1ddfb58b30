#include "server/batches.h"

#include <array>
#include <chrono>
#include <thread>

#include "server/multipart.h"
#include "server/test_service.h"

namespace bantam {
namespace {

using testing::HasSubstr;

class BatchesTest : public ServiceTest {
 protected:
  void open(const std::string& name = "batches.db") {
    batches_ = std::make_unique<Batches>(folder_ / name);
    start();
    parts_ = std::make_unique<ServerParts>(
        ServerParts{.backend = backend_, .tenants = *tenants_, .metrics = metrics_, .batches = batches_.get()});
    batches_->start(*parts_);
  }
  ~BatchesTest() override {
    if (batches_) batches_->stop();
  }

  TestReply upload(const std::string& content, const std::string& headers = "", const std::string& purpose = "batch",
                   const std::string& path = "/v1/files") {
    const std::string body =
        "--xyz\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n" + purpose +
        "\r\n--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"in.jsonl\"\r\nContent-Type: "
        "application/jsonl\r\n\r\n" +
        content + "\r\n--xyz--\r\n";
    return ask("POST", path, body, headers + "Content-Type: multipart/form-data; boundary=xyz\r\n");
  }
  static std::string line(const std::string& id, const Json& body, const std::string& url = "/v1/chat/completions") {
    return to_line({{"custom_id", id}, {"method", "POST"}, {"url", url}, {"body", body}}) + "\n";
  }
  Json begin(const std::string& content, const std::string& headers = "") {
    const Json file = parse_json(upload(content, headers).body, "a file");
    return good("/v1/batches",
                {{"input_file_id", file["id"]},
                 {"endpoint", "/v1/chat/completions"},
                 {"completion_window", "24h"},
                 {"metadata", {{"for", "test"}}}},
                headers);
  }
  Json wait_for(const std::string& id, const std::string& status) {
    Json batch;
    for (int i = 0; i < 2000; ++i) {
      batch = get("/v1/batches/" + id);
      if (batch["status"] == status) return batch;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << "no " << status << ": " << to_line(batch);
    return batch;
  }

  std::unique_ptr<ServerParts> parts_;
};

TEST_F(BatchesTest, requests_of_a_file_are_answered_in_the_background) {
  open();
  const Json begun = begin(line("a", chat()) + "\n" + line("b", with(chat(), "temperature", 9)) + line("c", chat()));
  EXPECT_EQ(begun["object"], "batch");
  const Json done = wait_for(begun["id"], "completed");
  EXPECT_EQ(done["request_counts"], Json({{"total", 3}, {"completed", 2}, {"failed", 1}}));
  EXPECT_EQ(done["metadata"]["for"], "test");
  const std::vector<Json> good =
      lines(ask("GET", "/v1/files/" + done["output_file_id"].get<std::string>() + "/content").body);
  ASSERT_EQ(good.size(), 2U);
  EXPECT_EQ(good[0]["custom_id"], "a");
  EXPECT_EQ(good[1]["custom_id"], "c");
  EXPECT_EQ(good[0]["response"]["status_code"], 200);
  EXPECT_EQ(good[0]["response"]["body"]["object"], "chat.completion");
  const std::vector<Json> bad =
      lines(ask("GET", "/v1/files/" + done["error_file_id"].get<std::string>() + "/content").body);
  ASSERT_EQ(bad.size(), 1U);
  EXPECT_EQ(bad[0]["response"]["status_code"], 400);
  EXPECT_EQ(bad[0]["response"]["body"]["error"]["param"], "temperature");
  EXPECT_EQ(get("/v1/batches")["data"].size(), 1U);
  EXPECT_EQ(get("/v1/files")["data"].size(), 3U);
  int64_t requests = 0;
  for (const UsageTotal& total : totals()) requests += total.requests;
  EXPECT_EQ(requests, 2) << "what was answered is in the ledger";
}

TEST_F(BatchesTest, azures_paths_lead_to_the_same_files_and_batches) {
  open();
  const std::string version = "?api-version=2024-10-21";
  for (const auto& [files, batches, query] : {std::array<std::string, 3>{"/openai/files", "/openai/batches", version},
                                              {"/openai/v1/files", "/openai/v1/batches", ""}}) {
    const Json file =
        parse_json(upload(line("a", chat(), "/chat/completions"), "", "batch", files + query).body, "a file");
    const Json begun =
        good(batches + query,
             {{"input_file_id", file["id"]}, {"endpoint", "/chat/completions"}, {"completion_window", "24h"}});
    EXPECT_EQ(begun["endpoint"], "/chat/completions");
    const Json done = wait_for(begun["id"], "completed");
    EXPECT_EQ(get(batches + "/" + begun["id"].get<std::string>() + query)["status"], "completed");
    const std::string output = files + "/" + done["output_file_id"].get<std::string>();
    EXPECT_EQ(lines(ask("GET", output + "/content" + query).body)[0]["response"]["status_code"], 200);
    EXPECT_EQ(ask("DELETE", output + query).status, 200);
  }
  EXPECT_EQ(ask("GET", "/openai/files").status, 404);  // no api-version
  EXPECT_EQ(get("/openai/v1/batches")["data"].size(), 2U);
}

TEST_F(BatchesTest, a_file_that_holds_no_requests_fails_its_batch) {
  open();
  const std::pair<std::string, const char*> kFiles[] = {{"", "no requests"},
                                                        {"{", "line 1"},
                                                        {"[]\n", "no object"},
                                                        {line("a", chat(), "/v1/embeddings"), "url"},
                                                        {line("a", chat()) + line("a", chat()), "twice"},
                                                        {line("a", with(chat(), "stream", true)), "stream"},
                                                        {std::string(200'000, '['), "deeper"}};
  for (const auto& [content, why] : kFiles) {
    const Json failed = wait_for(begin(content)["id"], "failed");
    EXPECT_THAT(to_line(failed["errors"]), HasSubstr(why));
  }
  EXPECT_EQ(backend_.submitted(), 0);
}

TEST_F(BatchesTest, a_batch_goes_on_where_a_server_that_was_stopped_left_it) {
  open();
  backend_.set({.held = true});
  const std::string id = begin(line("a", chat()) + line("b", chat()))["id"];
  wait_for(id, "in_progress");
  batches_->store.add_result(id, 0, true, "{\"custom_id\":\"a\"}");  // as if the first had been answered
  server_.reset();
  batches_->stop();
  EXPECT_EQ(batches_->store.batch("local", id)->status, "in_progress");
  batches_.reset();
  backend_.set({});
  open();
  const Json done = wait_for(id, "completed");
  EXPECT_EQ(done["request_counts"]["completed"], 2);
}

TEST_F(BatchesTest, a_cancelled_batch_ends_with_what_is_done) {
  open();
  backend_.set({.held = true});
  const std::string id = begin(line("a", chat()) + line("b", chat()))["id"];
  wait_for(id, "in_progress");
  EXPECT_EQ(ask("POST", "/v1/batches/" + id + "/cancel").status, 200);
  const Json done = wait_for(id, "cancelled");
  EXPECT_TRUE(done["output_file_id"].is_null());
  EXPECT_EQ(done["request_counts"]["completed"], 0);
  EXPECT_EQ(backend_.running(), 0);
}

TEST_F(BatchesTest, tenants_see_only_their_own) {
  open();
  const std::string mine = new_key(), my_batch = begin(line("a", chat()), mine)["id"];
  const std::string my_file = parse_json(upload("x", mine).body, "a file")["id"];
  const std::string theirs = new_key();
  EXPECT_EQ(ask("GET", "/v1/batches/" + my_batch, "", mine).status, 200);
  EXPECT_EQ(ask("GET", "/v1/batches/" + my_batch, "", theirs).status, 404);
  EXPECT_EQ(ask("POST", "/v1/batches/" + my_batch + "/cancel", "", theirs).status, 404);
  for (const char* path : {"", "/content"})
    EXPECT_EQ(ask("GET", "/v1/files/" + my_file + path, "", theirs).status, 404);
  EXPECT_EQ(ask("DELETE", "/v1/files/" + my_file, "", theirs).status, 404);
  EXPECT_EQ(post("/v1/batches",
                 {{"input_file_id", my_file}, {"endpoint", "/v1/completions"}, {"completion_window", "24h"}}, theirs)
                .status,
            404);
  EXPECT_EQ(ask("DELETE", "/v1/files/" + my_file, "", mine).status, 200);
  EXPECT_EQ(ask("GET", "/v1/files/" + my_file, "", mine).status, 404);
  const std::string narrow = new_key({}, "chat");
  EXPECT_EQ(ask("GET", "/v1/files", "", narrow).status, 403);
}

TEST_F(BatchesTest, forms_that_are_none_are_refused) {
  open();
  EXPECT_EQ(upload("x", "", "fine-tune").status, 400);
  const std::string type = "Content-Type: multipart/form-data; boundary=xyz\r\n";
  for (const char* body :
       {"", "x", "--xyz", "--xyz\r\n", "--xyz\r\n\r\n", "--xyz--", "--xyz\r\nA: b\r\n\r\nc\r\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nc"}) {
    EXPECT_EQ(ask("POST", "/v1/files", body, type).status, 400) << body;
  }
  EXPECT_EQ(ask("POST", "/v1/files", "{}", "Content-Type: application/json\r\n").status, 400);
  EXPECT_EQ(ask("POST", "/v1/files", "x", "Content-Type: multipart/form-data\r\n").status, 400);
}

TEST_F(BatchesTest, a_draining_server_says_so_and_takes_nothing_new) {
  EXPECT_EQ(ask("GET", "/ready").status, 200);
  draining_ = true;
  EXPECT_EQ(ask("GET", "/ready").status, 503);
  EXPECT_EQ(ask("GET", "/health").status, 200);
  const TestReply reply = post("/v1/chat/completions", chat());
  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(reply.body, HasSubstr("shutting_down"));
}

}  // namespace
}  // namespace bantam
