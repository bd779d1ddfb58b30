# bantam_library(NAME SOURCES ... TESTS ... LINK ...): one folder of src/, one static library, one test program.
function(bantam_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;TESTS;LINK;TEST_LINK" ${ARGN})
  add_library(bantam_${name} STATIC ${arg_SOURCES})
  target_include_directories(bantam_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(bantam_${name} PUBLIC ${arg_LINK} PRIVATE bantam_warnings)
  if(arg_TESTS AND BANTAM_TESTS)
    bantam_test(${name}_test SOURCES ${arg_TESTS} LINK bantam_${name} ${arg_TEST_LINK})
  endif()
endfunction()

# bantam_test(NAME SOURCES ... LINK ...): a GoogleTest program, registered with CTest.
function(bantam_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINK} GTest::gmock GTest::gtest_main bantam_warnings)
  target_compile_definitions(${name} PRIVATE
    BANTAM_SHARED_DIR="${BANTAM_SHARED_DIR}" BANTAM_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  gtest_discover_tests(${name} TEST_PREFIX ${name}. DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600)
endfunction()
