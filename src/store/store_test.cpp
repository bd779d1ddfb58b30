#include "store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/test_folder.h"
#include "store/pack.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class StoreTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }

  // Publishes a model of these files, by name and content.
  Manifest add(const std::string& name, const std::vector<std::pair<std::string, std::string>>& files) {
    StoreEdit edit(store_);
    Manifest manifest{name, "test", "", "mit", timestamp(), {}};
    for (const auto& [path, bytes] : files) {
      write("in", bytes);
      manifest.files.push_back(edit.copy_in(folder_ / "in", path));
    }
    edit.publish(manifest);
    return manifest;
  }

  std::vector<std::string> names(const std::string& folder) const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(store_.folder() / folder)) out.push_back(entry.path().filename());
    std::sort(out.begin(), out.end());
    return out;
  }

  uint64_t remove(const std::string& name) {
    StoreEdit edit(store_);
    return edit.remove(store_.get(name));
  }

  template <class F>
  static std::string refusal(F&& f) {
    try {
      f();
    } catch (const Error& error) {
      return error.what();
    }
    return "no refusal";
  }

  TestFolder folder_;
  Store store_{folder_ / "store"};
};

TEST_F(StoreTest, a_store_that_is_not_there_is_empty) {
  EXPECT_TRUE(store_.list().empty());
  EXPECT_EQ(store_.find("m"), std::nullopt);
  EXPECT_EQ(store_.unfinished_bytes(), 0u);
  EXPECT_THAT(refusal([&] { store_.get("m"); }), HasSubstr("bantam list"));
}

TEST_F(StoreTest, a_name_leads_to_the_gguf_file_or_the_folder) {
  add("one", {{"m.gguf", "GGUF bytes"}});
  add("two", {{"config.json", "{}"}, {"model.safetensors", "weights"}});
  EXPECT_EQ(store_.list().size(), 2u);
  EXPECT_EQ(read_file(store_.model_path(store_.get("one"))), "GGUF bytes");
  const fs::path folder = store_.model_path(store_.get("two"));
  EXPECT_EQ(read_file(folder / "config.json"), "{}");
  EXPECT_EQ(read_file(folder / "model.safetensors"), "weights");
  EXPECT_EQ(store_.get("two").licence, "mit");
}

TEST_F(StoreTest, equal_files_are_kept_once_and_as_long_as_a_name_uses_them) {
  add("one", {{"m.gguf", "shared"}});
  add("two", {{"m.gguf", "shared"}, {"config.json", "own"}});
  EXPECT_EQ(names("blobs").size(), 2u);
  EXPECT_EQ(remove("two"), 3u);
  EXPECT_EQ(read_file(store_.model_path(store_.get("one"))), "shared");
  EXPECT_EQ(remove("one"), 6u);
  EXPECT_TRUE(names("blobs").empty());
  EXPECT_TRUE(names("trees").empty());
  EXPECT_TRUE(names("names").empty());
}

TEST_F(StoreTest, a_name_published_again_has_the_new_files_only) {
  add("m", {{"old.gguf", "old"}});
  add("m", {{"new.gguf", "new"}});
  EXPECT_EQ(read_file(store_.model_path(store_.get("m"))), "new");
  EXPECT_EQ(names("blobs").size(), 1u);
}

TEST_F(StoreTest, what_was_interrupted_is_counted_and_removed_and_names_stay) {
  add("m", {{"m.gguf", "kept"}});
  {
    StoreEdit edit(store_);
    write("in", "no name");
    edit.copy_in(folder_ / "in", "x.gguf");
    std::ofstream(edit.part_path("half")) << "half a file";
  }
  EXPECT_EQ(store_.unfinished_bytes(), 18u);
  EXPECT_EQ(StoreEdit(store_).remove_unfinished(), 18u);
  EXPECT_EQ(store_.unfinished_bytes(), 0u);
  EXPECT_EQ(read_file(store_.model_path(store_.get("m"))), "kept");
}

TEST_F(StoreTest, one_process_changes_it_at_a_time) {
  const StoreEdit edit(store_);
  EXPECT_THAT(refusal([&] { StoreEdit second(store_); }), HasSubstr("another process"));
}

TEST_F(StoreTest, names_that_could_lead_elsewhere_are_refused) {
  for (const char* name : {"", ".", "..", "../x", "a/b", "-x", ".x", "a b", "ä"}) {
    EXPECT_FALSE(is_model_name(name)) << name;
    EXPECT_EQ(store_.find(name), std::nullopt) << name;
  }
  EXPECT_EQ(model_name_from("../Phi 3.gguf"), "phi-3.gguf");
  EXPECT_EQ(model_name_from("한"), "model");
}

TEST_F(StoreTest, damaged_manifests_are_named_with_the_field) {
  const Manifest good = add("m", {{"m.gguf", "bytes"}});
  const auto said = [&](const std::string& from, const std::string& to) {
    std::string text = manifest_text(good);
    text.replace(text.find(from), from.size(), to);
    return refusal([&] { parse_manifest(text, "m.json"); });
  };
  EXPECT_THAT(said("\"m.gguf\"", "\"../m.gguf\""), HasSubstr("no plain file name"));
  EXPECT_THAT(said("\"m.gguf\"", "7"), HasSubstr("'path' is a number"));
  EXPECT_THAT(said(good.files[0].sha256, "../../etc/passwd"), HasSubstr("64 hexadecimal digits"));
  EXPECT_THAT(said("\"size\": 5", "\"size\": -5"), HasSubstr("size of 'm.gguf'"));
  EXPECT_THAT(said("\"name\": \"m\"", "\"name\": \"/m\""), HasSubstr("cannot be a model's name"));
  EXPECT_THAT(said("\"source\"", "\"sauce\""), HasSubstr("no 'source'"));
  EXPECT_THAT(said("\"files\"", "\"flies\""), HasSubstr("no 'files'"));
}

class PackTest : public StoreTest {
 protected:
  PackTest() {
    add("m", {{"config.json", "{}"}, {"model.safetensors", std::string(1000, 'w')}, {"tokenizer.json", "{}"}});
    export_model(store_, store_.get("m"), folder_ / "m.bantam");
    packed_ = read_file(folder_ / "m.bantam");
  }

  Manifest import(const std::string& name = "") {
    StoreEdit edit(other_);
    return import_model(edit, folder_ / "m.bantam", name);
  }

  std::string packed_;
  Store other_{folder_ / "other"};
};

TEST_F(PackTest, an_exported_model_is_imported_whole) {
  EXPECT_TRUE(is_exported_model(folder_ / "m.bantam"));
  EXPECT_EQ(read_exported_manifest(folder_ / "m.bantam").name, "m");
  import();
  const Manifest manifest = other_.get("m");
  EXPECT_EQ(manifest_text(manifest), manifest_text(store_.get("m")));
  EXPECT_EQ(read_file(other_.model_path(manifest) / "model.safetensors"), std::string(1000, 'w'));
  EXPECT_EQ(import("n").name, "n");
  EXPECT_EQ(other_.list().size(), 2u);
}

TEST_F(PackTest, tar_reads_it) {
  const std::string command = fmt::format("cd '{}' && tar xf m.bantam", folder_.path().string());
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(read_file(folder_ / "bantam-model.json"), manifest_text(store_.get("m")));
  const std::string hash = store_.get("m").files[1].sha256;
  EXPECT_EQ(read_file(folder_ / ("blobs/sha256-" + hash)), std::string(1000, 'w'));
}

TEST_F(PackTest, every_truncation_is_refused) {
  for (size_t size = 0; size + 512 < packed_.size(); size += 311) {
    write("m.bantam", packed_.substr(0, size));
    EXPECT_THROW(import(), FormatError) << size;
  }
  EXPECT_TRUE(other_.list().empty());
}

TEST_F(PackTest, every_damaged_byte_that_matters_is_refused) {
  int refused = 0;
  const size_t content = packed_.find(std::string(1000, 'w'));
  for (size_t at = 0; at < packed_.size(); at += 61) {
    std::string damaged = packed_;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    write("m.bantam", damaged);
    try {
      import();
      EXPECT_FALSE(content <= at && at < content + 1000) << at;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 25);
}

TEST_F(PackTest, a_damaged_blob_is_not_exported) {
  std::ofstream(store_.blob_path(store_.get("m").files[1].sha256)) << "other bytes";
  EXPECT_THAT(refusal([&] { export_model(store_, store_.get("m"), folder_ / "bad.bantam"); }),
              HasSubstr("no longer those"));
  EXPECT_FALSE(fs::exists(folder_ / "bad.bantam"));
}

}  // namespace
}  // namespace bantam
