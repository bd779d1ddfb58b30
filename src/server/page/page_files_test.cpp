// The files of the page: who gets them, in which coding, and with which headers.
#include <zlib.h>

#include <cstring>

#include "server/page/bundle.h"
#include "server/page/gunzip.h"
#include "server/test_service.h"

namespace bantam {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string gzipped(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

std::string packed(const std::string& name, const std::string& bytes) {
  const uint64_t size = bytes.size();
  std::string out = name + '\0' + std::string(sizeof size, '\0') + bytes;
  std::memcpy(out.data() + name.size() + 1, &size, sizeof size);
  return out;
}

const std::string kPage = "<!doctype html><title>Bantam</title>", kScript = "export const n = 1;\n";

class PageFilesTest : public ServiceTest {
 protected:
  PageFilesTest() { page_.bundle = &bundle_; }
  ~PageFilesTest() override { server_.reset(); }

  const std::string pack_ = packed("index.html.gz", gzipped(kPage)) + packed("app.js.gz", gzipped(kScript)) +
                            packed("icon.png", "\x89PNG") + packed("fonts/a.woff2", "wOF2");
  const PageBundle bundle_{std::as_bytes(std::span(pack_))};
};

TEST_F(PageFilesTest, a_browser_gets_the_page_and_ollamas_clients_their_text) {
  const TestReply page = ask("GET", "/", "", "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.body, kPage);
  EXPECT_EQ(page.headers.at("Content-Type"), "text/html; charset=utf-8");
  EXPECT_FALSE(page.headers.contains("Content-Encoding"));
  EXPECT_EQ(ask("GET", "/").body, "Bantam is running\n");
  EXPECT_EQ(ask("GET", "/", "", "Accept: */*\r\n").body, "Bantam is running\n");
}

TEST_F(PageFilesTest, files_are_sent_as_they_are_stored_to_clients_that_read_gzip) {
  const TestReply packed_reply = ask("GET", "/app.js", "", "Accept-Encoding: br, GZIP;q=0.5\r\n");
  EXPECT_EQ(packed_reply.headers.at("Content-Encoding"), "gzip");
  EXPECT_EQ(gunzip(packed_reply.body, "app.js"), kScript);
  const TestReply plain = ask("GET", "/app.js", "", "Accept-Encoding: br, gzip;q=0\r\n");
  EXPECT_EQ(plain.body, kScript);
  EXPECT_FALSE(plain.headers.contains("Content-Encoding"));
  EXPECT_NE(plain.headers.at("ETag"), packed_reply.headers.at("ETag"));
  EXPECT_THAT(plain.headers.at("Vary"), HasSubstr("Accept-Encoding"));
  EXPECT_EQ(ask("GET", "/icon.png", "", "Accept-Encoding: gzip\r\n").body, "\x89PNG");
  EXPECT_EQ(ask("GET", "/fonts/a.woff2").headers.at("Content-Type"), "font/woff2");
  EXPECT_EQ(plain.headers.at("Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(ask("GET", "/none.js").status, 404);
  EXPECT_EQ(ask("POST", "/app.js").status, 404);
}

TEST_F(PageFilesTest, what_a_browser_has_is_not_sent_again) {
  const TestReply first = ask("GET", "/app.js", "", "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(first.headers.at("Cache-Control"), "no-cache");
  const std::string tag = first.headers.at("ETag");
  const TestReply again =
      ask("GET", "/app.js", "", "Accept-Encoding: gzip\r\nIf-None-Match: \"other\", W/" + tag + "\r\n");
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(again.headers.at("ETag"), tag);
  EXPECT_EQ(ask("GET", "/app.js", "", "If-None-Match: " + tag + "\r\n").status, 200) << "another coding";
}

TEST_F(PageFilesTest, no_script_of_others_runs_and_nobody_frames_it) {
  for (const char* path : {"/", "/app.js", "/icon.png"}) {
    const TestReply reply = ask("GET", path, "", "Accept: text/html\r\n");
    EXPECT_THAT(
        reply.headers.at("Content-Security-Policy"),
        AllOf(HasSubstr("default-src 'none'"), HasSubstr("script-src 'self';"), HasSubstr("connect-src 'self';"),
              HasSubstr("frame-ancestors 'none'"), HasSubstr("base-uri 'none'"), Not(HasSubstr("unsafe"))))
        << path;
    EXPECT_EQ(reply.headers.at("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(reply.headers.at("Referrer-Policy"), "no-referrer");
  }
}

TEST_F(PageFilesTest, the_page_needs_no_key_and_other_names_of_this_machine_get_none) {
  new_key();
  EXPECT_EQ(ask("GET", "/app.js").status, 200);
  EXPECT_EQ(ask("GET", "/none.js").status, 401) << "strangers do not learn what there is";
  options_.hosts = {"bantam.example"};
  server_.reset();
  TestClient client(port());
  client.send("GET /app.js HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_EQ(client.reply().status, 403);
}

TEST(PageBundleTest, a_damaged_pack_is_refused) {
  const auto parse = [](const std::string& pack) { return PageBundle(std::as_bytes(std::span(pack))); };
  EXPECT_TRUE(parse("").empty());
  const std::string good = packed("a.txt", "bytes");
  for (size_t n = 1; n < good.size(); ++n) EXPECT_THROW(parse(good.substr(0, n)), FormatError) << n;
  EXPECT_EQ(parse(good).find("/a.txt")->bytes.size(), 5u);
}

TEST(GunzipTest, what_is_cut_off_too_large_or_no_gzip_is_refused) {
  const std::string whole = gzipped(std::string(100'000, 'a'));
  EXPECT_EQ(gunzip(whole, "f").size(), 100'000u);
  EXPECT_THROW(gunzip(whole, "f", 99'999), FormatError);
  EXPECT_THROW(gunzip("plain text", "f"), FormatError);
  for (size_t n = 0; n < whole.size(); ++n) EXPECT_THROW(gunzip(whole.substr(0, n), "f"), FormatError) << n;
}

}  // namespace
}  // namespace bantam
