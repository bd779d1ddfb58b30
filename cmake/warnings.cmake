# Linked privately by every target of ours.
add_library(bantam_warnings INTERFACE)
target_compile_options(bantam_warnings INTERFACE -Wall -Wextra -Wshadow -Wconversion)
if(BANTAM_WERROR)
  target_compile_options(bantam_warnings INTERFACE -Werror)
endif()
