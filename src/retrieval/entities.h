// Character references: &amp; &#44032; &#xAC00; where a format outside HTML uses them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bantam {

struct Entity {
  size_t length = 0;  // bytes of the reference; 0 when none begins there
  std::string text;
};

// The reference that `text` begins with: any number, and the names that texts use. Others stay as they are.
Entity entity_at(std::string_view text);

}  // namespace bantam
