#include "store/pull.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_folder.h"
#include "store/test_hub.h"
#include "store/test_server.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A hub with one repository, whose large files are on another server.
class PullTest : public testing::Test {
 protected:
  PullTest() { options_.first_wait_ms = 1; }

  ServerReply answer(const ServerRequest& request) {
    if (request.path.starts_with("/api/")) return {.body = hub_listing(files_)};
    const std::string name = request.path.substr(request.path.rfind('/') + 1);
    if (!files_.contains(name)) return {.status = 404};
    if (!name.ends_with("json")) return {.status = 302, .headers = {{"Location", cdn_.url("/" + name)}}};
    return {.body = files_[name]};
  }

  Manifest pull_as(const std::string& name) {
    HttpTransfers http({});
    const RemoteModel model = find_on_hub(http, parse_hub_model("hf:org/model"), hub_.url(), {1, {}});
    StoreEdit edit(store_);
    return pull(edit, http, model, name, options_);
  }

  std::map<std::string, std::string> files_{
      {"config.json", "{}"}, {"tokenizer.json", "[]"}, {"model.safetensors", std::string(50'000, 's')}};
  TestFolder folder_;
  Store store_{folder_ / "store"};
  DownloadOptions options_;
  TestServer cdn_{[this](const ServerRequest& request) { return ServerReply{.body = files_[request.path.substr(1)]}; }};
  TestServer hub_{[this](const ServerRequest& request) { return answer(request); }};
};

TEST_F(PullTest, a_repository_becomes_a_folder_with_a_name) {
  uint64_t last = 0;
  options_.progress = [&](const DownloadProgress& p) {
    last = std::max(last, p.done);
    EXPECT_EQ(p.total, 50'004u);
  };
  const Manifest manifest = pull_as("m");
  EXPECT_EQ(last, 50'004u);
  EXPECT_EQ(manifest.revision, kTestCommit);
  EXPECT_EQ(manifest.licence, "mit");
  const fs::path folder = store_.model_path(store_.get("m"));
  for (const auto& [name, bytes] : files_) EXPECT_EQ(read_file(folder / name), bytes);
  EXPECT_EQ(store_.unfinished_bytes(), 0u);
}

TEST_F(PullTest, files_that_are_there_are_not_fetched_again) {
  pull_as("m");
  const size_t before = cdn_.requests().size();
  pull_as("again");
  EXPECT_EQ(cdn_.requests().size(), before);
  EXPECT_EQ(store_.list().size(), 2u);
}

TEST_F(PullTest, an_interrupted_pull_publishes_nothing_and_goes_on) {
  options_.chunk_bytes = 10'000;
  options_.connections = 1;
  options_.progress = [](const DownloadProgress& p) {
    if (p.done > 30'000) throw std::string("Ctrl-C");
  };
  EXPECT_THROW(pull_as("m"), std::string);
  EXPECT_TRUE(store_.list().empty());
  EXPECT_GT(store_.unfinished_bytes(), 0u);
  const size_t before = cdn_.requests().size();
  options_.progress = {};
  pull_as("m");
  EXPECT_LE(cdn_.requests().size() - before, 3u);
  EXPECT_EQ(store_.unfinished_bytes(), 0u);
}

TEST_F(PullTest, a_page_in_place_of_a_model_is_refused) {
  TestServer server([](const ServerRequest&) { return ServerReply{.body = "<!DOCTYPE html><title>Log in"}; });
  HttpTransfers http({});
  StoreEdit edit(store_);
  try {
    pull(edit, http, model_at_url(server.url("/m.gguf"), ""), "m", options_);
    FAIL() << "was taken";
  } catch (const FormatError& error) {
    EXPECT_THAT(error.what(), HasSubstr("begins with '<!DOCTYPE html><'"));
  }
  EXPECT_EQ(store_.unfinished_bytes(), 0u);
}

}  // namespace
}  // namespace bantam
