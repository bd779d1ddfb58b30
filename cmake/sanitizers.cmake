# BANTAM_SANITIZE: empty, "address,undefined", "thread" or "fuzzer-no-link,address,undefined".
if(BANTAM_SANITIZE)
  add_compile_options(-fsanitize=${BANTAM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BANTAM_SANITIZE})
endif()
