// Documents over HTTP: what is taken, where it lands, how citations open it, and what is kept away from it.
#include <thread>

#include "base/file.h"
#include "server/grounded.h"
#include "server/page/document_library.h"
#include "server/test_service.h"

namespace bantam {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class DocumentsTest : public ServiceTest {
 protected:
  DocumentsTest() {
    folder_.write("handbook/travel.md", "# Travel\n\nA night in a hotel costs 120 euros at most.\n");
    folder_.write("private/diary.md", "# Diary\n\nNobody reads this.\n");
    open();
  }
  ~DocumentsTest() override { close(); }

  void open(std::vector<std::filesystem::path> allowed = {}) {
    if (allowed.empty()) allowed = {folder_ / "handbook"};
    library_.emplace(DocumentLibraryOptions{folder_ / "data", std::move(allowed), 1, {}});
    GroundedAnswers::Collections collections;
    const auto index = [&] { return Index::open(library_->index_path(), Index::Mode::read); };
    collections.emplace(GroundedAnswers::kLibrary, Collection{index(), index()});
    answers_.emplace(std::move(collections), [](std::string_view, std::span<const std::string_view> passages) {
      return std::vector<std::vector<AnswerSpan>>(passages.size());
    });
    documents_ = &*answers_;
    page_.documents = &*library_;
  }
  void close() {
    server_.reset();
    service_.reset();
    answers_.reset();
    library_.reset();
  }

  // Once nothing is read any more.
  Json listed() {
    for (;;) {
      Json list = get("/bantam/documents");
      if (list["indexing"]["running"] == false) return list;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  std::vector<std::string> names() {
    std::vector<std::string> out;
    const Json list = listed();
    for (const Json& file : list["files"]) out.push_back(file["name"]);
    std::sort(out.begin(), out.end());
    return out;
  }
  Json send(const std::string& name, const std::string& bytes, int status = 201) {
    const TestReply reply = ask("POST", "/bantam/documents?name=" + name, bytes);
    EXPECT_EQ(reply.status, status) << reply.body;
    return parse_json(reply.body, "a response");
  }
  std::vector<std::string> on_disk(const char* name) const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "data" / name))
      out.push_back(entry.path().filename().string());
    std::sort(out.begin(), out.end());
    return out;
  }

  std::optional<DocumentLibrary> library_;
  std::optional<GroundedAnswers> answers_;
};

TEST_F(DocumentsTest, a_file_is_taken_read_listed_opened_and_deleted) {
  const std::string text = "# Backups\n\nKim makes them every night.\n\nThe tapes are in the cellar.\n";
  const Json sent = send("backup%20plan.md", text);
  EXPECT_EQ(sent["name"], "backup plan.md");
  EXPECT_THAT(names(), ElementsAre("backup plan.md", "travel.md"));
  const std::string id = sent["id"];
  Json found;
  const Json list = listed();
  for (const Json& file : list["files"]) {
    if (file["id"] == id) found = file;
  }
  EXPECT_EQ(found["title"], "Backups");
  EXPECT_EQ(found["bytes"], text.size());
  EXPECT_EQ(found["deletable"], true);
  EXPECT_GT(found["added"], 1'700'000'000);
  const Json opened = get("/bantam/documents/" + id + "/text?start=10&end=20");
  EXPECT_THAT(opened["text"].get<std::string>(), AllOf(HasSubstr("Kim makes them"), HasSubstr("cellar")));
  EXPECT_EQ(opened["name"], "backup plan.md");
  EXPECT_EQ(ask("DELETE", "/bantam/documents/" + id).status, 204);
  EXPECT_THAT(names(), ElementsAre("travel.md"));
  EXPECT_THAT(on_disk("files"), ElementsAre());
  EXPECT_EQ(ask("GET", "/bantam/documents/" + id + "/text").status, 404);
}

TEST_F(DocumentsTest, names_are_made_safe) {
  EXPECT_EQ(send("..%2F..%2Fetc%2Fpasswd.txt", "a word")["name"], "passwd.txt");
  EXPECT_EQ(send("C%3A%5Ctemp%5Cnotes.md", "a word")["name"], "notes.md");
  EXPECT_EQ(send("...hidden.txt", "a word")["name"], "hidden.txt");
  EXPECT_EQ(send("a%0Ab%1B.txt", "a word")["name"], "ab.txt");
  EXPECT_EQ(send("%ED%9C%B4%EA%B0%80.txt", "a word")["name"], "휴가.txt");
  const std::string name = send(std::string(3000, 'x') + ".txt", "a word")["name"];
  EXPECT_TRUE(name.size() <= 120 && name.ends_with("x.txt")) << name;
  for (const char* bad : {"", "..", "%2F", "program.exe", "noextension"}) {
    EXPECT_EQ(ask("POST", std::string("/bantam/documents?name=") + bad, "a word").status, 400) << bad;
  }
  EXPECT_EQ(ask("POST", "/bantam/documents", "a word").status, 400);
  EXPECT_THAT(on_disk("files"), ElementsAre("ab.txt", "hidden.txt", "notes.md", "passwd.txt", name, "휴가.txt"));
  EXPECT_THAT(on_disk("incoming"), ElementsAre()) << "what was refused is gone";
}

TEST_F(DocumentsTest, the_same_file_is_there_once_and_another_of_its_name_gets_a_number) {
  const Json first = send("plan.txt", "one");
  EXPECT_EQ(send("plan.txt", "one")["id"], first["id"]);
  EXPECT_EQ(send("plan.txt", "two")["name"], "plan (2).txt");
  EXPECT_EQ(send("plan.txt", "two")["name"], "plan (2).txt");
  EXPECT_THAT(on_disk("files"), ElementsAre("plan (2).txt", "plan.txt"));
}

TEST_F(DocumentsTest, a_large_file_goes_to_the_disk_and_a_larger_one_is_refused_before_it_is_sent) {
  std::string text;
  while (text.size() < (size_t{20} << 20)) text += "A line of a long text that nobody has ever read to its end.\n\n";
  EXPECT_EQ(send("long.txt", text)["name"], "long.txt");
  EXPECT_EQ(std::filesystem::file_size(folder_ / "data/files/long.txt"), text.size());
  TestClient client(port());
  client.send(fmt::format("POST /bantam/documents?name=a.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
                          kMostUploadBytes + 1));
  EXPECT_EQ(client.reply().status, 413);
  TestClient other(port());
  other.send(fmt::format("POST /v1/tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", 20 << 20));
  EXPECT_EQ(other.reply().status, 413) << "other routes take no more than before";
  TestClient chunked(port());
  chunked.send(
      "POST /bantam/documents?name=c.txt HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nthree\r\n6\r\n words\r\n0\r\n\r\n");
  EXPECT_EQ(chunked.reply().status, 201);
  EXPECT_EQ(read_file(folder_ / "data/files/c.txt"), "three words");
}

TEST_F(DocumentsTest, a_client_that_leaves_in_the_middle_leaves_nothing) {
  {
    TestClient client(port());
    client.send("POST /bantam/documents?name=a.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nhalf");
    while (on_disk("incoming").empty()) std::this_thread::yield();
  }
  while (!on_disk("incoming").empty()) std::this_thread::yield();
  EXPECT_THAT(on_disk("files"), ElementsAre());
}

TEST_F(DocumentsTest, folders_are_read_only_where_the_owner_allows_it) {
  folder_.write("handbook/more/leave.md", "# Leave\n\nThirty days.\n");
  const Json good =
      parse_json(post("/bantam/documents/folder", {{"path", (folder_ / "handbook/more").string()}}).body, "a response");
  EXPECT_EQ(good["path"], (folder_ / "handbook/more").string());
  EXPECT_THAT(names(), ElementsAre("leave.md", "travel.md"));
  std::filesystem::create_directory_symlink(folder_ / "private", folder_ / "handbook/link");
  for (const std::string& path : {(folder_ / "private").string(), (folder_ / "handbook/../private").string(),
                                  (folder_ / "handbook/link").string(), (folder_ / "none").string(),
                                  std::string("handbook"), std::string("/"), (folder_ / "handbook2").string()}) {
    const TestReply refused = post("/bantam/documents/folder", {{"path", path}});
    EXPECT_EQ(refused.status, 403) << path;
    EXPECT_THAT(refused.body, HasSubstr("--docs FOLDER"));
  }
  EXPECT_THAT(names(), ElementsAre("leave.md", "travel.md"));
  const Json list = listed();
  EXPECT_EQ(list["files"][0]["deletable"], false);
  EXPECT_EQ(ask("DELETE", "/bantam/documents/" + list["files"][0]["id"].get<std::string>()).status, 403);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "handbook/more/leave.md"));
}

TEST_F(DocumentsTest, a_folder_that_is_no_longer_allowed_is_forgotten) {
  EXPECT_THAT(names(), ElementsAre("travel.md"));
  close();
  open({folder_ / "private"});
  EXPECT_THAT(names(), ElementsAre("diary.md"));
}

TEST_F(DocumentsTest, a_long_list_is_cut_and_searched_by_name_and_title) {
  send("Aloha.txt", "Welcome.");
  send("boat.md", "# ALOE\n\nA plant.\n");
  listed();
  const auto get_names = [&](const std::string& query) {
    const Json list = get("/bantam/documents?" + query);
    std::vector<std::string> out{fmt::format("{} found", list["found"].get<int>()), list["more"] ? "more" : "all"};
    for (const Json& file : list["files"]) out.push_back(file["name"]);
    std::sort(out.begin() + 2, out.end());
    return out;
  };
  EXPECT_THAT(get_names("q=alo"), ElementsAre("2 found", "all", "Aloha.txt", "boat.md"));
  EXPECT_THAT(get_names("q=boat&limit=1"), ElementsAre("1 found", "all", "boat.md"));
  EXPECT_THAT(get_names("q=nothing"), ElementsAre("0 found", "all"));
  EXPECT_EQ(get_names("limit=2").size(), 4u);
  EXPECT_EQ(get_names("limit=2")[0], "3 found");
  EXPECT_EQ(get_names("limit=2")[1], "more");
  EXPECT_EQ(ask("GET", "/bantam/documents?limit=0").status, 400);
}

TEST_F(DocumentsTest, what_cannot_be_read_is_told_without_the_servers_paths) {
  send("broken.txt", std::string("\x00\x01\x02\x03", 4) + std::string(100, '\0'));
  const Json list = listed();
  ASSERT_EQ(list["problems"].size(), 1u) << to_line(list);
  EXPECT_EQ(list["problems"][0]["file"], "broken.txt");
  EXPECT_THAT(list["problems"][0]["reason"].get<std::string>(),
              AllOf(Not(HasSubstr(folder_.path().string())), Not("")));
}

TEST_F(DocumentsTest, passages_are_cut_at_characters_and_paragraphs) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += fmt::format("{}번째 문단에는 이런 말이 있습니다.\n\n", i);
  const std::string id = send("long.txt", text)["id"];
  listed();
  const Json opened = get("/bantam/documents/" + id + "/text?start=40001&end=40030");
  const size_t start = opened["start"], end = opened["end"];
  EXPECT_EQ(opened["bytes"], text.size());
  EXPECT_EQ(opened["text"].get<std::string>(), text.substr(start, end - start));
  EXPECT_LT(start, 40001u);
  EXPECT_GT(end, 40030u);
  EXPECT_LT(end - start, 20'000u);
  EXPECT_EQ(text.substr(start - 2, 2), "\n\n");
  EXPECT_EQ(text.substr(end, 2), "\n\n");
  EXPECT_EQ(ask("GET", "/bantam/documents/" + id + "/text?start=99999999").status, 400);
  EXPECT_EQ(ask("GET", "/bantam/documents/" + id + "/text?start=5&end=4").status, 400);
}

TEST_F(DocumentsTest, keys_without_the_scope_admin_change_nothing) {
  const std::string reader = new_key({}, "documents"), chat_only = new_key({}, "chat"),
                    owner = new_key({}, "admin,documents");
  EXPECT_EQ(ask("GET", "/bantam/documents", "", reader).status, 200);
  EXPECT_EQ(ask("GET", "/bantam/documents", "", chat_only).status, 403);
  EXPECT_EQ(ask("POST", "/bantam/documents?name=a.txt", "a word", reader).status, 403);
  EXPECT_EQ(ask("POST", "/bantam/documents?name=a.txt", "a word").status, 401);
  EXPECT_THAT(on_disk("incoming"), ElementsAre());
  EXPECT_EQ(ask("POST", "/bantam/documents?name=a.txt", "a word", owner).status, 201);
  EXPECT_EQ(ask("POST", "/bantam/documents?name=b.txt", "a word", owner + "Origin: https://evil.example\r\n").status,
            403);
}

TEST_F(DocumentsTest, a_second_process_is_told_who_has_the_library) {
  EXPECT_THROW(DocumentLibrary(DocumentLibraryOptions{folder_ / "data", {}, 1, {}}), IoError);
}

}  // namespace
}  // namespace bantam
