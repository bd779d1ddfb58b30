#include "retrieval/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/rng.h"

namespace bantam {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Document parse(DocumentFormat format, std::string_view bytes, std::string_view name = "folder/sample.x") {
  return parse_bytes(format, bytes, name);
}

std::vector<std::string> headings_of(const Document& document) {
  std::vector<std::string> out;
  for (const Heading& heading : document.headings) {
    EXPECT_EQ(document.text.compare(heading.offset, heading.text.size(), heading.text), 0)
        << "a heading's offset is where its text begins";
    out.push_back(std::to_string(heading.level) + " " + heading.text);
  }
  return out;
}

std::string refusal(DocumentFormat format, std::string_view bytes) {
  try {
    parse(format, bytes);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ParseText, plain_text_is_kept_as_it_is_and_named_after_its_file) {
  const Document document =
      parse(DocumentFormat::text, "One.\r\n\r\n  Two,\r\n# not a heading\r\n", "a/b/notes.v2.txt");
  EXPECT_EQ(document.title, "notes.v2");
  EXPECT_EQ(document.text, "One.\n\n  Two,\n# not a heading\n");
  EXPECT_TRUE(document.headings.empty());
}

TEST(ParseText, a_text_of_nothing_is_refused) {
  for (const auto format :
       {DocumentFormat::text, DocumentFormat::markdown, DocumentFormat::html, DocumentFormat::csv}) {
    EXPECT_THAT(refusal(format, " \n\t\n\u3000"), HasSubstr("holds no text")) << name_of(format);
  }
}

TEST(ParseText, text_past_the_limit_is_refused_not_cut) {
  ParseLimits limits;
  limits.text_bytes = 1 << 20;
  const std::string row = "some words in a row\n";
  std::string text;
  while (text.size() <= limits.text_bytes) text += row;
  for (const auto format :
       {DocumentFormat::text, DocumentFormat::markdown, DocumentFormat::html, DocumentFormat::csv}) {
    try {
      parse_bytes(format, text, "big", limits);
      ADD_FAILURE() << name_of(format) << " was read";
    } catch (const FormatError& error) {
      EXPECT_THAT(error.what(), HasSubstr("the limit of 1 MiB")) << name_of(format);
    }
  }
}

TEST(ParseSource, definitions_are_headings_and_every_byte_stays) {
  constexpr std::string_view kPython =
      "import os\n\nclass Hen(Bird):\n    def lay(self):\n        return os.getpid()\n";
  const Document python = parse(DocumentFormat::source, kPython, "hen.py");
  EXPECT_EQ(python.text, kPython);
  ASSERT_EQ(python.headings.size(), 2u);
  EXPECT_EQ(python.headings[0].text, "class Hen(Bird):");
  EXPECT_EQ(python.headings[1].level, 2);
  EXPECT_EQ(kPython.substr(python.headings[1].offset, 7), "    def");

  const Document c =
      parse(DocumentFormat::source,
            "#include <a.h>\nstatic int lay(Hen* hen)\n{\n  if (hen) {\n  }\n  call(hen);\n}\nint x = f(2);\n"
            "struct Egg {\n};\nclass Later;\n");
  EXPECT_THAT(headings_of(c), ElementsAre("1 static int lay(Hen* hen)", "1 struct Egg {"));
  const Document rust = parse(DocumentFormat::source, "pub fn lay(n: u32) -> Egg {\n}\nimpl Hen {\n}\n");
  EXPECT_THAT(headings_of(rust), ElementsAre("1 pub fn lay(n: u32) -> Egg {", "1 impl Hen {"));
}

TEST(ParseMarkdown, headings_of_both_kinds_and_the_front_matter_title) {
  const Document document = parse(DocumentFormat::markdown,
                                  "---\ntitle: \"The Hen\"\ntags: [a]\n---\nFarm\n====\n\nText *one*.\n\nEggs\n---\n\n"
                                  "### Brown ones ###\n\nMore.\n\n---\n\n#hashtag stays\n");
  EXPECT_EQ(document.title, "The Hen");
  EXPECT_THAT(headings_of(document), ElementsAre("1 Farm", "2 Eggs", "3 Brown ones"));
  EXPECT_EQ(document.text, "Farm\n\nText one.\n\nEggs\n\nBrown ones\n\nMore.\n\n#hashtag stays\n");
}

TEST(ParseMarkdown, sentences_read_as_they_are_shown) {
  const auto shown = [](std::string_view text) { return parse(DocumentFormat::markdown, text).text; };
  EXPECT_EQ(shown("A **bold** and _soft_ [link](http://a.b/c_(d) \"t\") ends."), "A bold and soft link ends.\n");
  EXPECT_EQ(shown("![A hen](hen.png) by [Ann *Lee*][1].\n\n[1]: http://x"), "A hen by Ann Lee.\n");
  EXPECT_EQ(shown("**한국**은 `a * b`와 snake_case_name, 2 * 3 * 4 = 24."),
            "한국은 a * b와 snake_case_name, 2 * 3 * 4 = 24.\n");
  EXPECT_EQ(shown("1 &lt; 2 &amp; \\*not\\* <b>bold</b><!-- gone --> <http://x.y>"), "1 < 2 & *not* bold http://x.y\n");
  EXPECT_EQ(shown("Lines of one\nparagraph join.  \nA hard break\\\nstays, an [open bracket too."),
            "Lines of one paragraph join.\nA hard break\nstays, an [open bracket too.\n");
  EXPECT_EQ(shown("> Quoted\n> words.\n\n<!-- many\nlines -->\nEnd."), "Quoted words.\n\nEnd.\n");
}

TEST(ParseMarkdown, lists_tables_and_code_keep_their_lines) {
  const auto shown = [](std::string_view text) { return parse(DocumentFormat::markdown, text).text; };
  EXPECT_EQ(shown("Buy:\n* eggs,\n  brown\n+ [x] milk\n1. first"), "Buy:\n- eggs, brown\n- milk\n1. first\n");
  EXPECT_EQ(shown("| Hen | Eggs |\n|:----|-----:|\n| Ada | **3** |\n| Bo \\| Be | |\n\nEnd"),
            "Hen | Eggs\nAda | 3\nBo | Be |\n\nEnd\n");
  EXPECT_EQ(shown("Run:\n```sh\nmake  run\n\n  # not a heading\n```\nDone."),
            "Run:\n\nmake  run\n\n  # not a heading\n\nDone.\n");
}

TEST(ParseMarkdown, marks_that_never_close_take_linear_time) {
  for (const std::string_view mark : {"[", "![", "*a ", "x`", "<a ", "](", "[](", "**_~~", "> ", "\\", "``a`"}) {
    std::string text;
    while (text.size() < 300'000) text += mark;
    text += "end";
    EXPECT_THAT(parse(DocumentFormat::markdown, text).text, HasSubstr("end")) << mark;
  }
}

TEST(ParseHtml, a_page_reads_as_a_reader_sees_it) {
  const Document document = parse(DocumentFormat::html, R"(<!DOCTYPE html><html><head><title> The  Hen &amp; I </title>
    <style>p { color: red }</style></head><body><nav><a href=x>Home</a></nav><h1>Farm <em>life</em></h1>
    <p>Hens   lay
    <b>brown</b> eggs&#46;<br>Daily.</p><script>alert("x")</script><ul><li>Ada<li>Bo</ul>
    <h2>Numbers</h2><table><tr><th>Hen<th>Eggs<tr><td><p>Ada</p><td>3</table>
    <p hidden>secret</p><p style="display: none">secret</p><pre>a  b
  c</pre>&#xD55C;&#xAE00;</body></html>)");
  EXPECT_EQ(document.title, "The Hen & I");
  EXPECT_THAT(headings_of(document), ElementsAre("1 Farm life", "2 Numbers"));
  EXPECT_EQ(document.text,
            "Farm life\n\nHens lay brown eggs.\nDaily.\n\n- Ada\n- Bo\n\nNumbers\n\nHen | Eggs\nAda | 3\n\na  b\n  "
            "c\n\n한글\n");
}

TEST(ParseHtml, the_declared_encoding_is_used) {
  EXPECT_EQ(parse(DocumentFormat::html, "<meta charset='euc-kr'><p>\xC7\xD1\xB1\xDB</p>").text, "한글\n");
  EXPECT_EQ(parse(DocumentFormat::html, "<meta charset=latin1><p>caf\xE9</p>").text, "caf\u00E9\n");
}

TEST(ParseHtml, references_to_no_character_become_replacements) {
  const std::string overflow = "<p>a&#x30" + std::string(105, 'e') + "1;b</p>";
  EXPECT_THAT(parse(DocumentFormat::html, overflow).text, HasSubstr("\uFFFD"));
  EXPECT_EQ(parse(DocumentFormat::html, "<title>&#xD800;</title>a&#xDFFF;b").title, "\uFFFD");
}

TEST(ParseHtml, depth_costs_no_stack) {
  std::string page;
  for (int i = 0; i < 20'000; ++i) page += "<b><div>";
  EXPECT_EQ(parse(DocumentFormat::html, page.substr(0, 80'000) + "deep").text, "deep\n");
}

TEST(ParseCsv, a_row_is_a_line_of_named_values) {
  EXPECT_EQ(parse(DocumentFormat::csv, "hen,eggs,note\nAda,3,\"brown, \"\"big\"\"\nones\"\nBo,,x\n").text,
            "hen: Ada; eggs: 3; note: brown, \"big\" ones\nhen: Bo; note: x\n");
  EXPECT_EQ(parse(DocumentFormat::csv, "이름\t나이\n철수\t12\n").text, "이름: 철수; 나이: 12\n");
  EXPECT_EQ(parse(DocumentFormat::csv, "1;2\n3;4\n").text, "1; 2\n3; 4\n") << "numbers name no columns";
  EXPECT_EQ(parse(DocumentFormat::csv, "a,b,c").text, "a; b; c\n") << "a header without rows is what there is";
  EXPECT_EQ(parse(DocumentFormat::csv, "a,b\n1,2,3\n").text, "a: 1; b: 2; 3\n");
}

TEST(ParseCsv, a_quote_that_never_ends_is_named_by_its_place) {
  EXPECT_THAT(refusal(DocumentFormat::csv, "a,b\n1,\"2\n3,4\n"), HasSubstr("quote at byte 6"));
  EXPECT_THAT(refusal(DocumentFormat::csv, std::string(20'000, ',')), HasSubstr("more than 16384 columns"));
}

TEST(ParseJson, values_are_lines_with_their_paths) {
  const Document document = parse(DocumentFormat::json, R"({"title": "The Farm", "owner": {"name": "Ann", "age": 41},
    "hens": [{"name": "Ada", "eggs": 3.50, "tags": ["brown", "big"], "sold": null}, {"name": "Bo", "ok": true}]})");
  EXPECT_EQ(document.title, "The Farm");
  EXPECT_THAT(headings_of(document), ElementsAre("1 The Farm"));
  EXPECT_EQ(
      document.text,
      "The Farm\n\nowner.name: Ann\nowner.age: 41\n\nname: Ada\neggs: 3.50\ntags: brown, big\n\nname: Bo\nok: true\n");
}

TEST(ParseJson, titles_and_texts_of_records_are_headings_and_prose) {
  const Document document =
      parse(DocumentFormat::json,
            "{\"title\":\"Ada\",\"text\":\"A hen.\\n\\nIt lays.\"}\n\n{\"id\":2,\"text\":\"short\"}\n", "farm.jsonl");
  EXPECT_EQ(document.title, "farm");
  EXPECT_THAT(headings_of(document), ElementsAre("1 Ada"));
  EXPECT_EQ(document.text, "Ada\n\nA hen.\n\nIt lays.\n\nid: 2\nshort\n");
}

TEST(ParseJson, a_broken_record_is_named_by_line_and_depth_is_refused) {
  EXPECT_THAT(refusal(DocumentFormat::json, "{\"a\": 1}\n{\"a\": \n"), HasSubstr("line 2: not valid JSON"));
  EXPECT_THAT(refusal(DocumentFormat::json, "{\"a\": 1,}"), HasSubstr("not valid JSON at byte 9"));
  EXPECT_THAT(refusal(DocumentFormat::json, std::string(1'000'000, '[')), HasSubstr("deeper than 128 levels"));
}

TEST(ParseJson, ten_megabytes_on_one_line_are_read) {
  std::string text = "[";
  while (text.size() < 10'000'000) text += R"({"name": "Ada", "eggs": 3},)";
  text.back() = ']';
  const Document document = parse(DocumentFormat::json, text);
  EXPECT_TRUE(document.text.starts_with("name: Ada\neggs: 3\n\nname: Ada"));
}

TEST(CheckDocument, each_promise_is_held) {
  const Document good = {"t", "One\n\nTwo\n", {{0, 1, "One"}, {5, 2, "Two"}}, {0, 5, 9}};
  EXPECT_NO_THROW(check_document(good, "a"));
  const auto broken = [&](auto&& change) {
    Document document = good;
    change(document);
    EXPECT_THROW(check_document(document, "a"), FormatError);
  };
  broken([](Document& d) { d.text = "\n \u00A0\n"; });
  broken([](Document& d) { d.text[1] = '\xFF'; });
  broken([](Document& d) { d.text[1] = '\r'; });
  broken([](Document& d) { d.text[1] = '\0'; });
  broken([](Document& d) { d.text += "e\u0301"; });
  broken([](Document& d) { d.title = "\xC3"; });
  broken([](Document& d) { std::swap(d.headings[0], d.headings[1]); });
  broken([](Document& d) { d.headings[1].offset = 6; });
  broken([](Document& d) { d.headings[1].offset = 9; });
  broken([](Document& d) { d.headings[1].level = 0; });
  broken([](Document& d) { d.page_offsets = {5, 0}; });
  broken([](Document& d) { d.page_offsets = {10}; });
}

// Every parser, given anything, keeps its promises or refuses with an Error; parse_bytes() checks them.
TEST(Parsers, any_bytes_are_a_document_or_an_error) {
  Rng rng(7);
  constexpr std::string_view kPieces[] = {
      "# ", "\n", "|",           "---\n", "[a](b)",      "**",      "`",    "```\n",   "<p>", "</div>", "<h1>",
      "\"", ",",  "{\"title\":", "\"x\"", "}",           "[",       "]",    ":",       "한",  "\u1112", "\u0301",
      "\r", "\f", "a",           " ",     "<table><td>", "&#x301;", "\xFF", "\\u0301", "\\r"};
  int accepted = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes;
    for (uint64_t i = 1 + rng.below(30); i > 0; --i) bytes += kPieces[rng.below(std::size(kPieces))];
    const auto format = static_cast<DocumentFormat>(rng.below(8));
    if (format == DocumentFormat::pdf) continue;
    try {
      parse(format, bytes);
      ++accepted;
    } catch (const FormatError& error) {
      EXPECT_THAT(error.what(), testing::Not(HasSubstr("its parser"))) << name_of(format) << ": " << bytes;
    } catch (const UnsupportedError&) {
    }
  }
  EXPECT_GT(accepted, 500);
}

TEST(FormatOf, names_are_known_in_any_case) {
  EXPECT_EQ(format_of("a/B.PDF"), DocumentFormat::pdf);
  EXPECT_EQ(format_of("README"), DocumentFormat::text);
  EXPECT_EQ(format_of("x/Makefile"), DocumentFormat::source);
  EXPECT_EQ(format_of("a.tar.gz"), std::nullopt);
  EXPECT_EQ(format_of("noextension"), std::nullopt);
}

}  // namespace
}  // namespace bantam
