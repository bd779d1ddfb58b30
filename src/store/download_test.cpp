#include "store/download.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/test_folder.h"
#include "store/test_server.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string random_bytes(size_t size, uint64_t seed = 1) {
  Rng rng(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(rng.next());
  return bytes;
}

bool has_range(const ServerRequest& request) { return !request.header("range").empty(); }
bool is_probe(const ServerRequest& request) { return request.header("range") == "bytes=0-0"; }

class DownloadTest : public testing::Test {
 protected:
  DownloadTest() {
    options_.chunk_bytes = 10'000;
    options_.first_wait_ms = 1;
    options_.notice = [this](const std::string& text) { notices_.push_back(text); };
  }

  DownloadSource source(const TestServer& server, const std::string& path = "/m.gguf") const {
    return {server.url(path), "", {}, to_hex(sha256(content_))};
  }

  DownloadedFile fetch(const DownloadSource& source) {
    HttpTransfers http({});
    return download(http, source, part_, options_);
  }

  std::string refusal(const DownloadSource& source) {
    try {
      fetch(source);
    } catch (const IoError& error) {
      return error.what();
    }
    return "no refusal";
  }

  void expect_content(const DownloadedFile& file) const {
    EXPECT_EQ(file.sha256, to_hex(sha256(content_)));
    EXPECT_EQ(file.size, content_.size());
    EXPECT_TRUE(read_file(part_) == content_);
  }

  std::string content_ = random_bytes(95'001);
  TestFolder folder_;
  fs::path part_ = folder_ / "m.part";
  DownloadOptions options_;
  std::vector<std::string> notices_;
};

TEST_F(DownloadTest, a_file_comes_in_ranges_side_by_side) {
  TestServer server([&](const ServerRequest&) { return ServerReply{.body = content_}; });
  std::vector<uint64_t> seen;
  options_.progress = [&](const DownloadProgress& p) { seen.push_back(p.done); };
  expect_content(fetch(source(server)));
  EXPECT_EQ(server.requests().size(), 11u);  // one asks for the size, ten chunks
  EXPECT_EQ(seen.back(), content_.size());
}

TEST_F(DownloadTest, files_of_every_size_around_a_chunk_arrive_whole) {
  for (const size_t size : {0u, 1u, 2u, 9'999u, 10'000u, 10'001u, 20'000u}) {
    content_ = random_bytes(size, size);
    TestServer server([&](const ServerRequest&) { return ServerReply{.body = content_}; });
    expect_content(fetch(source(server)));
    fs::remove(part_);
    fs::remove(download_state(part_));
  }
}

TEST_F(DownloadTest, a_server_without_ranges_is_read_in_one_stream) {
  TestServer server([&](const ServerRequest&) { return ServerReply{.body = content_, .ranges = false}; });
  expect_content(fetch(source(server)));
  EXPECT_FALSE(fs::exists(download_state(part_)));
}

TEST_F(DownloadTest, broken_connections_go_on_where_they_stopped) {
  TestServer server([&](const ServerRequest& request) {
    ServerReply reply{.body = content_};
    if (!is_probe(request)) reply.break_after = 4'000;
    return reply;
  });
  expect_content(fetch(source(server)));
  uint64_t asked = 0;
  for (const ServerRequest& request : server.requests()) asked += !is_probe(request);
  EXPECT_EQ(asked, 9u * 3 + 2);  // 4000 + 4000 + 2000 bytes of each whole chunk, 4000 + 1001 of the last
}

TEST_F(DownloadTest, a_broken_stream_without_ranges_begins_again) {
  int streams = 0;
  TestServer server([&](const ServerRequest& request) {
    ServerReply reply{.body = content_, .ranges = false};
    if (!has_range(request) && ++streams < 3) reply.break_after = 50'000;
    return reply;
  });
  expect_content(fetch(source(server)));
  EXPECT_EQ(streams, 3);
}

TEST_F(DownloadTest, an_interrupted_download_goes_on_with_the_chunks_it_has) {
  TestServer server([&](const ServerRequest&) { return ServerReply{.body = content_}; });
  options_.connections = 1;
  options_.progress = [](const DownloadProgress& p) {
    if (p.done >= 50'000) throw std::string("Ctrl-C");
  };
  EXPECT_THROW(fetch(source(server)), std::string);
  const size_t before = server.requests().size();
  EXPECT_LT(before, 9u);
  options_.progress = {};
  expect_content(fetch(source(server)));
  EXPECT_LE(server.requests().size() - before, 6u);  // the size again, and the other half
}

TEST_F(DownloadTest, a_download_killed_outright_goes_on_with_the_chunks_it_had_finished) {
  TestServer server([&](const ServerRequest&) { return ServerReply{.body = content_}; });
  options_.connections = 1;
  const pid_t child = ::fork();
  if (child == 0) {
    options_.progress = [](const DownloadProgress& p) {
      if (p.done >= 50'000) ::raise(SIGKILL);
    };
    fetch(source(server));
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  const size_t before = server.requests().size();
  expect_content(fetch(source(server)));
  EXPECT_LE(server.requests().size() - before, 7u);
}

TEST_F(DownloadTest, a_state_that_is_behind_the_part_loses_only_what_it_does_not_know) {
  TestServer server([&](const ServerRequest&) { return ServerReply{.body = content_}; });
  expect_content(fetch(source(server)));
  std::string state = read_file(download_state(part_));
  const size_t last = state.rfind("10000,5001");
  ASSERT_NE(last, std::string::npos);
  state.replace(last, 10, "3000,0");
  std::ofstream(download_state(part_)) << state;
  const size_t before = server.requests().size();
  expect_content(fetch(source(server)));
  EXPECT_EQ(server.requests().size() - before, 3u);
}

TEST_F(DownloadTest, a_file_that_changed_since_is_fetched_from_the_start) {
  std::string tag = "\"a\"";
  TestServer server([&](const ServerRequest&) { return ServerReply{.headers = {{"ETag", tag}}, .body = content_}; });
  DownloadSource wanted = source(server);
  wanted.sha256 = "";  // with a hash, the hash decides
  fetch(wanted);
  content_ = random_bytes(content_.size(), 2);
  tag = "\"b\"";
  expect_content(fetch(wanted));
  EXPECT_THAT(notices_, testing::ElementsAre(HasSubstr("has changed since")));
}

TEST_F(DownloadTest, a_file_that_changes_meanwhile_is_refused_and_forgotten) {
  int replies = 0;
  TestServer server([&](const ServerRequest&) {
    return ServerReply{.headers = {{"ETag", ++replies < 5 ? "\"a\"" : "\"b\""}}, .body = content_};
  });
  DownloadSource wanted = source(server);
  wanted.sha256 = "";
  EXPECT_THAT(refusal(wanted), HasSubstr("changed on the server"));
  EXPECT_FALSE(fs::exists(part_));
  EXPECT_FALSE(fs::exists(download_state(part_)));
}

TEST_F(DownloadTest, a_wrong_hash_names_both_and_deletes_the_part) {
  TestServer server([&](const ServerRequest&) { return ServerReply{.body = content_}; });
  DownloadSource wanted = source(server);
  wanted.sha256 = std::string(64, 'a');
  EXPECT_THAT(refusal(wanted), AllOf(HasSubstr(wanted.sha256), HasSubstr(to_hex(sha256(content_)))));
  EXPECT_FALSE(fs::exists(part_));
  EXPECT_FALSE(fs::exists(download_state(part_)));
}

TEST_F(DownloadTest, another_size_than_announced_is_refused) {
  TestServer server([&](const ServerRequest&) { return ServerReply{.body = content_}; });
  DownloadSource wanted = source(server);
  wanted.size = 95'000;
  EXPECT_THAT(refusal(wanted), AllOf(HasSubstr("95001 bytes"), HasSubstr("95000")));
}

TEST_F(DownloadTest, server_errors_and_429_are_waited_out) {
  std::map<std::string, int> asked;
  TestServer server([&](const ServerRequest& request) {
    const int time = ++asked[request.header("range")];
    if (time == 1) return ServerReply{.status = 503};
    if (time == 2 && is_probe(request)) return ServerReply{.status = 429, .headers = {{"Retry-After", "1"}}};
    return ServerReply{.body = content_};
  });
  const auto began = std::chrono::steady_clock::now();
  expect_content(fetch(source(server)));
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
}

TEST_F(DownloadTest, a_rate_limit_header_says_how_long_to_wait) {
  int asked = 0;
  TestServer busy([&](const ServerRequest&) {
    ++asked;
    return ServerReply{.status = 429, .headers = {{"RateLimit", "\"resolvers\";r=0;t=7200"}}};
  });
  EXPECT_THAT(refusal(source(busy)), HasSubstr("asks to wait 7200 seconds"));
  EXPECT_EQ(asked, 1);
}

TEST_F(DownloadTest, a_server_that_never_recovers_is_given_up_in_words) {
  TestServer server([&](const ServerRequest&) { return ServerReply{.status = 500}; });
  EXPECT_THAT(refusal(source(server)), HasSubstr("answers 500"));
  TestServer busy([&](const ServerRequest&) {
    return ServerReply{.status = 429, .headers = {{"Retry-After", "7200"}}};
  });
  EXPECT_THAT(refusal(source(busy)), HasSubstr("asks to wait 7200 seconds"));
  EXPECT_EQ(busy.requests().size(), 1u);
}

TEST_F(DownloadTest, refusals_say_what_to_do) {
  int status = 0;
  std::string code;
  TestServer server([&](const ServerRequest&) {
    return ServerReply{.status = status, .headers = {{"X-Error-Code", code}}};
  });
  DownloadSource wanted = source(server);
  status = 401;
  EXPECT_THAT(refusal(wanted), AllOf(HasSubstr("token"), HasSubstr("HF_TOKEN"), HasSubstr("check the name")));
  status = 404;
  EXPECT_THAT(refusal(wanted), HasSubstr("check the name"));
  wanted.page = "https://hub/model";
  status = 403;
  EXPECT_THAT(refusal(wanted), HasSubstr("accept the licence on https://hub/model"));
  status = 401, code = "GatedRepo";
  EXPECT_THAT(refusal(wanted), HasSubstr("accept the licence on https://hub/model"));
  EXPECT_EQ(server.requests().size(), 4u);  // none is asked twice
}

TEST_F(DownloadTest, refusals_say_what_the_server_says) {
  int status = 0;
  std::map<std::string, std::string> headers;
  TestServer server([&](const ServerRequest&) { return ServerReply{.status = status, .headers = headers}; });
  DownloadSource wanted = source(server);
  wanted.page = "https://hub/model";
  status = 401, headers = {{"X-Error-Message", "Invalid credentials in Authorization header"}};
  EXPECT_THAT(refusal(wanted), AllOf(HasSubstr("token is not valid"), HasSubstr("Invalid credentials")));
  status = 403, headers = {{"X-Error-Message", "Access to this resource is disabled."}};
  EXPECT_THAT(refusal(wanted), AllOf(HasSubstr("has been disabled"), Not(HasSubstr("licence"))));
  status = 404, headers = {{"X-Error-Code", "EntryNotFound"}};
  EXPECT_THAT(refusal(wanted), HasSubstr("no such file"));
  status = 400, headers = {{"X-Error-Message", std::string("no\x1b[31m") + std::string(1000, 'x')}};
  EXPECT_THAT(refusal(wanted),
              AllOf(HasSubstr("answers 400 (the server says: no.[31mxxx"), Not(HasSubstr(std::string(300, 'x')))));
}

TEST_F(DownloadTest, a_redirect_that_names_the_hash_of_its_target_is_held_to_it) {
  std::string hash = to_hex(sha256(content_)), size = fmt::format("{}", content_.size());
  TestServer server([&](const ServerRequest& request) {
    if (request.path == "/m.gguf")
      return ServerReply{.status = 302,
                         .headers = {{"Location", "/bridge"},
                                     {"X-Linked-Etag", '"' + hash + '"'},
                                     {"X-Linked-Size", size},
                                     {"Link", "<https://x/auth>; rel=\"xet-auth\""}}};
    return ServerReply{.headers = {{"ETag", "\"another\""}}, .body = content_};
  });
  DownloadSource unknown = source(server);
  unknown.sha256.clear();
  unknown.size.reset();
  expect_content(fetch(unknown));
  hash = std::string(64, '0');
  EXPECT_THAT(refusal(unknown), HasSubstr("expected " + hash));
  hash = "0123456789abcdef0123456789abcdef01234567";  // of git, not of the bytes
  expect_content(fetch(unknown));
  size = "17";
  EXPECT_THAT(refusal(unknown), HasSubstr("17 were announced"));
}

TEST_F(DownloadTest, a_file_larger_than_the_disk_is_refused_before_it_is_fetched) {
  TestServer server(
      [&](const ServerRequest&) { return ServerReply{.body = content_, .claimed_size = uint64_t{1} << 60}; });
  EXPECT_THAT(refusal(source(server)), AllOf(HasSubstr("are needed"), HasSubstr("are free")));
  EXPECT_EQ(server.requests().size(), 1u);
  EXPECT_FALSE(fs::exists(part_));
}

TEST_F(DownloadTest, redirects_are_followed_once_and_again_when_their_target_expires) {
  int signature = 1, uses = 0;
  std::string base;
  TestServer server([&](const ServerRequest& request) {
    if (request.path == "/m.gguf")
      return ServerReply{.status = 302, .headers = {{"Location", fmt::format("/signed/{}", signature)}}};
    if (request.path != fmt::format("/signed/{}", signature)) return ServerReply{.status = 403};
    if (++uses == 5) ++signature;
    return ServerReply{.body = content_};
  });
  options_.connections = 1;
  expect_content(fetch(source(server)));
  const auto requests = server.requests();
  EXPECT_EQ(std::count_if(requests.begin(), requests.end(), [](const auto& r) { return r.path == "/m.gguf"; }), 2);
}

TEST_F(DownloadTest, redirects_without_end_or_to_other_protocols_are_refused) {
  std::string to = "/m.gguf";
  TestServer server([&](const ServerRequest&) { return ServerReply{.status = 302, .headers = {{"Location", to}}}; });
  EXPECT_THAT(refusal(source(server)), HasSubstr("more than 10 redirects"));
  to = "file:///etc/passwd";
  EXPECT_THAT(refusal(source(server)), HasSubstr("no http or https address"));
  to = "ftp://127.0.0.1/m";
  EXPECT_THAT(refusal(source(server)), HasSubstr("no http or https address"));
}

TEST_F(DownloadTest, a_token_goes_to_its_own_server_only) {
  TestServer other([&](const ServerRequest&) { return ServerReply{.body = content_}; });
  TestServer server([&](const ServerRequest& request) {
    if (request.path == "/m.gguf") return ServerReply{.status = 302, .headers = {{"Location", "/here"}}};
    return ServerReply{.status = 302, .headers = {{"Location", other.other_url("/there")}}};
  });
  HttpTransfers http({"secret", *origin_of(server.url())});
  expect_content(download(http, source(server), part_, options_));
  for (const ServerRequest& request : server.requests()) EXPECT_EQ(request.header("authorization"), "Bearer secret");
  for (const ServerRequest& request : other.requests()) EXPECT_EQ(request.header("authorization"), "");
  EXPECT_GE(other.requests().size(), 11u);
}

TEST_F(DownloadTest, a_rate_limit_is_kept) {
  content_ = random_bytes(300'000);
  TestServer server([&](const ServerRequest&) { return ServerReply{.body = content_}; });
  options_.chunk_bytes = 150'000;
  options_.bytes_per_s = 400'000;
  const auto began = std::chrono::steady_clock::now();
  expect_content(fetch(source(server)));
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(600));
}

TEST(Http, origins_are_compared_with_their_ports) {
  EXPECT_EQ(origin_of("https://Example.org/a"), "https://example.org:443");
  EXPECT_EQ(origin_of("http://example.org:8080"), "http://example.org:8080");
  EXPECT_EQ(origin_of("ftp://example.org"), std::nullopt);
  EXPECT_EQ(origin_of("not a URL"), std::nullopt);
  EXPECT_TRUE(is_loopback("http://127.0.0.1:80"));
  EXPECT_FALSE(is_loopback("http://127.0.0.1.example.org:80"));
  EXPECT_EQ(escape_url("a b/ü#?", "/"), "a%20b/%C3%BC%23%3F");
}

}  // namespace
}  // namespace bantam
