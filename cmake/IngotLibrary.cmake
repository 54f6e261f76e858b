# ingot_library(<name> SOURCES a.cpp ... [LIBS other ...] [NO_MLIR])
#
# A component: a static library that shares the project's precompiled header.
# MLIR and LLVM are the packaged dylibs and are linked once, by the tools.
function(ingot_library name)
  cmake_parse_arguments(ARG "NO_MLIR" "" "SOURCES;LIBS;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  if(ARG_NO_MLIR)
    target_link_libraries(${name} PUBLIC ${ARG_LIBS})
  else()
    target_link_libraries(${name} PUBLIC ${ARG_LIBS} MLIR LLVM)
    ingot_use_pch(${name})
  endif()
endfunction()

# One precompiled header of MLIR's own headers serves every target.
function(ingot_use_pch target)
  if(NOT TARGET IngotPch)
    file(WRITE ${PROJECT_BINARY_DIR}/pch.cpp "")
    add_library(IngotPch STATIC ${PROJECT_BINARY_DIR}/pch.cpp)
    target_precompile_headers(IngotPch PRIVATE ${PROJECT_SOURCE_DIR}/cmake/pch.h)
  endif()
  target_precompile_headers(${target} REUSE_FROM IngotPch)
endfunction()
