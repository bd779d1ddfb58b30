// Chat templates that are none, and those that take time or memory without an end.
#include <fmt/format.h>

#include "base_files.h"

namespace bantam::torture {
namespace {

std::string repeated(const std::string& text, int count) {
  std::string out;
  while (count-- > 0) out += text;
  return out;
}

Files with_template(const std::string& source) {
  return gguf_file([&](Metadata& metadata, auto&) { metadata.set("tokenizer.chat_template", source); });
}

struct Row {
  std::string name, source;
};

// Not templates: refused with the line.
std::vector<Row> broken() {
  return {
      {"an open tag", "{{ a"},
      {"an open block", "{% if a %}"},
      {"an open comment", "{# a"},
      {"an open string", "{{ 'a }}"},
      {"an open raw block", "{% raw %}a"},
      {"a bracket of another kind", "{{ (a] }}"},
      {"an end of nothing", "{% endif %}"},
      {"the end of another block", "{% if a %}{% endfor %}"},
      {"a tag nobody knows", "{% swirl %}"},
      {"a tag without a name", "{% %}"},
      {"a value that is missing", "{{ }}"},
      {"an operator without a value", "{{ 1 + }}"},
      {"a character of no language", "{{ ` }}"},
      {"a null byte", std::string("{{ \0 }}", 7)},
      {"an escape of no character", "{{ '\\ud800' }}"},
      {"an escape past Unicode", "{{ '\\U99999999' }}"},
      {"an escape cut short", "{{ '\\x4' }}"},
      {"a number past 64 bits", "{{ 99999999999999999999 }}"},
      {"a number of 30,000 digits", "{{ " + std::string(30'000, '9') + " }}"},
      {"a file of another template", "{% include 'x' %}"},
      {"a break outside a loop", "{% break %}"},
      {"a constant that is set", "{% set true = 1 %}"},
      {"a loop without a list", "{% for a %}{% endfor %}"},
      {"a macro without a name", "{% macro %}{% endmacro %}"},
      {"arguments from a list", "{{ f(*a) }}"},
      {"a name of 30,000 letters", "{{ " + std::string(30'000, 'n') + " }}"},
      {"brackets 30,000 deep", "{{ " + std::string(30'000, '(')},
      {"lists 30,000 deep", "{{ " + std::string(30'000, '[')},
      {"dicts 20,000 deep", "{{ " + repeated("{1:", 20'000)},
      {"signs 30,000 deep", "{{ " + std::string(30'000, '-') + "1 }}"},
      {"negations 15,000 deep", "{{ " + repeated("not ", 15'000) + "1 }}"},
      {"attributes 30,000 deep", "{{ a" + repeated(".a", 30'000) + " }}"},
      {"filters 10,000 deep", "{{ a" + repeated("|first", 10'000) + " }}"},
      {"calls 30,000 deep", "{{ a" + repeated("()", 30'000) + " }}"},
      {"sums 30,000 deep", "{{ a" + repeated("+a", 30'000) + " }}"},
      {"conditions 5,000 deep", "{{ " + repeated("a if b else ", 5'000) + "c }}"},
      {"blocks 4,000 deep", repeated("{% if true %}", 4'000)},
      {"targets 10,000 deep", "{% set " + repeated("(", 10'000)},
      {"a source of 2 MB", std::string(2'000'000, 'a')},
  };
}

// Templates that Python would raise an exception for.
std::vector<Row> failing() {
  return {
      {"an attribute of nothing", "{{ nothing.a }}"},
      {"a call of nothing", "{{ nothing() }}"},
      {"a call of a number", "{{ 1() }}"},
      {"a filter nobody knows", "{{ 1 | swirl }}"},
      {"a test nobody knows", "{{ 1 is swirl }}"},
      {"a division by zero", "{{ 1 // 0 }}"},
      {"a remainder of the smallest integer", "{{ (-9223372036854775807 - 1) // -1 }}"},
      {"a sum past 64 bits", "{{ 9223372036854775807 + 1 }}"},
      {"a power past 64 bits", "{{ 2 ** 64 }}"},
      {"the negation of the smallest integer", "{{ -(-9223372036854775807 - 1) }}"},
      {"a key that cannot be one", "{{ {[]: 1} }}"},
      {"a slice of step zero", "{{ 'a'[::0] }}"},
      {"a loop over a number", "{% for a in 1 %}{% endfor %}"},
      {"two names for three values", "{% set a, b = [1, 2, 3] %}"},
      {"an attribute of no namespace", "{% set a = 1 %}{% set a.b = 1 %}"},
      {"a macro after its block",
       "{% set n = namespace() %}{% for i in [1] %}{% macro f() %}{% endmacro %}"
       "{% set n.f = f %}{% endfor %}{{ n.f() }}"},
      {"too many arguments", "{% macro f() %}{% endmacro %}{{ f(1) }}"},
      {"a list that is changed", "{% set a = [] %}{{ a.append(1) }}"},
      {"a refusal", "{{ raise_exception('no') }}"},
      {"a refusal of a million letters", "{{ raise_exception('no' * 1000000) }}"},
      {"a format without arguments", "{{ '%d %d' % 1 }}"},
      {"a format that is wide", "{{ '%99999999999d' % 1 }}"},
      {"a format of braces that is open", "{{ '{'.format(1) }}"},
      {"a date that is wide", "{{ strftime_now('%999999999d') }}"},
      {"a range of step zero", "{{ range(1, 2, 0) | list }}"},
      {"a range of 2^63", "{{ range(-9223372036854775807, 9223372036854775807) | list }}"},
      {"a round past the range of integers", "{{ 9223372036854775807 | round(-400) }}{{ nothing.a }}"},
      {"a round of the smallest numbers", "{{ 1e-310 | round(320) }}{{ nothing.a }}"},
  };
}

// Templates that would go on for ever, or nearly.
std::vector<Row> endless() {
  const std::string text = "{% set s = 'x' * 1000000 %}";
  const auto loop = [](const std::string& body) { return "{% for i in range(99999) %}" + body + "{% endfor %}"; };
  const auto twice = [&](const std::string& body) { return loop(loop(body)); };
  const auto doubled = [](const std::string& pair, int times) {
    return fmt::format("{{% set n = namespace(s=(1,)) %}}{{% for a in range({}) %}}{{% set n.s = {} %}}{{% endfor %}}",
                       times, pair);
  };
  std::string many_variables;
  for (int i = 0; i < 3000; ++i) many_variables += fmt::format("{{% set v{} = 1 %}}", i);
  std::string many_arguments;
  for (int i = 0; i < 1000; ++i) many_arguments += fmt::format("{}a{}=1", i == 0 ? "" : ",", i);
  return {
      {"a macro that calls itself", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"},
      {"two macros that call each other",
       "{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}"},
      {"a macro that calls itself twice", "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}"},
      {"a macro whose default calls it", "{% macro f(a=f()) %}{% endmacro %}{{ f() }}"},
      {"a caller that calls itself", "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}"},
      {"loops in loops", twice("")},
      {"loops that print", twice("xxxxxxxxxxxxxxxx")},
      {"a string that doubles",
       "{% set n = namespace(s='x') %}{% for a in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}"},
      {"a list that holds itself twice", doubled("[n.s, n.s]", 60) + "{{ n.s }}"},
      {"a list that nests without an end", doubled("[n.s]", 99999)},
      {"a tree as JSON", doubled("[n.s, n.s]", 60) + "{{ n.s | tojson }}"},
      {"a tree as a key", doubled("(n.s, n.s)", 60) + "{{ {n.s: 1} }}"},
      {"a tree that is compared",
       doubled("(n.s, n.s)", 60) + "{% set a = n.s %}" + doubled("(n.s, n.s)", 60) + "{{ a == n.s }}"},
      {"a tree that is unique", doubled("(n.s, n.s)", 60) + "{{ [n.s] | unique | list }}"},
      {"a string times ten thousand million", "{{ 'x' * 99999999999 }}"},
      {"a list times ten thousand million", "{{ [1] * 99999999999 }}"},
      {"a list of 30,000 values", "{{ [" + repeated("1,", 30'000) + "] }}"},
      {"a range of 100,001", "{{ range(100001) }}"},
      {"a wide indent", "{{ 'ab' | indent(9999999999) }}"},
      {"a wide indent of JSON", "{{ [1] | tojson(indent=9999999999) }}"},
      {"formats without an end", "{{ '%s' * 9999999 % 'x' }}"},
      {"wide formats", loop("{{ '%9999d' % 1 }}")},
      {"wide fractions", loop("{{ '%.9999f' % 1e308 }}")},
      {"a batch that is filled", "{{ [1] | batch(9999999999, 0) | list }}"},
      {"a join that grows", "{{ range(9999) | join('x' * 9999) }}"},
      {"a replacement that grows", "{{ ('x' * 9999) | replace('x', 'y' * 9999) }}"},
      {"a replacement of nothing", "{{ ('x' * 9999).replace('', 'y' * 9999) }}"},
      {"letters one by one", "{{ ('x' * 4000000) | list }}"},
      {"a search that is slow", loop("{{ ('a' * 9999).count('a' * 300 + 'b') }}")},
      {"a search from behind", text + loop("{{ s.rfind('y') }}")},
      {"a sort that is slow", loop("{{ range(9999) | sort | first }}")},
      {"a sum of lists", "{{ [[1]] * 99999 | sum(start=[]) }}" + loop("{{ [[1] * 999] * 999 | sum(start=[]) }}")},
      {"filters of filters", "{{ 'a' | map(" + repeated("'map',", 8'000) + "'list') | list }}"},
      {"a key of a million letters", text + loop("{% if {}[s] is defined %}{% endif %}")},
      {"keys of a million letters that are kept",
       text + "{% set n = namespace(l=[]) %}" + loop("{% set n.l = [{}[s], n.l[0]] %}")},
      {"a prefix of a million letters", text + loop("{% if s.startswith(s) %}{% endif %}")},
      {"a suffix of a million letters", text + loop("{% if s.endswith(s) %}{% endif %}")},
      {"a prefix that is removed", text + loop("{% set a = s.removeprefix('x') %}")},
      {"a suffix that is removed", text + loop("{% set a = s.removesuffix('x') %}")},
      {"copies that are kept",
       text + "{% set n = namespace(l=[]) %}" + loop("{% set n.l = n.l + [s.removeprefix('x')] %}")},
      {"a precision that cuts a million letters", text + loop("{{ '{:.0}'.format(s) }}")},
      {"an indent of a million letters", text + loop("{{ '' | indent(s) }}")},
      {"a JSON indent of a million letters", text + loop("{{ 1 | tojson(indent=s) }}")},
      {"a separator of a million letters", text + loop("{{ [] | tojson(separators=(s, s)) }}")},
      {"a partition by a million letters", text + loop("{% set a = s.partition(s) %}")},
      {"a number of a million letters", text + loop("{{ s | int }}")},
      {"a filter named by a million letters", text + loop("{% if s is filter %}{% endif %}")},
      {"a slice of a million letters", text + loop("{{ s[-1:0] }}")},
      {"an element of a million letters", text + loop("{{ s[999999] }}")},
      {"three thousand variables", many_variables + loop("{% set v0 = v0 + 1 %}{{ v2999 }}")},
      {"three thousand variables of a namespace", "{% set n = namespace() %}" +
                                                      [] {
                                                        std::string sets;
                                                        for (int i = 0; i < 3000; ++i)
                                                          sets += fmt::format("{{% set n.v{} = 1 %}}", i);
                                                        return sets;
                                                      }() +
                                                      loop("{{ n.v2999 }}")},
      {"a thousand arguments by name", loop("{{ dict(" + many_arguments + ") }}")},
      {"a dict of a thousand keys that is searched",
       "{% set d = dict(" + many_arguments + ") %}" + loop("{{ d.b }}{{ d.get('c') }}")},
      {"a dict of dicts that is compared",
       "{% set d = dict(" + many_arguments + ") %}" + loop("{{ d == dict(a0=1) }}{{ d in [d, d] }}")},
      {"names that are searched for long", loop("{{ " + std::string(200, 'n') + " }}")},
      {"a loop of loops that are kept",
       "{% set n = namespace(l=[]) %}" +
           loop("{% for j in range(999) %}{% set n.l = [n.l[0], loop] %}{% break %}{% endfor %}")},
      {"sets without an end", loop("{% set a %}{% for j in range(99) %}xxxxxxxxxxxx{% endfor %}{% endset %}")},
  };
}

}  // namespace

BadClasses template_classes() {
  BadClasses classes;
  for (const Row& row : broken()) {
    add(classes, "template: " + row.name, {with_template(row.source), "tokenizer.chat_template: "});
  }
  for (const Row& row : failing()) add(classes, "template: " + row.name, {with_template(row.source)});
  for (const Row& row : endless()) {
    // Some of these end after all: then within the limits.
    add(classes, "endless template: " + row.name, {with_template(row.source), "", Expect::either});
  }
  add(classes, "template: a number in its place",
      {gguf_file([](Metadata& m, auto&) { m.set("tokenizer.chat_template", int64_t{1}); }), "expected a string"});
  return classes;
}

}  // namespace bantam::torture
