# Linked privately by every target of ours.
add_library(bantam_warnings INTERFACE)
target_compile_options(bantam_warnings INTERFACE -Wall -Wextra -Wshadow -Wconversion)
if(BANTAM_WERROR)
  target_compile_options(bantam_warnings INTERFACE -Werror)
endif()
if(BANTAM_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # its checks make GCC 12 warn of libstdc++'s <regex> and <functional>
  target_compile_options(bantam_warnings INTERFACE -Wno-maybe-uninitialized)
endif()
