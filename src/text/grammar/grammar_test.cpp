#include "text/grammar/grammar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "base/error.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "text/grammar/gbnf.h"
#include "text/grammar/regex.h"
#include "text/grammar/test_matching.h"

namespace bantam {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

bool regex_accepts(std::string_view expression, std::string_view text, bool anywhere = false) {
  return accepts(regex_matcher(expression, anywhere), text);
}

bool gbnf_accepts(std::string_view grammar, std::string_view text) { return accepts(gbnf_matcher(grammar), text); }

TEST(CharSet, sets_are_ranges_without_surrogates) {
  const CharSet set({{U'c', U'f'}, {U'a', U'b'}, {0xD000, 0xE000}, {U'e', U'k'}});
  EXPECT_EQ(set.ranges(), (std::vector<CharSet::Range>{{U'a', U'k'}, {0xD000, 0xD7FF}, {0xE000, 0xE000}}));
  EXPECT_EQ(set.complement().complement(), set);
  EXPECT_EQ(set & set.complement(), CharSet());
  EXPECT_EQ(set | set.complement(), CharSet::all());
  EXPECT_TRUE(set.contains(U'k') && !set.contains(U'l') && !set.contains(0xD800));
}

TEST(CharSet, byte_sequences_match_exactly_the_characters_of_a_set) {
  Rng rng(3);
  for (int round = 0; round < 20; ++round) {
    std::vector<CharSet::Range> ranges;
    for (int i = 0; i < 4; ++i) {
      const auto first = static_cast<char32_t>(rng.below(0x110000) >> rng.below(12));
      ranges.push_back({first, first + static_cast<char32_t>(rng.below(0x8000) >> rng.below(15))});
    }
    const CharSet set(std::move(ranges));
    const std::vector<ByteSequence> sequences = utf8_sequences(set);
    for (char32_t c = 0; c <= 0x10FFFF; c += c < 0x1000 ? 1 : 7) {
      if (c >= 0xD800 && c < 0xE000) continue;
      std::string bytes;
      append_utf8(bytes, c);
      int matched = 0;
      for (const ByteSequence& sequence : sequences) {
        bool fits = sequence.size == bytes.size();
        for (size_t i = 0; fits && i < bytes.size(); ++i) {
          const auto byte = static_cast<uint8_t>(bytes[i]);
          fits = sequence.bytes[i].first <= byte && byte <= sequence.bytes[i].last;
        }
        matched += fits ? 1 : 0;
      }
      ASSERT_EQ(matched, set.contains(c) ? 1 : 0) << static_cast<uint32_t>(c);
    }
  }
}

std::string random_expression(Rng& rng, int depth) {
  const auto atom = [&]() -> std::string {
    switch (rng.below(depth > 0 ? 7 : 4)) {
      case 0:
        return "a";
      case 1:
        return "b";
      case 2:
        return "[^b]";
      case 3:
        return "[a-b]";
      case 4:
        return "(" + random_expression(rng, depth - 1) + "|" + random_expression(rng, depth - 1) + ")";
      default:
        return "(?:" + random_expression(rng, depth - 1) + ")";
    }
  };
  std::string out;
  for (uint64_t i = rng.below(4); i-- > 0;) {
    out += atom();
    static constexpr const char* kQuantifiers[] = {"", "", "", "*", "+", "?", "{2}", "{0,2}", "{1,3}", "{2,}", "{0}"};
    out += kQuantifiers[rng.below(std::size(kQuantifiers))];
  }
  return out;
}

TEST(Regex, accepts_what_another_engine_accepts) {
  Rng rng(5);
  for (int round = 0; round < 600; ++round) {
    const std::string expression = random_expression(rng, 2);
    const std::regex reference(expression, std::regex::ECMAScript | std::regex_constants::__polynomial);
    std::optional<Matcher> matcher;
    try {
      matcher.emplace(regex_matcher(expression));
    } catch (const FormatError& e) {
      FAIL() << expression << ": " << e.what();
    }
    for (int length = 0; length <= 6; ++length) {
      for (int i = 0; i < 12; ++i) {
        std::string text;
        for (int c = 0; c < length; ++c) text += "abc"[rng.below(3)];
        ASSERT_EQ(accepts(*matcher, text), std::regex_match(text, reference)) << expression << " on " << text;
      }
    }
  }
}

TEST(Regex, what_is_reached_can_be_finished) {
  Rng rng(6);
  for (int round = 0; round < 300; ++round) {
    Matcher matcher = regex_matcher(random_expression(rng, 2));
    Matcher::State state = matcher.start();
    for (int step = 0; step < 20; ++step) {
      ASSERT_TRUE(shortest_end(matcher, state));
      std::vector<Matcher::State> next;
      for (int byte = 0; byte < 256; ++byte) {
        const Matcher::State to = matcher.next(state, static_cast<uint8_t>(byte));
        if (to != Matcher::kDead) next.push_back(to);
      }
      if (next.empty()) break;
      state = next[rng.below(next.size())];
    }
  }
}

TEST(Regex, characters_are_whole) {
  EXPECT_TRUE(regex_accepts("[가-힣]{2}!", "한국!"));
  EXPECT_FALSE(regex_accepts("[가-힣]{2}!", "한a!"));
  EXPECT_TRUE(regex_accepts(".", "\xF0\x9F\x98\x80"));
  EXPECT_FALSE(regex_accepts(".", "\xFF"));
  EXPECT_FALSE(regex_accepts("..", "가"));
  EXPECT_TRUE(regex_accepts(R"(\u{1F600}\x41\uD55C\ud83d\ude00)",
                            "\xF0\x9F\x98\x80"
                            "A한\xF0\x9F\x98\x80"));
  EXPECT_TRUE(regex_accepts(R"(\p{L}+)", "Müller한"));
  EXPECT_FALSE(regex_accepts(R"([^\w]+)", "é"));
  EXPECT_FALSE(regex_accepts(R"(\W)", "é"));
}

TEST(Regex, a_pattern_may_match_anywhere_unless_it_is_anchored) {
  EXPECT_TRUE(regex_accepts("b", "abc", true));
  EXPECT_TRUE(regex_accepts("^ab", "abc", true));
  EXPECT_FALSE(regex_accepts("^b", "abc", true));
  EXPECT_TRUE(regex_accepts("^x|c$", "abc", true));
  EXPECT_FALSE(regex_accepts("^x$|^c$", "abc", true));
}

TEST(Regex, says_what_it_cannot_hold_to) {
  for (const char* expression : {"(?=a)", "(?<!a)b", R"(\bword)", R"(a\1)", "(?i)a", "a++", "a$b", "(a|^b)",
                                 "[[:alpha:]]", R"(\p{Greek})", R"(\k<n>)"}) {
    EXPECT_THROW(regex_matcher(expression), UnsupportedError) << expression;
  }
  for (const char* expression : {"(", ")", "a)", "[a", "*", "a**", "[b-a]", "a{3,2}", "a{2000000000}", "\\", "(?<n",
                                 R"(\ud800)", R"(\xZZ)", "\xFF"}) {
    EXPECT_THROW(regex_matcher(expression), FormatError) << expression;
  }
  EXPECT_THAT([] { regex_matcher("[]"); }, testing::Throws<UnsupportedError>());
  EXPECT_THAT([] { regex_matcher(R"([^\s\S])"); }, ThrowsMessage<FormatError>(HasSubstr("nothing can be written")));
  EXPECT_THROW(regex_matcher(std::string(100'000, '(')), FormatError);
}

TEST(Regex, huge_repetitions_are_counted) {
  Matcher matcher = regex_matcher("(?:ab?){3,1000000000}c");
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "ab";
  EXPECT_FALSE(accepts(matcher, "abac"));
  EXPECT_TRUE(accepts(matcher, "abaabc"));
  EXPECT_TRUE(accepts(matcher, text.substr(0, 200) + "c"));
  EXPECT_TRUE(regex_accepts("(?:(?:ab){100}){50}", text + text + text + std::string()) == false);
  EXPECT_FALSE(regex_accepts("(?:(?:ab){100}){50}", text));
  EXPECT_TRUE(regex_accepts("(?:(?:ab){100}){30}", text));
}

TEST(Matcher, states_with_counts_far_from_their_end_are_equal_for_a_while) {
  Matcher matcher = regex_matcher("[ab]{100,2000}");
  const Matcher::State a = run(matcher, std::string(10, 'a')), b = run(matcher, std::string(50, 'b'));
  EXPECT_NE(a, b);
  EXPECT_EQ(matcher.equal_for(a, 8), matcher.equal_for(b, 8));
  const Matcher::State late = run(matcher, std::string(1995, 'b'));
  EXPECT_NE(matcher.equal_for(a, 8), matcher.equal_for(late, 8));
  EXPECT_EQ(matcher.equal_for(late, 2), late == matcher.equal_for(late, 2) ? late : matcher.equal_for(late, 2));
}

TEST(Gbnf, reads_the_notation) {
  const char* grammar = R"g(# a list of words
root  ::= "- " item ("\n- " item)*   # comment
item  ::= word | quoted
      | [0-9]{2,3}
word  ::= [a-zA-Z가-힣_\-]+
quoted ::= "\"" [^"\n]* "\"" | (
   "(" word
   ")"
))g";
  EXPECT_TRUE(gbnf_accepts(grammar, "- one\n- \"two and\"\n- 123\n- (한국-x)"));
  EXPECT_FALSE(gbnf_accepts(grammar, "- 1"));
  EXPECT_FALSE(gbnf_accepts(grammar, "- one\n"));
}

TEST(Gbnf, recursion_is_followed_to_a_limit_and_stays_finishable) {
  Matcher matcher = gbnf_matcher(R"g(root ::= "(" root? ")" | "[" root "]" | "x")g");
  EXPECT_TRUE(accepts(matcher, "([((x))])"));
  EXPECT_FALSE(accepts(matcher, "([((x)])"));
  Matcher::State state = matcher.start();
  std::string closing;
  for (int depth = 0; depth < 2000; ++depth) {
    const Matcher::State next = matcher.next(state, depth % 2 == 0 ? '(' : '[');
    if (next == Matcher::kDead) break;
    closing.insert(closing.begin(), depth % 2 == 0 ? ')' : ']');
    state = next;
  }
  EXPECT_GE(closing.size(), Automaton::kDeepest);
  EXPECT_LE(closing.size(), Automaton::kDeepest + 1);
  if (closing[0] == ']') state = matcher.next(state, 'x');
  for (const char c : closing) {
    ASSERT_NE(state, Matcher::kDead);
    state = matcher.next(state, static_cast<uint8_t>(c));
  }
  EXPECT_TRUE(matcher.complete(state));
}

TEST(Gbnf, recursion_at_the_end_has_no_limit) {
  Matcher matcher = gbnf_matcher("root ::= \"a\" root | \"b\"\n");
  EXPECT_TRUE(accepts(matcher, std::string(5000, 'a') + "b"));
}

TEST(Gbnf, ambiguity_does_not_multiply_states) {
  // After n times "a" there are 2^n ways to go on.
  Matcher matcher = gbnf_matcher(R"(root ::= "a" root "b" | "a" root "c" | "x")");
  EXPECT_TRUE(accepts(matcher, std::string(60, 'a') + "x" + std::string(30, 'b') + std::string(30, 'c')));
  Matcher chain = gbnf_matcher([] {
    std::string text = "root ::= r0\n";
    for (int i = 0; i < 40; ++i) text += fmt::format("r{} ::= r{} \"b\" | r{} \"c\"\n", i, i + 1, i + 1);
    return text + "r40 ::= \"x\"\n";
  }());
  EXPECT_TRUE(accepts(chain, "x" + std::string(20, 'b') + std::string(20, 'c')));
}

TEST(Gbnf, refuses_with_line_and_column) {
  const auto refusal = [](std::string_view text) -> std::string {
    try {
      gbnf_matcher(text);
    } catch (const FormatError& e) {
      return e.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refusal("root ::= \"a\"\nx ::= ?"), HasSubstr("line 2, column 7"));
  EXPECT_THAT(refusal("x ::= \"a\""), HasSubstr("no rule 'root'"));
  EXPECT_THAT(refusal("root ::= y"), HasSubstr("'y' is used but not defined"));
  EXPECT_THAT(refusal("root ::= \"a\"\nroot ::= \"b\""), HasSubstr("twice"));
  EXPECT_THAT(refusal("root ::= root \"a\" | \"b\""), HasSubstr("left recursion"));
  EXPECT_THAT(refusal("root ::= \"\"? x\nx ::= y* root \"a\" | \"b\"\ny ::= \"c\"*"), HasSubstr("left recursion"));
  EXPECT_THAT(refusal("root ::= \"a\" root"), HasSubstr("nothing can be written"));
  EXPECT_THAT(refusal("root ::= []"), HasSubstr("nothing can be written"));
  EXPECT_THAT(refusal("root ::= \"abc"), HasSubstr("does not end"));
  EXPECT_THAT(refusal("root ::= " + std::string(100'000, '(')), HasSubstr("more than 200 deep"));
  EXPECT_THAT(refusal("root ::= \"a\"{2000000000}"), HasSubstr("more than 1000000000 times"));
  EXPECT_THAT(refusal(""), HasSubstr("no rule 'root'"));
  EXPECT_THROW(gbnf_matcher("root ::= <[12]>"), UnsupportedError);
  std::string deep = "root ::= r0 \"x\"\n";
  for (int i = 0; i < 300; ++i) deep += fmt::format("r{} ::= \"a\" r{} \"b\"\n", i, i + 1);
  EXPECT_THAT(refusal(deep + "r300 ::= \"c\""), HasSubstr("nests deeper"));
}

TEST(Grammar, words_share_their_beginnings) {
  std::vector<std::string> words = {"한국", "한글", "han", "hangul", "", "x"};
  for (int i = 0; i < 20'000; ++i) words.push_back("item-" + std::to_string(i));
  Grammar g;
  g.root = g.declare("root");
  g.define(g.root, g.words(words));
  Matcher matcher(std::make_shared<Automaton>(g));
  for (const std::string& word : words) ASSERT_TRUE(accepts(matcher, word)) << word;
  for (const char* other : {"한", "h", "hang", "item-", "item-20000", "xx"}) EXPECT_FALSE(accepts(matcher, other));
}

TEST(Matcher, a_state_moves_to_a_fresh_matcher) {
  const auto automaton = std::make_shared<Automaton>(compile_gbnf("root ::= \"(\" root{2,5} \")\" | \"x\"\n"));
  Matcher old(automaton), fresh(automaton);
  const Matcher::State state = old.move_to(run(old, "((xx)"), fresh);
  Matcher::State at = state;
  for (const char c : std::string("x)")) at = fresh.next(at, static_cast<uint8_t>(c));
  EXPECT_TRUE(fresh.complete(at));
  EXPECT_EQ(fresh.next(state, ')'), Matcher::kDead);
}

}  // namespace
}  // namespace bantam
