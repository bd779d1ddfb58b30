#include "store/hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "store/test_hub.h"
#include "store/test_server.h"

namespace bantam {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kEndpoint = "https://hub";

RemoteModel choose(const std::vector<std::string>& names, const std::string& model) {
  std::map<std::string, std::string> files;
  for (const std::string& name : names) files[name] = "bytes of " + name;
  return choose_files(hub_listing(files), parse_hub_model(model), kEndpoint);
}

std::vector<std::string> paths(const RemoteModel& model) {
  std::vector<std::string> out;
  for (const RemoteFile& file : model.files) out.push_back(file.path);
  return out;
}

template <class E>
std::string refusal(const std::function<void()>& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "no refusal";
}

TEST(Hub, names_have_a_repository_and_may_have_a_quant_and_a_revision) {
  const HubModel model = parse_hub_model("hf:org/model-GGUF:Q4_K_M@refs/pr/1");
  EXPECT_EQ(model.repository, "org/model-GGUF");
  EXPECT_EQ(model.quant, "Q4_K_M");
  EXPECT_EQ(model.revision, "refs/pr/1");
  EXPECT_EQ(parse_hub_model("hf:org/model").revision, "main");
  for (const char* bad : {"org/model", "hf:model", "hf:org/model/x", "hf:org/../x", "hf:org/model:", "hf:org/model@",
                          "hf:org/model@../../x", "hf:/model", "hf:org/", "hf:org/mo del"}) {
    EXPECT_THAT(refusal<UsageError>([&] { parse_hub_model(bad); }), HasSubstr("wanted hf:ORG/NAME")) << bad;
  }
}

TEST(Hub, every_alias_is_a_name) {
  for (const auto& [alias, model] : model_aliases()) EXPECT_NO_THROW(parse_hub_model(model)) << alias;
}

TEST(Hub, the_usual_gguf_is_q4_k_m_else_the_only_one) {
  const std::vector<std::string> several{"m-Q4_K_M.gguf", "m-Q8_0.gguf", "mmproj-m.gguf", "README.md"};
  EXPECT_THAT(paths(choose(several, "hf:o/m")), ElementsAre("m-Q4_K_M.gguf"));
  EXPECT_THAT(paths(choose(several, "hf:o/m:q8")), ElementsAre("m-Q8_0.gguf"));
  const RemoteModel only = choose({"sub/m-f16.gguf", "config.json"}, "hf:o/m");
  EXPECT_THAT(paths(only), ElementsAre("m-f16.gguf"));
  EXPECT_EQ(only.name, "m-f16");
  EXPECT_EQ(only.source, "hf:o/m:m-f16.gguf");
  EXPECT_EQ(only.licence, "mit");
  EXPECT_EQ(only.files[0].source.url, fmt::format("https://hub/o/m/resolve/{}/sub/m-f16.gguf", kTestCommit));
  EXPECT_EQ(only.files[0].source.sha256.size(), 64u);
}

TEST(Hub, a_quant_that_fits_none_or_several_lists_the_choices) {
  const std::vector<std::string> names{"m-Q5_K_M.gguf", "m-Q5_K_S.gguf"};
  const auto both = AllOf(HasSubstr("m-Q5_K_M.gguf (2"), HasSubstr("m-Q5_K_S.gguf (2"));
  EXPECT_THAT(refusal<UsageError>([&] { choose(names, "hf:o/m"); }), AllOf(HasSubstr("several"), both));
  EXPECT_THAT(refusal<UsageError>([&] { choose(names, "hf:o/m:q5"); }), AllOf(HasSubstr("several"), both));
  EXPECT_THAT(refusal<UsageError>([&] { choose(names, "hf:o/m:q9"); }), AllOf(HasSubstr("no file's name"), both));
}

TEST(Hub, split_gguf_files_are_refused_in_words) {
  const std::vector<std::string> names{"m-q8_0-00001-of-00002.gguf", "m-q8_0-00002-of-00002.gguf", "m-q2_k.gguf"};
  EXPECT_THAT(refusal<UnsupportedError>([&] { choose(names, "hf:o/m:00001"); }),
              AllOf(HasSubstr("one of 2 parts"), HasSubstr("m-q2_k.gguf")));
  EXPECT_THAT(paths(choose({"m-00001-of-00001.gguf"}, "hf:o/m")), ElementsAre("m-00001-of-00001.gguf"));
}

TEST(Hub, without_gguf_the_files_of_a_folder_are_taken_and_no_code_or_pickles) {
  const RemoteModel model =
      choose({"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model",
              "chat_template.jinja", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
              "model.safetensors.index.json", "consolidated.safetensors", "pytorch_model.bin", "m.pt", "modeling_m.py",
              "onnx/model.safetensors", "README.md"},
             "hf:o/Model");
  EXPECT_THAT(paths(model), testing::UnorderedElementsAre(
                                "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
                                "tokenizer.model", "chat_template.jinja", "model-00001-of-00002.safetensors",
                                "model-00002-of-00002.safetensors", "model.safetensors.index.json"));
  EXPECT_EQ(model.name, "model");
  EXPECT_EQ(model.source, "hf:o/Model");
  EXPECT_THAT(refusal<UnsupportedError>([&] {
                choose({"config.json", "pytorch_model.bin"}, "hf:o/m");
              }),
              AllOf(HasSubstr("no weights this program reads"), HasSubstr("pytorch_model.bin")));
  EXPECT_THAT(refusal<UsageError>([&] {
                choose({"config.json", "model.safetensors"}, "hf:o/m:q4");
              }),
              HasSubstr("no GGUF files"));
}

TEST(Hub, a_listing_that_is_none_is_named) {
  const auto said = [](std::string_view text) {
    return refusal<FormatError>([&] { choose_files(text, {"o/m", "", "main"}, kEndpoint); });
  };
  EXPECT_THAT(said("<html>"), HasSubstr("not valid JSON"));
  EXPECT_THAT(said("[]"), HasSubstr("siblings"));
  EXPECT_THAT(said(R"({"siblings":[{"rfilename":"a.gguf"}],"sha":"1"})"), HasSubstr("no size"));
  EXPECT_THAT(said(R"({"siblings":[{"rfilename":"a.gguf","size":-1}],"sha":"1"})"), HasSubstr("no size"));
  EXPECT_THAT(said(R"({"siblings":[{"rfilename":"a.gguf","size":1,"lfs":{"sha256":"../x"}}],"sha":"1"})"),
              HasSubstr("64 hexadecimal digits"));
  EXPECT_THAT(said(R"({"siblings":[{"rfilename":"a.gguf","size":1}]})"), HasSubstr("commit"));
  EXPECT_THAT(said(R"({"siblings":[{"rfilename":"a/..gguf","size":1}],"sha":"1"})"), HasSubstr("plain file name"));
}

TEST(Hub, the_endpoint_is_asked_for_the_revision) {
  TestServer server([&](const ServerRequest&) { return ServerReply{.body = hub_listing({{"m.gguf", "x"}})}; });
  HttpTransfers http({});
  const RemoteModel model = find_on_hub(http, parse_hub_model("hf:o/m@refs/pr/1"), server.url(), {});
  EXPECT_EQ(server.requests()[0].path, "/api/models/o/m/revision/refs%2Fpr%2F1?blobs=true");
  EXPECT_EQ(model.revision, kTestCommit);
}

TEST(Hub, a_list_without_sizes_is_completed_from_the_pages_of_the_tree) {
  const std::string hash(64, 'b');
  TestServer* self = nullptr;
  TestServer server([&](const ServerRequest& request) {
    if (request.path.find("/tree/") == std::string::npos) {
      return ServerReply{.body =
                             fmt::format(R"({{"sha":"{}","siblings":[{{"rfilename":"m-Q8_0.gguf"}}]}})", kTestCommit)};
    }
    if (request.path.find("cursor") == std::string::npos) {
      const std::string next = self->url(fmt::format("/api/models/o/m/tree/{}?recursive=true&cursor=2", kTestCommit));
      return ServerReply{
          .headers = {{"Link", fmt::format("<https://x/auth>; rel=\"xet-auth\", <{}>; rel=\"next\"", next)}},
          .body = R"([{"type":"directory","path":"d"},{"type":"file","path":"README.md","size":3}])"};
    }
    return ServerReply{
        .body =
            fmt::format(R"([{{"type":"file","path":"d/m-Q8_0.gguf","size":5,"lfs":{{"oid":"{}","size":5}}}}])", hash)};
  });
  self = &server;
  HttpTransfers http({});
  const RemoteModel model = find_on_hub(http, parse_hub_model("hf:o/m"), server.url(), {});
  ASSERT_EQ(model.files.size(), 1u);
  EXPECT_EQ(model.files[0].source.url, fmt::format("{}/o/m/resolve/{}/d/m-Q8_0.gguf", server.url(), kTestCommit));
  EXPECT_EQ(model.files[0].source.size, 5u);
  EXPECT_EQ(model.files[0].source.sha256, hash);
  EXPECT_EQ(server.requests().size(), 3u);
  EXPECT_EQ(server.requests()[1].path, fmt::format("/api/models/o/m/tree/{}?recursive=true", kTestCommit));
}

TEST(Hub, a_tree_without_end_or_of_another_shape_is_refused) {
  std::string tree = "[]";
  TestServer* self = nullptr;
  TestServer server([&](const ServerRequest& request) {
    if (request.path.find("/tree/") == std::string::npos)
      return ServerReply{.body = R"({"sha":"1","siblings":[{"rfilename":"m.gguf"}]})"};
    return ServerReply{.headers = {{"Link", fmt::format("<{}>; rel=\"next\"", self->url("/tree/"))}}, .body = tree};
  });
  self = &server;
  HttpTransfers http({});
  const auto ask = [&] { find_on_hub(http, parse_hub_model("hf:o/m"), server.url(), {}); };
  EXPECT_THAT(refusal<FormatError>(ask), HasSubstr("more than 100 pages"));
  tree = "{}";
  EXPECT_THAT(refusal<FormatError>(ask), HasSubstr("expected an array"));
}

TEST(Hub, a_url_names_a_file_whatever_it_is_called) {
  const RemoteModel model = model_at_url("https://h/dir/My%20Model.gguf?key=secret", std::string(64, 'A'));
  EXPECT_EQ(model.name, "my-20model");
  EXPECT_EQ(model.source, "https://h/dir/My%20Model.gguf");
  EXPECT_EQ(model.files[0].path, "my-20model.gguf");
  EXPECT_EQ(model.files[0].source.sha256, std::string(64, 'a'));
  EXPECT_EQ(model_at_url("http://h/download", "").files[0].path, "download.gguf");
  EXPECT_THROW(model_at_url("ftp://h/m.gguf", ""), UsageError);
  EXPECT_THROW(model_at_url("https://h/m.gguf", "abc"), UsageError);
}

}  // namespace
}  // namespace bantam
