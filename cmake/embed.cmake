# bantam_embed(TARGET SYMBOL FILE): links FILE's bytes into TARGET as SYMBOL ... SYMBOL_end. A missing FILE embeds no
# bytes; when it appears or changes, the next build picks it up. The assembler does it, so cross builds need no extra tool.
enable_language(ASM)

function(bantam_embed target symbol file)
  file(GLOB present CONFIGURE_DEPENDS ${file})
  set(incbin "")
  if(present)
    set(incbin ".incbin \"${file}\"")
  endif()
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.s)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
    .section .rodata
    .balign 64
    .global @symbol@
    .hidden @symbol@
@symbol@:
    @incbin@
    .global @symbol@_end
    .hidden @symbol@_end
@symbol@_end:
    .section .note.GNU-stack,"",%progbits
]])
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS "${present}")
  target_sources(${target} PRIVATE ${source})
endfunction()

# bantam_embed_folder(TARGET SYMBOL FOLDER): links all files below FOLDER into TARGET as SYMBOL ... SYMBOL_end: for each its
# path, a zero byte, its size in 8 bytes and its bytes. A missing folder embeds nothing; new files are picked up.
function(bantam_embed_folder target symbol folder)
  file(GLOB_RECURSE files RELATIVE ${folder} CONFIGURE_DEPENDS ${folder}/*)
  list(REMOVE_ITEM files SOURCE.sha256)
  list(SORT files)
  set(entries "")
  foreach(file ${files})
    string(APPEND entries "    .asciz \"${file}\"\n    .quad 2f - 1f\n1:\n    .incbin \"${folder}/${file}\"\n2:\n")
  endforeach()
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.s)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
    .section .rodata
    .balign 64
    .global @symbol@
    .hidden @symbol@
@symbol@:
@entries@
    .global @symbol@_end
    .hidden @symbol@_end
@symbol@_end:
    .section .note.GNU-stack,"",%progbits
]])
  list(TRANSFORM files PREPEND ${folder}/)
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS "${files}")
  target_sources(${target} PRIVATE ${source})
endfunction()
