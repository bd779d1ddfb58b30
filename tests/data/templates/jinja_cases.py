#!/usr/bin/env python3
"""Prints what Python's jinja2 makes of chat templates, one JSON object a line, for tests/chat_templates_test.cpp.

usage: jinja_cases.py goldens [FOLDER]        every template of the folder with fixed conversations
       jinja_cases.py random SEED [FOLDER]    generated conversations, and small generated templates

A line has "file" or "source", "context", and what came out: "text", or "error" with its "message". Jinja is set up as
transformers does. Exit code 77: no jinja2 here.
"""
import datetime
import json
import random
import sys
from pathlib import Path

try:
    import jinja2
    from jinja2 import nodes
    from jinja2.exceptions import TemplateError
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment
except ImportError:
    sys.exit(77)

NOW = datetime.datetime(2026, 7, 26, 9, 5, 3)


class Refusal(Exception):
    pass


class Generation(Extension):
    """{% generation %}: marks what the assistant writes, and prints it."""
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_support"), [], [], body).set_lineno(line)

    def _support(self, caller):
        return caller()


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])

    def raise_exception(message):
        raise Refusal(message)

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


ENV = environment()
COMPILED = {}


def compiled(source):
    if source not in COMPILED:
        COMPILED[source] = ENV.from_string(source)
    return COMPILED[source]


def print_case(source, context, file=None):
    case = {"file": file} if file else {"source": source}
    case["context"] = context
    try:
        case["text"] = compiled(source).render(**context)
        case["text"].encode()
    except Refusal as refusal:
        case.update(error="refusal", message=str(refusal))
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
        case.pop("text", None)
        case.update(error=type(error).__name__, message=str(error))
    print(json.dumps(case, ensure_ascii=False))


# --- conversations ---------------------------------------------------------------------------------------------------

def tool(name, description, properties, required=()):
    return {"type": "function", "function": {"name": name, "description": description, "parameters": {
        "type": "object", "properties": properties, "required": list(required)}}}


TOOLS = [
    tool("get_weather", "The weather at a place <today>, it's \"now\".",
         {"place": {"type": "string", "description": "A city & country"},
          "unit": {"type": "string", "enum": ["C", "F"], "description": "Unit"}}, ["place"]),
    tool("add", "Adds 두 수", {"a": {"type": "number", "description": "first"}, "b": {"type": "integer", "description": "second"}}),
]


def call(identifier, name, arguments):
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


FIXED = {
    "one question": {"messages": [{"role": "user", "content": "Hello!"}]},
    "system, turns": {"messages": [
        {"role": "system", "content": "  You are terse. "}, {"role": "user", "content": "What is 1 < 2?\n"},
        {"role": "assistant", "content": "<think>\nEasy.\n</think>\n\nTrue & so on"}, {"role": "user", "content": " 안녕 👋 {{ x }} "}]},
    "answer last": {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": " b "}], "add_generation_prompt": False},
    "tools": {"tools": TOOLS, "messages": [
        {"role": "system", "content": "Use tools."}, {"role": "user", "content": "Weather in Seoul, and 1+2.5?"},
        {"role": "assistant", "content": "", "tool_calls": [call("abcdefgh1", "get_weather", {"place": "Seoul", "unit": "C"})]},
        {"role": "tool", "name": "get_weather", "tool_call_id": "abcdefgh1", "content": "{\"t\": 21.5}"},
        {"role": "assistant", "content": "It is warm.", "tool_calls": [call("abcdefgh2", "add", {"a": 2.5, "b": 1})]},
        {"role": "tool", "name": "add", "tool_call_id": "abcdefgh2", "content": "3.5"},
        {"role": "assistant", "content": "21.5 and 3.5"}, {"role": "user", "content": "Thanks"}]},
    "tools, arguments as text": {"tools": TOOLS[:1], "messages": [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call("abcdefgh1", "get_weather", "{\"place\": \"Rome\"}")]},
        {"role": "tool", "name": "get_weather", "tool_call_id": "abcdefgh1", "content": "rain"}]},
    "user first twice": {"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]},
    "unknown role": {"messages": [{"role": "robot", "content": "beep"}]},
    "no messages": {"messages": []},
    "parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Look "}, {"type": "text", "text": "here"}]}]},
}


def context_of(conversation, **more):
    context = {"messages": [], "tools": None, "add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>"}
    context.update(conversation)
    context.update(more)
    if context["tools"] is None:
        del context["tools"]
    return context


WORDS = ["hello", "World", "it's", "naïve", "学", "한국어", "🙂", "<|im_end|>", "[/INST]", "</think>", "<think>", "\n", "\n\n",
         "  ", "\t", "\"q\"", "\\n", "{{ a }}", "{% if %}", "<b>&amp;</b>", "1.5", "É", "ß", "\u00a0", "</s>", "```"]


def random_text(rng):
    return " ".join(rng.choice(WORDS) for _ in range(rng.randrange(6))) if rng.random() < 0.9 else ""


def random_conversation(rng):
    messages = []
    if rng.random() < 0.5:
        messages.append({"role": "system", "content": random_text(rng)})
    tools = rng.choice([None, None, TOOLS, TOOLS[1:]])
    for turn in range(rng.randrange(1, 4)):
        messages.append({"role": "user", "content": random_text(rng)})
        if tools and rng.random() < 0.5:
            arguments = rng.choice([{"place": random_text(rng)}, {"a": 1, "b": [1.5, True, None]}, {}])
            calls = [call(f"call{turn}{i:04}", rng.choice(["get_weather", "add"]), arguments) for i in range(rng.randrange(1, 3))]
            messages.append({"role": "assistant", "content": rng.choice(["", None, random_text(rng)]), "tool_calls": calls})
            for c in calls:
                messages.append({"role": "tool", "name": c["function"]["name"], "tool_call_id": c["id"], "content": random_text(rng)})
        answer = {"role": "assistant", "content": random_text(rng)}
        if rng.random() < 0.2:
            answer["reasoning_content"] = random_text(rng)
        messages.append(answer)
    if rng.random() < 0.7:
        messages.append({"role": "user", "content": random_text(rng)})
    if rng.random() < 0.1:
        rng.shuffle(messages)
    context = context_of({"messages": messages, "tools": tools}, add_generation_prompt=rng.random() < 0.7)
    if rng.random() < 0.3:
        context["enable_thinking"] = rng.random() < 0.5
    return context


# --- small generated templates ---------------------------------------------------------------------------------------

VARIABLES = {
    "i": 7, "n": -3, "f": 2.5, "g": 1e20, "z": 0, "t": True, "no": False, "none_value": None, "s": "Hello World", "e": "",
    "u": "naïve 한국어 🙂 ß", "w": "  spaced\tout \n", "q": "it's \"q\" \\ \u0007", "l": [3, 1, 2], "ls": ["b", "A", "c", "a"],
    "mixed": [1, "x", None, 2.5, [True]], "d": {"b": 1, "a": {"c": [1, 2]}, "items": "own"},
    "people": [{"name": "Ann", "age": 30, "tags": ["x"]}, {"name": "bob", "age": 25}, {"name": "Cid", "age": 30, "tags": []}],
}
STRINGS = ["s", "e", "u", "w", "q", "'a,b,,c'", "'aXbXc'", "\"tab\\tnew\\nline\"", "'x' * 3", "'\\u00e9\\x41'", "'line\\r\\nend\\n'"]
NUMBERS = ["i", "n", "f", "g", "z", "t", "0", "1", "2", "10", "0.1", "1e3", "1e-7", "100000", "-2", "1_000", "3.0", "12345.678"]
LISTS = ["l", "ls", "mixed", "people", "[]", "[1, 'a', none]", "(1, 2)", "(range(4) | list)", "s", "d", "d.keys()", "d.items()", "[[1, 2], [3]]"]
STRING_FILTERS = ["upper", "lower", "title", "capitalize", "trim", "length", "string", "list", "first", "last", "reverse", "escape",
                  "replace('a', 'bb')", "replace('', '-', 2)", "replace('l', '', 1)", "indent", "indent(2, true)", "indent('> ', first=true, blank=true)",
                  "int", "float", "default('d')", "default('d', true)", "tojson", "tojson(ensure_ascii=true)", "trim('H ')", "safe", "join('-')",
                  "unique | list", "sort", "map('upper') | join", "batch(2) | list", "int(default=-1)", "int(5, 16)"]
NUMBER_FILTERS = ["abs", "int", "float", "string", "round", "round(1)", "round(2, 'ceil')", "round(1, 'floor')", "tojson", "default(1)", "length"]
LIST_FILTERS = ["length", "list", "first", "last", "join(', ')", "join", "sort", "sort(reverse=true)", "unique | list", "reverse | list",
                "tojson", "tojson(indent=2)", "tojson(separators=(',', ':'))", "tojson(sort_keys=true, indent=1)", "map('string') | list",
                "select | list", "reject('none') | list", "select('string') | list", "max", "min", "sum", "map(attribute='name') | list",
                "selectattr('age', 'equalto', 30) | map(attribute='name') | join('+')", "rejectattr('tags') | list | length",
                "selectattr('tags', 'defined') | list", "sort(attribute='age') | map(attribute='name') | list", "dictsort", "items | list",
                "map(attribute='tags.0', default='-') | list", "string", "sum(attribute='age')", "max(attribute='age')", "batch(2, 0) | list",
                "dictsort(reverse=true)", "count", "default([])", "select('odd') | list", "map('default', 'x') | list"]
METHODS = ["strip()", "lstrip()", "rstrip()", "strip(' H')", "upper()", "lower()", "title()", "capitalize()", "swapcase()", "split()",
           "split(',')", "split('X', 1)", "split(maxsplit=1)", "rsplit(' ', 1)", "rsplit(none, 1)", "rsplit('l', 2)", "splitlines()", "splitlines(true)", "startswith('H')",
           "startswith(('x', 'n'))", "endswith('d')", "replace('l', 'L')", "replace('l', 'L', 1)", "find('l')", "rfind('l')", "count('l')",
           "count('')", "partition('o')", "rpartition('o')", "isdigit()", "isalpha()", "isspace()", "isupper()", "islower()", "isalnum()",
           "removeprefix('He')", "removesuffix('ld')", "join(ls)", "index('e')"]
TESTS = ["defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "iterable", "sequence", "true", "false",
         "odd", "even", "divisibleby(3)", "divisibleby 2", "equalto 7", "eq(none)", "in [1, 7]", "sameas true", "gt 2", "lt(5)", "ge 7", "ne 'x'",
         "lower", "upper", "callable", "filter", "== 7"]
SLICES = ["[0]", "[-1]", "[1:]", "[:-1]", "[::-1]", "[1:3]", "[::2]", "[-2:]", "[5:1:-2]", "[100:]", "[:0]", "[9]", "['a']", "['items']", ".a", ".name",
          ".items", ".missing"]


def random_expression(rng, depth=0):
    pick = rng.randrange(18 if depth < 4 else 5)
    sub = lambda: random_expression(rng, depth + 1)
    if pick < 2:
        return rng.choice(STRINGS)
    if pick < 4:
        return rng.choice(NUMBERS)
    if pick == 4:
        return rng.choice(LISTS + ["d", "none", "missing", "no", "{'k': i, 2: [f]}", "d.a.c", "people[0]"])
    if pick == 5:
        return f"({sub()}) | {rng.choice(STRING_FILTERS + NUMBER_FILTERS + LIST_FILTERS)}"
    if pick == 6:
        return f"({rng.choice(STRINGS)}) | {rng.choice(STRING_FILTERS)}"
    if pick == 7:
        return f"({rng.choice(NUMBERS)}) | {rng.choice(NUMBER_FILTERS)}"
    if pick == 8:
        return f"({rng.choice(LISTS)}) | {rng.choice(LIST_FILTERS)}"
    if pick == 9:
        return f"({rng.choice(STRINGS)}).{rng.choice(METHODS)}"
    if pick == 10:
        return f"({sub()}) {rng.choice(['+', '-', '*', '/', '//', '%'])} ({rng.choice(NUMBERS + [sub()])})"
    if pick == 11:
        return f"({sub()}) ~ ({sub()})"
    if pick == 12:
        return f"({sub()}) {rng.choice(['==', '!=', '<', '<=', '>', '>=', 'in', 'not in'])} ({sub()})"
    if pick == 13:
        return f"{rng.choice(NUMBERS)} {rng.choice(['<', '<=', '=='])} {rng.choice(NUMBERS)} {rng.choice(['<', '!='])} {rng.choice(NUMBERS)}"
    if pick == 14:
        return f"({sub()}) {rng.choice(['and', 'or'])} ({sub()})"
    if pick == 15:
        return f"({sub()}) if ({sub()}) else ({sub()})"
    if pick == 16:
        return f"({sub()}) is {rng.choice(['', 'not '])}{rng.choice(TESTS)}"
    return f"({rng.choice(STRINGS + LISTS + ['d', 'people[1]'])}){rng.choice(SLICES)}"


FORMATS = ["'{}-{}'.format(i, s)", "'{1}{0}'.format(s, f)", "'{a!r:>12}|'.format(a=s)", "'{:<6}|{:^6}|{:>6}'.format(i, 'ab', f)", "'{:.2f}{:05d}'.format(f, i)",
           "'{:x}'.format(255)", "'{{}}{}'.format(1)", "'%s and %r' % (s, q)", "'%d%%' % i", "'%5.1f|%-6s|%+d' % (f, 'x', i)", "'%05d' % n",
           "'%s' | format(l)", "'{:,}'", "'%s'", "'%x' % 255", "'{} {}'.format(1)"]


def random_space(rng):
    return rng.choice(["", "", " ", "\n", "\n\n", "  \n", "\n  ", "\t", " \n \n ", "x", "x\n", "\n  x "])


def random_tag(rng, kind, inside):
    left, right = rng.choice(["", "", "-", "+"]), rng.choice(["", "", "-"])
    if kind == "{{":
        return f"{{{{{left if left != '+' else ''} {inside} {right}}}}}"
    if kind == "{#":
        return f"{{#{left} {inside} {right}#}}"
    return f"{{%{left} {inside} {right if rng.random() < 0.8 else '+'}%}}"


def random_body(rng, depth=0, in_loop=False):
    out = ""
    for _ in range(rng.randrange(1, 4)):
        out += random_space(rng)
        pick = rng.randrange(13 if depth < 3 else 4)
        body = lambda loop=in_loop: random_body(rng, depth + 1, loop)
        tag = lambda inside: random_tag(rng, "{%", inside)
        if pick < 2:
            out += random_tag(rng, "{{", rng.choice(["i", "s", "x", "loop.index", "item", "ns.a", "loop.last", rng.choice(FORMATS), "strftime_now('%d %b %Y')"]))
        elif pick == 2:
            out += random_tag(rng, "{#", rng.choice(["note", "{{ i }}", "a\nb"]))
        elif pick == 3:
            out += tag(f"set {rng.choice(['x', 'j', 'ns.a', 'x, y'])} = {rng.choice(['i', 's', 'loop.index', '[1, 2]', '1, 2', 'ns.a'])}")
        elif pick == 4:
            out += tag(f"if {rng.choice(['t', 'no', 'loop.first', 'x is defined', 'i > 3', 'ns.a'])}") + body() + rng.choice(["", tag("else") + body(), tag("elif no") + body() + tag("else") + body()]) + tag("endif")
        elif pick < 7:
            head = rng.choice(["for item in l", "for item in ls if item != 'c'", "for item in range(3)", "for a, b in d.items()", "for item in []",
                               "for item in people", "for c in 'ab'", "for item in d", "for k, v in {'x': 1}.items() if v"])
            more = rng.choice(["", tag("if loop.index > 1") + tag(rng.choice(["break", "continue"])) + tag("endif")])
            out += tag(head) + body(True) + more + body(True) + rng.choice(["", tag("else") + body()]) + tag("endfor")
        elif pick == 7:
            out += tag(f"set x{rng.choice(['', ' | upper', ' | trim | length'])}") + body() + tag("endset")
        elif pick == 8:
            out += tag("macro m(a, b='dflt', c=i)") + "{{ a }}{{ b }}{{ c }}" + body(False) + tag("endmacro") + random_tag(rng, "{{", rng.choice(["m()", "m(1)", "m(1, c=2)", "m(b=s) | upper", "m(1, 2, 3, 4)", "m(d=1)"]))
        elif pick == 9:
            out += tag("filter " + rng.choice(["upper", "trim", "replace('a', 'b') | length", "indent(2)"])) + body() + tag("endfilter")
        elif pick == 10:
            out += tag("with x = i, y = 2") + body() + tag("endwith")
        elif pick == 11:
            out += tag("macro wrap(t)") + "<{{ t }}>{{ caller(1) }}" + tag("endmacro") + tag("call(v) wrap('z')") + "{{ v }}" + body(False) + tag("endcall")
        else:
            out += rng.choice([tag("raw") + " {{ raw }} " + tag("endraw").replace("+%}", "%}"), tag("generation") + body() + tag("endgeneration")])
    return out + random_space(rng)


def print_random(rng, templates):
    for _ in range(10):
        for path in templates:
            print_case(path.read_text(encoding="utf-8"), random_conversation(rng), path.name)
    for _ in range(1500):
        print_case("{{ " + random_expression(rng) + " }}", VARIABLES)
    for _ in range(700):
        print_case("{% set ns = namespace(a=1, b=l) %}" + random_body(rng), VARIABLES)
    for expression in FORMATS:
        print_case("{{ " + expression + " }}", VARIABLES)


def main():
    rest = sys.argv[2:] if sys.argv[1] == "goldens" else sys.argv[3:]
    templates = sorted(Path(rest[0] if rest else Path(__file__).parent).glob("*.jinja"))
    if sys.argv[1] == "random":
        return print_random(random.Random(int(sys.argv[2])), templates)
    for path in templates:
        for conversation in FIXED.values():
            print_case(path.read_text(encoding="utf-8"), context_of(conversation), path.name)


main()
