// JSON as parts of a grammar: spaces, strings, numbers, any value. What schemas (json_schema.h) are built from.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/grammar/grammar.h"

namespace bantam {

class JsonParts {
 public:
  using NodeId = Grammar::NodeId;

  explicit JsonParts(Grammar& grammar) : g_(grammar) {}

  // Nothing, one space, or a line end with at most 20 spaces, after brackets, colons and commas and before what closes:
  // enough for every usual layout, and a model cannot fill an answer with it.
  NodeId space();
  // A value with its spaces, but none before or after it.
  NodeId any_value();
  NodeId any_object();
  NodeId any_array();
  NodeId boolean() { return g_.choice({g_.text("true"), g_.text("false")}); }
  NodeId null() { return g_.text("null"); }
  // Every way to write it; numbers have few enough digits for the types that programs read them into.
  NodeId integer();
  NodeId number();
  // A string of so many characters (code points), escapes or not.
  NodeId string(uint32_t least = 0, uint32_t most = Grammar::kUnbounded);

  // One character of a set as it stands in a string, in its shortest form.
  NodeId written(const CharSet& set);
  // A string whose content is `inside`, which is made of written().
  NodeId quoted(NodeId inside) { return g_.sequence({g_.text("\""), inside, g_.text("\"")}); }
  // A string that is none of `names`, in its shortest form.
  NodeId name_other_than(const std::vector<std::string>& names);

  // "[" items with commas "]": first `fixed`, then `rest`, least to most items altogether. Nothing as `rest`: no more.
  NodeId array(const std::vector<NodeId>& fixed, std::optional<NodeId> rest, uint32_t least, uint32_t most);

  struct Member {
    NodeId name, value;
    bool required;
  };
  // "{" members in this order, then any number of `others` "}".
  NodeId object(const std::vector<Member>& members, const std::optional<Member>& others);

 private:
  NodeId once(std::optional<NodeId>& kept, const char* name, NodeId (JsonParts::*build)());
  NodeId build_space();
  NodeId build_value();
  NodeId build_char();
  NodeId build_escapes();
  NodeId build_object();
  NodeId build_array();
  NodeId member(const Member& of);
  NodeId as_rule(const char* name, NodeId node);

  Grammar& g_;
  std::optional<NodeId> space_, value_, char_, object_, array_, escapes_;
};

}  // namespace bantam
