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
