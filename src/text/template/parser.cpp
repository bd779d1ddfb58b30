#include "text/template/parser.h"

#include "text/template/expression_parser.h"

namespace bantam::jinja {
namespace {

constexpr int kMaxBlocks = 60;  // inside each other

using EndNames = std::initializer_list<std::string_view>;

class Parser {
 public:
  Parser(std::string_view source, std::string_view template_name)
      : tokens_(cut_tokens(source, template_name), template_name), expressions_(tokens_) {}

  Body run() {
    Body body;
    parse_statements(body, {});
    return body;
  }

 private:
  // Up to a tag with one of these names, whose name is then the current token; to the end of the template when there
  // are none.
  void parse_statements(Body& body, EndNames end_names) {
    while (!tokens_.is(TokenKind::end)) {
      const int line = tokens_.line();
      if (tokens_.is(TokenKind::data)) {
        body.push_back({line, Data{Value::text(tokens_.take().text)}});
      } else if (tokens_.is(TokenKind::begin_print)) {
        tokens_.take();
        body.push_back({line, Print{expressions_.parse_tuple()}});
        tokens_.expect(TokenKind::end_print, "'}}'");
      } else {
        tokens_.expect(TokenKind::begin_block, "a tag");
        if (!tokens_.is(TokenKind::name)) tokens_.fail("expected the name of a tag, found {}", tokens_.found());
        for (const std::string_view name : end_names) {
          if (tokens_.is_name(name)) return;
        }
        body.push_back(parse_tag(end_names));
      }
    }
    if (end_names.size() > 0)
      tokens_.fail("expected the tag '{}', found the end of the template", *(end_names.end() - 1));
  }

  // The body of a block that ends with one of these tags; the end tag's name is the current token.
  Body parse_body(EndNames end_names) {
    if (++blocks_ > kMaxBlocks) tokens_.fail("blocks nest deeper than {} levels", kMaxBlocks);
    end_block();
    Body body;
    parse_statements(body, end_names);
    --blocks_;
    return body;
  }

  Body parse_body_to(std::string_view end_name) {
    Body body = parse_body({end_name});
    tokens_.take();
    return body;
  }

  void end_block() { tokens_.expect(TokenKind::end_block, "'%}'"); }

  Statement parse_tag(EndNames end_names) {
    const Token name = tokens_.take();
    Statement statement{name.line, Break{}};
    if (name.text == "if") {
      statement.node = parse_if();
    } else if (name.text == "for") {
      statement.node = parse_for();
    } else if (name.text == "set") {
      parse_set(statement);
    } else if (name.text == "macro") {
      statement.node = parse_macro();
    } else if (name.text == "call") {
      statement.node = parse_call_block();
    } else if (name.text == "filter") {
      ExpressionPtr filter = expressions_.parse_filters();
      statement.node = FilterBlock{std::move(filter), parse_body_to("endfilter")};
    } else if (name.text == "with") {
      statement.node = parse_with();
    } else if (name.text == "generation") {
      statement.node = Generation{parse_body_to("endgeneration")};
    } else if (name.text == "continue") {
      statement.node = Continue{};
    } else if (name.text != "break") {
      fail_unknown_tag(name.text, end_names);
    }
    if ((name.text == "break" || name.text == "continue") && loops_ == 0) {
      tokens_.fail("the tag '{}' stands outside a loop", name.text);
    }
    end_block();
    return statement;
  }

  [[noreturn]] void fail_unknown_tag(std::string_view name, EndNames end_names) {
    std::string wanted;
    for (const std::string_view end : end_names) wanted += fmt::format("{}'{}'", wanted.empty() ? "" : " or ", end);
    if (name.starts_with("end") || name == "else" || name == "elif") {
      tokens_.fail("the tag '{}' ends nothing{}", name, wanted.empty() ? "" : ": expected " + wanted);
    }
    tokens_.fail(
        "the tag '{}' is not one of those chat templates have: if, for, set, macro, call, filter, with, "
        "generation, break, continue, raw",
        name);
  }

  If parse_if() {
    If statement;
    while (true) {
      ExpressionPtr condition = expressions_.parse_tuple(false);
      statement.branches.emplace_back(std::move(condition), parse_body({"elif", "else", "endif"}));
      const Token end = tokens_.take();
      if (end.text == "elif") continue;
      if (end.text == "else") statement.otherwise = parse_body_to("endif");
      return statement;
    }
  }

  For parse_for() {
    For statement;
    statement.target = parse_target(false);
    tokens_.expect_name("in");
    statement.iterable = expressions_.parse_tuple(false);
    if (tokens_.skip_name("if")) statement.condition = expressions_.parse();
    if (tokens_.is_name("recursive")) tokens_.fail("loops that call themselves ('recursive') are not supported");
    ++loops_;
    statement.body = parse_body({"else", "endfor"});
    --loops_;
    if (tokens_.take().text == "else") statement.otherwise = parse_body_to("endfor");
    return statement;
  }

  // One name, or several with commas between them.
  Target parse_target(bool with_namespace) {
    Target first = parse_single_target(with_namespace);
    if (!tokens_.is_sign(",")) return first;
    Target all;
    all.parts.push_back(std::move(first));
    while (tokens_.skip_sign(",") && (tokens_.is(TokenKind::name) || tokens_.is_sign("(")) && !tokens_.is_name("in")) {
      all.parts.push_back(parse_single_target(with_namespace));
    }
    return all;
  }

  Target parse_single_target(bool with_namespace) {
    if (tokens_.skip_sign("(")) {
      if (++blocks_ > kMaxBlocks) tokens_.fail("targets nest deeper than {} levels", kMaxBlocks);
      Target inside = parse_target(with_namespace);
      --blocks_;
      tokens_.expect_sign(")");
      return inside;
    }
    Target target;
    target.name = tokens_.expect(TokenKind::name, "a name to assign to").text;
    for (const std::string_view constant : {"true", "false", "none", "True", "False", "None"}) {
      if (target.name == constant) tokens_.fail("'{}' cannot be assigned to", target.name);
    }
    if (with_namespace && tokens_.skip_sign(".")) {
      target.attribute = tokens_.expect(TokenKind::name, "an attribute of the namespace").text;
    }
    return target;
  }

  void parse_set(Statement& statement) {
    Target target = parse_target(true);
    if (tokens_.skip_sign("=")) {
      statement.node = Set{std::move(target), expressions_.parse_tuple()};
      return;
    }
    ExpressionPtr filter;
    if (tokens_.skip_sign("|")) filter = expressions_.parse_filters();
    statement.node = SetBlock{std::move(target), std::move(filter), parse_body_to("endset")};
  }

  With parse_with() {
    With statement;
    while (!tokens_.is(TokenKind::end_block)) {
      if (!statement.values.empty()) tokens_.expect_sign(",");
      Target target = parse_single_target(false);
      tokens_.expect_sign("=");
      statement.values.emplace_back(std::move(target), expressions_.parse());
    }
    statement.body = parse_body_to("endwith");
    return statement;
  }

  std::vector<Parameter> parse_parameters() {
    std::vector<Parameter> parameters;
    tokens_.expect_sign("(");
    while (!tokens_.is_sign(")")) {
      if (!parameters.empty()) tokens_.expect_sign(",");
      Parameter parameter{parse_single_target(false).name, nullptr};
      if (tokens_.skip_sign("=")) {
        parameter.fallback = expressions_.parse();
      } else if (!parameters.empty() && parameters.back().fallback) {
        tokens_.fail("a parameter without a default follows one with a default");
      }
      parameters.push_back(std::move(parameter));
    }
    tokens_.expect_sign(")");
    return parameters;
  }

  // A macro's body is not inside the loop that its definition stands in.
  Body parse_function_body(std::string_view end_name) {
    const int loops = std::exchange(loops_, 0);
    Body body = parse_body_to(end_name);
    loops_ = loops;
    return body;
  }

  MacroDefinition parse_macro() {
    MacroDefinition macro;
    macro.name = parse_single_target(false).name;
    macro.parameters = parse_parameters();
    macro.body = parse_function_body("endmacro");
    return macro;
  }

  CallBlock parse_call_block() {
    CallBlock block;
    block.caller.name = "caller";
    if (tokens_.is_sign("(")) block.caller.parameters = parse_parameters();
    block.call = expressions_.parse_call_expression();
    block.caller.body = parse_function_body("endcall");
    return block;
  }

  TokenStream tokens_;
  ExpressionParser expressions_;
  int blocks_ = 0, loops_ = 0;
};

}  // namespace

Body parse_template(std::string_view source, std::string_view template_name) {
  return Parser(source, template_name).run();
}

}  // namespace bantam::jinja
