# cmake -DNM=nm -DLIBRARY=libbantam_kernels.a -P check_symbols.cmake
# Code compiled for wide vectors must stay out of programs that run on older CPUs: such an object may define only its
# table. A weak symbol, from an inline function, could replace the same function compiled for every CPU.
execute_process(COMMAND ${NM} -A -C --defined-only ${LIBRARY} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "(avx2|avx_vnni|avx512|avx512_vnni|neon|neon_dot|gemm_amx)\\.cpp\\.o:[0-9a-f]* [A-Zuvw] [^\n]*" symbols "${output}")
list(LENGTH symbols count)
if(count EQUAL 0)
  message(FATAL_ERROR "no symbols of the vector kernels in ${LIBRARY}")
endif()
foreach(symbol IN LISTS symbols)
  if(NOT symbol MATCHES " [DR] bantam::[a-z0-9_]+_table$" AND NOT symbol MATCHES " T bantam::gemm_amx\\(")
    message(SEND_ERROR "visible outside its file: ${symbol}")
  endif()
endforeach()
