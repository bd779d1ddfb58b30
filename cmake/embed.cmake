# The assembler puts files into the program, so cross builds need no extra tool.
enable_language(ASM)

# Links what `directives` assemble into TARGET as SYMBOL ... SYMBOL_end; built again when one of `files` changes.
function(bantam_embed_directives target symbol directives files)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.s)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
    .section .rodata
    .balign 64
    .global @symbol@
    .hidden @symbol@
@symbol@:
@directives@
    .global @symbol@_end
    .hidden @symbol@_end
@symbol@_end:
    .section .note.GNU-stack,"",%progbits
]])
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS "${files}")
  target_sources(${target} PRIVATE ${source})
endfunction()

# bantam_embed(TARGET SYMBOL FILE): FILE's bytes. A missing FILE embeds none; when it appears or changes, the next build
# picks it up.
function(bantam_embed target symbol file)
  file(GLOB present CONFIGURE_DEPENDS ${file})
  set(directives "")
  if(present)
    set(directives "    .incbin \"${file}\"")
  endif()
  bantam_embed_directives(${target} ${symbol} "${directives}" "${present}")
endfunction()

# bantam_embed_folder(TARGET SYMBOL FOLDER): all files below FOLDER, for each its path, a zero byte, its size in 8 bytes and
# its bytes. A missing folder embeds nothing; new files are picked up.
function(bantam_embed_folder target symbol folder)
  file(GLOB_RECURSE files RELATIVE ${folder} CONFIGURE_DEPENDS ${folder}/*)
  list(REMOVE_ITEM files SOURCE.sha256)
  list(SORT files)
  set(directives "")
  foreach(file ${files})
    string(APPEND directives "    .asciz \"${file}\"\n    .quad 2f - 1f\n1:\n    .incbin \"${folder}/${file}\"\n2:\n")
  endforeach()
  list(TRANSFORM files PREPEND ${folder}/)
  bantam_embed_directives(${target} ${symbol} "${directives}" "${files}")
endfunction()
